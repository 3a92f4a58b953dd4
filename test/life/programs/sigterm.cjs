'use strict'
const { load, busy } = require('./prepare.cjs')
load().then((model) => {
  void busy(model)
  setTimeout(() => process.kill(process.pid, 'SIGTERM'), 100)
})
