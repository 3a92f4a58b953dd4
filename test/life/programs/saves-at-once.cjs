// Saves two models over one folder, many times without waiting; says how the saves ended.
'use strict'
const { Model } = require('../../..')
const [source, folder] = process.argv.slice(2)

async function main() {
  const models = await Promise.all([1, 2].map(() => Model.load(source, { device: 'cpu', threads: 1 })))
  const saves = Array.from({ length: 12 }, (_, i) => models[i % 2].save(folder, { overwrite: true }))
  for (const { status, reason } of await Promise.allSettled(saves)) console.log(reason?.message ?? status)
  for (const model of models) await model.dispose()
}
void main()
