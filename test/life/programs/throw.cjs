'use strict'
const { load, busy } = require('./prepare.cjs')
load().then((model) => {
  void busy(model)
  setTimeout(() => {
    const error = new Error('on purpose')
    error.stack = 'Error: on purpose'
    throw error
  }, 100)
})
