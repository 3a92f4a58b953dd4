// Joint training in the recipe of bench/peers/train.py: examples/s after the first 20 steps, and the most memory.
// usage: node bench/programs/train.mjs MODEL_DIR JOINT_DIR [float32|bfloat16] [steps]
import path from 'node:path'
import { Dataset, Model, readJointBert } from '../../dist/index.js'
import { addHeads, trainerOptions } from '../../scripts/results/recipe.mjs'
import { labelsOf } from '../../scripts/results/sets.mjs'
import { round } from './figures.mjs'

const WARM = 20
const [folder, data, dtype = 'float32', steps = '80'] = process.argv.slice(2)
const train = await Dataset.from(readJointBert(path.join(data, 'train')))
const labels = labelsOf(train)
const model = addHeads(await Model.load(folder, { device: 'cpu' }), labels)
const trainer = model.trainer(trainerOptions(labels, { dtype, groupByLength: true, totalSteps: Number(steps), epochs: undefined }))
let warm
let last
await trainer.fit(train, {
  epochs: 1,
  maxSteps: Number(steps),
  onProgress: ({ step, examples, tokens }) => {
    last = { step, examples, tokens, at: performance.now() }
    if (step >= WARM) warm ??= last
  },
})
const seconds = (last.at - warm.at) / 1e3
console.log(
  JSON.stringify({
    dtype,
    examplesPerSecond: round((last.examples - warm.examples) / seconds, 1),
    tokensPerSecond: Math.round((last.tokens - warm.tokens) / seconds),
    peakRssMB: Math.round(process.resourceUsage().maxRSS / 1024),
    kernels: model.info.kernels,
    libtorch: model.info.libtorch.version,
  }),
)
await model.dispose()
