// Fifty workers, each terminated in the middle of an encode.
'use strict'
const path = require('node:path')
const { Worker } = require('node:worker_threads')
async function main() {
  for (let i = 0; i < 50; i++) {
    const worker = new Worker(path.join(__dirname, 'encodes-for-long.cjs'))
    await new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    await worker.terminate()
  }
  console.log('terminated 50')
}
main()
