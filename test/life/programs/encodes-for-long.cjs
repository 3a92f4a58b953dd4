// A worker's body: tells when it is in the middle of an encode.
'use strict'
const { load, busy } = require('./prepare.cjs')
load().then(async (model) => {
  void busy(model)
  setTimeout(() => require('node:worker_threads').parentPort?.postMessage('busy'), 60)
})
