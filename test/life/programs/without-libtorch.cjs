'use strict'
const { Model } = require('../../..')
Model.load(process.env.SENTORCH_LIFE_MODEL).catch((error) => console.log(error.code, error.message))
