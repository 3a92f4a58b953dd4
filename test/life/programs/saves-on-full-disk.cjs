// Saves a model, and checkpoints of a training run, where no file may grow beyond a limit (ulimit -f, as on a full disk); then trains to the end.
'use strict'
const { Model } = require('../../..')
const [source, folder, run] = process.argv.slice(2)

const examples = Array.from({ length: 16 }, (_, i) => ({ text: `sentence ${i} flows`, labels: { intent: i % 2 ? 'odd' : 'even' } }))
process.on('warning', ({ code }) => console.log('warning', code))
const outcome = (promise) => promise.then(() => 'done', (error) => `${error.name} ${error.code}`) // prettier-ignore

async function main() {
  const model = await Model.load(source, { device: 'cpu', threads: 1 })
  console.log('save', await outcome(model.save(folder, { overwrite: true })))
  model.addHead({ name: 'intent', type: 'classification', labels: ['even', 'odd'] })
  const trainer = model.trainer({ batchSize: 4 })
  console.log('saveEvery', await outcome(trainer.trainEpoch(examples, { saveEvery: { dir: run, steps: 1 } })))
  console.log('applied', trainer.position.applied)
  console.log('saveCheckpoint', await outcome(trainer.saveCheckpoint(run)))
  console.log('trainEpoch', await outcome(trainer.trainEpoch(examples)))
  console.log('epoch', trainer.position.epoch)
  await model.dispose()
}
void main()
