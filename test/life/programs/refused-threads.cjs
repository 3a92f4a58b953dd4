// Loads a model again and again while the system allows so many threads and one more each time. Prints how each attempt ended, the last one well.
'use strict'
const { pbkdf2 } = require('node:crypto')
const { promisify } = require('node:util')
const { Model } = require('../../..')
const [folder, threads, first] = process.argv.slice(2)

async function attempt() {
  const model = await Model.load(folder, { device: 'cpu', threads: Number(threads) })
  try {
    return String((await model.encode(Array.from({ length: 64 }, (_, i) => `number ${i} of some`))).length)
  } finally {
    await model.dispose()
  }
}

async function main() {
  // The threads of libuv's pool are Node's own: all of them are started before the limit holds.
  await Promise.all(Array.from({ length: 4 }, () => promisify(pbkdf2)('a', 'b', 100_000, 8, 'sha256')))
  const outcomes = []
  for (let limit = Number(first); limit < 100 && outcomes.at(-1) !== '64'; limit++) {
    process.env.SENTORCH_TEST_THREADS = String(limit)
    outcomes.push(await attempt().catch((error) => (error.name === 'SentorchError' ? error.code : `untyped ${error.stack}`)))
  }
  console.log(outcomes.join(' '))
}
void main()
