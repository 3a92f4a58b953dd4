// An epoch of everything, and the epochs of a frozen encoder: from the second on its outputs are reused.
// usage: node bench/programs/train-frozen.mjs MODEL_DIR JOINT_DIR [examples]
import path from 'node:path'
import { Dataset, Model, readJointBert } from '../../dist/index.js'
import { addHeads, trainerOptions } from '../../scripts/results/recipe.mjs'
import { labelsOf } from '../../scripts/results/sets.mjs'
import { round } from './figures.mjs'

const [folder, data, examples = '2048'] = process.argv.slice(2)
const whole = await Dataset.from(readJointBert(path.join(data, 'train')))
const labels = labelsOf(whole)
const some = whole.examples.slice(0, Number(examples))

async function epochs(count, more) {
  const model = addHeads(await Model.load(folder, { device: 'cpu' }), labels)
  const trainer = model.trainer(trainerOptions(labels, { groupByLength: true, epochs: count, ...more }))
  const seconds = []
  for (let epoch = 0; epoch < count; epoch++) seconds.push((await trainer.trainEpoch(some)).seconds)
  await model.dispose()
  return seconds
}

const [full] = await epochs(1)
const [first, second, third] = await epochs(3, { freeze: 'encoder' })
console.log(
  JSON.stringify({
    examples: some.length,
    fullSeconds: round(full),
    frozenFirstSeconds: round(first),
    frozenSeconds: round(Math.min(second, third), 3),
  }),
)
