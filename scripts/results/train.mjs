// Trains and evaluates on one data set with sentorch's public API; prints the lines that bench/peers/train.py prints.
// usage: node scripts/results/train.mjs MODEL_DIR DATA_ROOT made|snips|hwu64|wnut17|clinc150|mixed [--epochs 3 | --max-steps N] [--seed 0] [--dtype float32|bfloat16]
import { parseArgs } from 'node:util'
import { Model } from '../../dist/index.js'
import { addHeads, trainerOptions } from './recipe.mjs'
import { labelsOf, NAMES, readSet } from './sets.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    epochs: { type: 'string', default: '3' },
    'max-steps': { type: 'string' },
    seed: { type: 'string', default: '0' },
    dtype: { type: 'string', default: 'float32' },
  },
})
const [folder, root, set] = positionals
if (!NAMES.includes(set)) throw new Error(`The data sets are: ${NAMES.join(', ')}.`)
const [epochs, seed] = [Number(values.epochs), Number(values.seed)]
const maxSteps = values['max-steps'] && Number(values['max-steps'])
const length = maxSteps ? { totalSteps: maxSteps } : { epochs }

const splits = await readSet(set, root)
const labels = labelsOf(splits.train)
const model = addHeads(await Model.load(folder, { device: 'cpu' }), labels, { seed })
const trainer = model.trainer(
  trainerOptions(labels, { seed, ...length, dtype: values.dtype, ...(set === 'mixed' && { sampling: 'mixed' }) }),
)
const start = performance.now()
await trainer.fit(splits.train, {
  ...(maxSteps && { epochs, maxSteps }),
  onEpoch: ({ epoch, loss }) =>
    console.log(`epoch ${epoch} loss ${loss.toFixed(4)} at ${((performance.now() - start) / 1e3).toFixed(1)} s`),
})
const { metrics, frameAccuracy } = await trainer.evaluate(splits.test)
await trainer.dispose()

const found = {
  ...(metrics.intent && { intent: 100 * metrics.intent.accuracy }),
  ...(metrics.slots && { slots: 100 * metrics.slots.f1 }),
  ...(frameAccuracy !== undefined && { frame: 100 * frameAccuracy }),
  ...(set === 'clinc150' && (await rejection())),
}
await model.dispose()
const line = Object.entries(found).map(([name, value]) => `${name} ${value.toFixed(2)}`)
console.log(`result ${set} seed ${seed} ${values.dtype}: ${line.join(' ')}`)

/** Rejects sentences whose best probability is below a threshold, which is chosen on the validation split to suit both kinds of sentences. */
async function rejection() {
  const answers = async (split, rejectBelow) => {
    const { examples } = splits[split]
    const texts = examples.map(({ text }) => text)
    const results = await model.predict(texts, { heads: ['intent'], maxLength: 64, ...(rejectBelow && { rejectBelow }) })
    return results.map(({ intent }, i) => ({ label: intent.label, score: intent.score, gold: examples[i].labels.intent }))
  }
  const share = (list, holds) => list.filter(holds).length / list.length
  const [inside, outside] = [await answers('val'), await answers('oos_val')]
  const value = (threshold) =>
    share(inside, ({ label, gold, score }) => label === gold && score >= threshold) + share(outside, ({ score }) => score < threshold)
  const threshold = Array.from({ length: 100 }, (_, i) => i / 100).reduce((best, next) => (value(next) > value(best) ? next : best))
  return {
    threshold,
    'intent-kept': 100 * share(await answers('test', threshold), ({ label, gold }) => label === gold),
    'oos-recall': 100 * share(await answers('oos_test', threshold), ({ label }) => label === null),
  }
}
