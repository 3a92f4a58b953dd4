const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads')
const { report } = require('./report.cjs')

if (isMainThread) {
  new Worker(__filename, { workerData: process.argv.slice(2) }).on('message', report)
} else {
  work(workerData)
}

async function work([folder, ...texts]) {
  const { Model } = require('sentorch')
  const model = await Model.load(folder)
  parentPort.postMessage([...(await model.encode(texts))])
}
