// A worker's body: ends by itself after one encode.
'use strict'
const { load } = require('./prepare.cjs')
load().then(async (model) => {
  await model.encode('from a worker')
  require('node:worker_threads').parentPort?.postMessage('done')
})
