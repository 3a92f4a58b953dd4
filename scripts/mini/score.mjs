// Compares a student with its teacher on texts that were kept apart, and evaluates its heads on the test split of SNIPS.
// usage: node scripts/mini/score.mjs [--model DIR] [--data DIR] [--out DIR] [--teacher DIR] [--threads N]
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { main } from '../support/console.mjs'
import { inRoot } from '../support/paths.mjs'
import { randomFrom } from '../support/random.mjs'
import { optionsOf } from './options.mjs'
import { cachedVectors, WIDTH } from './teacher.mjs'

export const HELD_OUT = ['utterances', 'wordnet']
/** Texts of each kind; each is in one pair with a near neighbour and in one with a random text. */
const TEXTS = 2500
/** A near neighbour is one of the ten that are nearest by the teacher. */
const NEAR = 10

/** Spearman correlation of the student's and the teacher's cosines by kind of text; with heads also the scores on SNIPS. */
export async function score({ out, data, model: folder, teacher, threads }) {
  const { Model, Dataset, readJointBert } = createRequire(import.meta.url)(inRoot('dist/index.js'))
  const student = await Model.load(folder ?? 'sentorch:mini', threads && { threads })
  const scores = {}
  for (const kind of HELD_OUT) {
    const texts = fs
      .readFileSync(path.join(out, `held-out-${kind}.txt`), 'utf8')
      .split('\n')
      .slice(0, TEXTS)
    const theirs = await cachedVectors(path.join(out, `teacher-${kind}.f32`), texts, teacher, Model)
    const { data: ours, dimension } = await student.encode(texts, { normalize: true })
    const pairs = pairsOf(theirs, texts.length)
    const cosines = (vectors, width) => pairs.map(([a, b]) => dot(vectors, a, b, width))
    scores[kind] = {
      spearman: spearman(cosines(ours, dimension), cosines(theirs, WIDTH)),
      cosine: dimension === WIDTH ? meanCosine(ours, theirs) : undefined,
    }
  }
  if (data && student.heads.length > 0) {
    const test = await Dataset.from(readJointBert(path.join(data, 'snips/test')), { name: 'snips test' })
    const { metrics, frameAccuracy } = await student.trainer().evaluate(test)
    scores.snips = { intent: metrics.intent.accuracy, slots: metrics.slots.f1, frame: frameAccuracy }
  }
  await student.dispose()
  return scores
}

/** Pairs of row numbers, half of them near neighbours by the teacher and half random. */
function pairsOf(vectors, rows) {
  const random = randomFrom(1)
  return Array.from({ length: rows }, (_, a) => {
    const similarities = Float32Array.from({ length: rows }, (_, b) => (a === b ? -1 : dot(vectors, a, b, WIDTH)))
    const nearest = [...similarities.keys()].sort((x, y) => similarities[y] - similarities[x]).slice(0, NEAR)
    return [
      [a, random.pick(nearest)],
      [a, (a + 1 + random.below(rows - 1)) % rows],
    ]
  }).flat()
}

function dot(vectors, a, b, width) {
  let sum = 0
  for (let d = 0; d < width; d++) sum += vectors[a * width + d] * vectors[b * width + d]
  return sum
}

function meanCosine(a, b) {
  const rows = a.length / WIDTH
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum / rows
}

/** Pearson's correlation of the ranks; equal values share the mean of their ranks. */
export function spearman(a, b) {
  return pearson(ranks(a), ranks(b))
}

function ranks(values) {
  const order = [...values.keys()].sort((x, y) => values[x] - values[y])
  const result = new Float64Array(values.length)
  for (let from = 0; from < order.length;) {
    let to = from
    while (to < order.length && values[order[to]] === values[order[from]]) to++
    for (let i = from; i < to; i++) result[order[i]] = (from + to - 1) / 2
    from = to
  }
  return result
}

function pearson(a, b) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [ma, mb] = [mean(a), mean(b)]
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    ab += (a[i] - ma) * (b[i] - mb)
    aa += (a[i] - ma) ** 2
    bb += (b[i] - mb) ** 2
  }
  return ab / Math.sqrt(aa * bb)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href)
  await main(async () => console.log(JSON.stringify(await score(optionsOf()), null, 2)))
