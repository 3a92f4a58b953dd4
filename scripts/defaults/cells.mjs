// The cells of docs/defaults.md: public data sets cut to a few examples, with the splits that choose and report.
import { Dataset } from '../../dist/index.js'
import { readSet } from '../results/sets.mjs'

const DEV_EXAMPLES = 300
const TEST_EXAMPLES = 700

const HEADS = { intent: 'classification', slots: 'token-classification' }

/** `score`: of an evaluation, in points. `dev`: the split that chooses; hwu64 has none, so examples of its training split that no cell uses. */
const SETS = {
  snips: { sizes: [16, 64, 256, 1024], dev: 'dev', score: (metrics) => (metrics.intent.accuracy + metrics.slots.f1) / 2 },
  wnut17: { sizes: [16, 64, 256, 1024], dev: 'dev', score: (metrics) => metrics.slots.f1 },
  hwu64: { perClass: [1, 4, 16], score: (metrics) => (metrics.intent.accuracy + metrics.slots.f1) / 2 },
  clinc150: { perClass: [1, 4, 16], dev: 'val', score: (metrics) => metrics.intent.accuracy },
}

/** Names such as `snips-16` and `clinc150-4-per-class`, the small ones first. */
export const CELLS = Object.entries(SETS)
  .flatMap(([set, { sizes = [], perClass = [] }]) => [
    ...sizes.map((size) => ({ name: `${set}-${size}`, set, size, order: size })),
    ...perClass.map((size) => ({ name: `${set}-${size}-per-class`, set, perClass: size, order: 64 * size })),
  ])
  .sort((a, b) => a.order - b.order)

/** The data of a cell. The same examples are drawn each time; the heads have the labels that occur in `train`. */
export async function readCell({ set, size, perClass }, root) {
  const splits = await readSet(set, root)
  const order = shuffled(splits.train.examples)
  const chosen = size === undefined ? firstOfEach(order, perClass) : order.slice(0, size)
  const devExamples = SETS[set].dev ? shuffled(splits[SETS[set].dev].examples) : order.slice(-DEV_EXAMPLES)
  const train = await Dataset.from(chosen)
  return {
    train,
    dev: await Dataset.from(devExamples.slice(0, DEV_EXAMPLES)),
    test: await Dataset.from(shuffled(splits.test.examples).slice(0, TEST_EXAMPLES)),
    heads: train.heads.map((name) => ({ name, type: HEADS[name], labels: train.labels(name) })),
  }
}

/** In points. */
export function scoreOf({ set }, { metrics }) {
  return 100 * SETS[set].score(metrics)
}

function firstOfEach(examples, count) {
  const taken = new Map()
  return examples.filter(({ labels: { intent } }) => {
    taken.set(intent, (taken.get(intent) ?? 0) + 1)
    return taken.get(intent) <= count
  })
}

/** A fixed order: Fisher and Yates with a linear congruential generator. */
function shuffled(examples) {
  const list = [...examples]
  let state = 1
  for (let i = list.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const j = Math.floor((state / 2 ** 32) * (i + 1))
    ;[list[i], list[j]] = [list[j], list[i]]
  }
  return list
}
