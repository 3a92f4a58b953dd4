// Prints what the environment says of OpenMP's spinning after a model was loaded.
'use strict'
const { load } = require('./prepare.cjs')
load().then(() => console.log(process.env.GOMP_SPINCOUNT ?? 'unset'))
