// Two workers and the main thread at once, each with a model of its own; then the workers end by themselves.
'use strict'
const path = require('node:path')
const { Worker } = require('node:worker_threads')
const { load } = require('./prepare.cjs')
async function main() {
  const workers = [1, 2].map(
    () =>
      new Promise((resolve, reject) => {
        const worker = new Worker(path.join(__dirname, 'loads-and-exits.cjs'))
        worker.on('error', reject)
        worker.on('exit', resolve)
      }),
  )
  const model = await load()
  await model.encode(['from', 'the main thread'])
  const codes = await Promise.all(workers)
  await model.encode('the workers have gone')
  console.log(codes.join(' '))
}
main()
