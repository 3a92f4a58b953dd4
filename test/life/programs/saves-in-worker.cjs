// Terminates a worker while it saves, then saves over the same folder itself.
'use strict'
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads')
const { Model } = require('../../..')

async function main([source, folder, ms]) {
  const worker = new Worker(__filename, { workerData: { source, folder } })
  await new Promise((resolve) => worker.once('message', resolve))
  await new Promise((resolve) => setTimeout(resolve, Number(ms)))
  await worker.terminate()
  const model = await Model.load(source, { device: 'cpu', threads: 1 })
  await model.save(folder, { overwrite: true })
  await model.dispose()
}

async function work({ source, folder }) {
  const model = await Model.load(source, { device: 'cpu', threads: 1 })
  parentPort.postMessage('begins')
  for (;;) await model.save(folder, { overwrite: true })
}

void (isMainThread ? main(process.argv.slice(2)) : work(workerData))
