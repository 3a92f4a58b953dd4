'use strict'
const { load, busy } = require('./prepare.cjs')
load().then(async (model) => {
  void busy(model)
  setTimeout(() => process.exit(7), 100)
})
