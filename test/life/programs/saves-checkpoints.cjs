// Trains and saves a checkpoint after every step until it is killed; says which were whole.
'use strict'
const { Model } = require('../../..')
const [folder, dir] = process.argv.slice(2)

const examples = Array.from({ length: 64 }, (_, i) => ({ text: `sentence ${i} flows`, labels: { intent: i % 2 ? 'odd' : 'even' } }))

async function main() {
  const model = await Model.load(folder, { device: 'cpu', threads: 1 })
  model.addHead({ name: 'intent', type: 'classification', labels: ['even', 'odd'] })
  const trainer = model.trainer({ batchSize: 4 })
  for (;;) await trainer.trainEpoch(examples, { saveEvery: { dir, steps: 1 }, onStep: ({ applied }) => console.log(applied - 1) })
}
void main()
