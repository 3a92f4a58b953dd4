import fs from 'node:fs'
import { join } from 'node:path'
import type { TrainingRequest } from '../../binding'
import { fromNative } from '../../lib/native/call'
import { expectClose } from '../support/close'
import { readGolden, type GoldenMatrix } from '../support/golden'
import { hashes, NativeTraining, plainTask, stepsOf, StoredArrays, type StepPlan } from '../support/native-training'
import {
  corpusOf,
  goldenArrays,
  wrongGradients,
  TRAINED_FAMILIES,
  tasksOf,
  type GoldenWindow,
  type TrainingGolden,
} from '../support/training-golden'
import { scratch } from '../support/scratch'
import { makeVariant } from '../support/variant'

const opened: NativeTraining[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((training) => training.dispose()))
})

interface Start extends Partial<TrainingRequest> {
  family?: string
  learningRate?: number
  /** Of the rows; by default the golden's. */
  labels?: (row: number) => number
}

/** One classification head on a tiny model, whose parameters all train. */
async function begin({ family = 'bert', learningRate = 1e-3, labels, ...request }: Start = {}) {
  const golden = readGolden<TrainingGolden>(`training/${family}`)
  const training = await NativeTraining.load(makeVariant({ base: golden.base }))
  opened.push(training)
  const heads = golden.heads.filter(({ name }) => name === 'intent')
  await training.addHeads(heads, await StoredArrays.open(goldenArrays(family)), 'value/')
  const tasks = [plainTask('intent')]
  await training.start({ targets: [], tasks, ...request })
  await training.trainOnly(() => true, { learningRate })
  const corpus = corpusOf(golden.corpus, tasks)
  if (labels) corpus.labels = [Int32Array.from(corpus.labels[0]!, (_, row) => labels(row))]
  await training.setCorpus(corpus)
  return training
}

const window = (...rows: number[][]): StepPlan => ({ ...stepsOf(rows), steps: [0, rows.length] })
const rows = [0, 1, 2, 3, 4, 5, 6, 7]

/** One step through the native surface, also where it is skipped. */
async function step(training: NativeTraining, { order, batches, steps }: StepPlan = window(rows)) {
  return fromNative(
    training.native.train({
      task: 1_000_000,
      order: Int32Array.from(order),
      batches: Int32Array.from(batches),
      steps: Int32Array.from(steps),
      multipliers: Float64Array.of(1),
      weights: null,
      firstStep: 0,
      milliseconds: 0,
      apply: true,
    }),
  )
}

async function everything(training: NativeTraining) {
  const [value, first, second] = [await training.read('value'), await training.read('exp_avg'), await training.read('exp_avg_sq')]
  return [hashes(value), hashes(first), hashes(second), [...(await training.native.optimizerSteps())]]
}

describe('clipping', () => {
  test('gradients below the norm are left as they are, to the bit', async () => {
    const [free, loose] = [await begin({ maxGradNorm: 0 }), await begin({ maxGradNorm: 1e4 })]
    for (const training of [free, loose]) await training.run(stepsOf([rows, rows]))
    expect(await everything(loose)).toEqual(await everything(free))
  })

  test('those above it are scaled to it all together: the first moment shows it', async () => {
    const [free, tight] = [await begin({ maxGradNorm: 0 }), await begin({ maxGradNorm: 0.01 })]
    const norm = (await free.run(stepsOf([rows]))).gradientNorm[0]!
    expect((await tight.run(stepsOf([rows]))).gradientNorm[0]).toBe(norm)
    const [whole, scaled] = [await free.read('exp_avg'), await tight.read('exp_avg')]
    const factor = 0.01 / (norm + 1e-6)
    expect(factor).toBeLessThan(0.5)
    for (const [name, values] of scaled) {
      const expected = whole.get(name)!.map((x) => x * factor)
      expectClose(values, expected, { atol: 1e-7 })
    }
  })
})

test('the rows of a step have dropout masks of their own, also a row that comes twice', async () => {
  const drops = { hiddenDropout: 0.3, attentionDropout: 0.3, attentionOutputDropout: 0.3 }
  const loss = async (training: NativeTraining, plan: StepPlan) => (await training.run(plan, { apply: false })).loss[0]!
  const [wet, dry] = [await begin({ ...drops, labels: () => 1 }), await begin({ labels: () => 1 })]
  expect(await loss(dry, window([3], [3]))).toBeCloseTo(await loss(dry, window([3])), 6)
  expect(Math.abs((await loss(wet, window([3], [3]))) - (await loss(wet, window([3]))))).toBeGreaterThan(1e-4)
})

describe('a step without a labelled row', () => {
  test.each([
    ['', {}],
    [', with uncertainty', { uncertainty: true }],
  ])('changes nothing and counts nothing%s', async (_, more) => {
    const training = await begin({ ...more, labels: (row) => (row < 8 ? -100 : 1), maxGradNorm: 1 })
    const before = await everything(training)
    expect(await training.run(window(rows, [0]))).toEqual({
      loss: [0],
      losses: [0],
      items: [0],
      correct: [0],
      gradientNorm: [0],
      examples: 9,
      tokens: expect.any(Number) as number,
      uncertainty: 'uncertainty' in more ? [0] : [],
    })
    expect(await everything(training)).toEqual(before)
    // The next one is not disturbed by it.
    const other = await begin({ ...more, labels: () => 1, maxGradNorm: 1 })
    const later = stepsOf([[8, 9, 10]])
    await Promise.all([training.run(later), other.run(later)])
    expect(await everything(training)).toEqual(await everything(other))
  })
})

describe('an update that would overflow', () => {
  test.each(['adamw', 'adam'] as const)('%s: the step is refused whole, and the next one is that of a run without it', async (type) => {
    const optimizer = { type, beta1: 0.9, beta2: 0.999, eps: 1e-8 }
    const [training, other] = [await begin({ optimizer }), await begin({ optimizer })]
    for (const each of [training, other]) await each.run(stepsOf([rows]))
    const before = await everything(training)
    await training.trainOnly(() => true, { learningRate: 1e39 })
    expect(await step(training)).toMatchObject({ steps: 1, skipped: true })
    expect(await everything(training)).toEqual(before)
    await training.trainOnly(() => true)
    for (const each of [training, other]) await each.run(stepsOf([rows]))
    expect(await everything(training)).toEqual(await everything(other))
  })

  test('of one parameter alone is enough', async () => {
    const training = await begin()
    const names = training.parameters.map(({ name }) => name)
    const last = names.at(-1)!
    const group = { weightDecay: 0, clip: true }
    await training.setGroups([
      { ...group, names: names.slice(0, -1), learningRate: 1e-3 },
      { ...group, names: [last], learningRate: 1e39 },
    ])
    const before = hashes(await training.read('value'))
    expect((await step(training)).skipped).toBe(true)
    expect(hashes(await training.read('value'))).toEqual(before)
  })

  test('numbers far from it are trained on, however large', async () => {
    const training = await begin({ learningRate: 1e30 })
    expect((await step(training)).skipped).toBe(false)
    const largest = Math.max(
      ...[...(await training.read('value')).values()].map((x) => x.reduce((most, y) => Math.max(most, Math.abs(y)), 0)),
    )
    expect(largest).toBeGreaterThan(1e29)
    expect(largest).toBeLessThan(1e31)
  })

  test('a weight decay that overflows is seen too', async () => {
    const training = await begin()
    await training.trainOnly(() => true, { learningRate: 1e20, weightDecay: 1e20 })
    expect((await step(training)).skipped).toBe(true)
  })
})

test('a head that was extended learns its new label', async () => {
  const training = await begin()
  await fromNative(training.native.endTraining())
  const before = training.parameters.find(({ name }) => name === 'heads.intent.0.bias')!.shape[0]!
  await fromNative(training.native.extendHead('intent', 2, 5))
  await training.start({ targets: [], tasks: [plainTask('intent')] })
  expect(training.parameters.find(({ name }) => name === 'heads.intent.0.bias')!.shape).toEqual([before + 2])
  await training.trainOnly(() => true, { learningRate: 5e-3 })
  const { corpus } = readGolden<TrainingGolden>('training/bert')
  const given = corpusOf(corpus, [plainTask('intent')])
  const newest = before + 1
  await training.setCorpus({ ...given, labels: [given.labels[0]!.map(() => newest)] })
  const { loss, correct } = await training.run(stepsOf(Array.from({ length: 20 }, () => rows)))
  expect(loss.at(-1)!).toBeLessThan(0.2 * loss[0]!)
  expect(correct.at(-1)).toBe(rows.length)
  const logits = await training.logits('intent')
  expect(logits.subarray(0, newest + 1).indexOf(Math.max(...logits.subarray(0, newest + 1)))).toBe(newest)
  await expect(training.setCorpus({ ...given, labels: [given.labels[0]!.map(() => newest + 1)] })).rejects.toMatchObject({
    code: 'ERR_DATA',
  })
})

describe('a trainer ends', () => {
  const shape = { activation: 'relu' as const, pooling: ['mean' as const], steps: [], inputs: 32, layers: null, files: [], seed: 0 }
  test.each<[string, (training: NativeTraining) => Promise<unknown>]>([
    ['when it is told to', ({ native }) => fromNative(native.endTraining())],
    ['when a head is added', ({ native }) => fromNative(native.addHead({ ...shape, name: 'x', type: 'classification', sizes: [2] }))],
    ['when its head is extended', ({ native }) => fromNative(native.extendHead('intent', 1, 0))],
    ['when its head is removed', ({ native }) => fromNative(native.removeHead('intent'))],
  ])('%s', async (_, end) => {
    const training = await begin()
    await step(training)
    await end(training)
    await expect(step(training)).rejects.toMatchObject({ message: expect.stringContaining('No trainer is open') as string })
    await expect(fromNative(training.native.optimizerSteps())).rejects.toMatchObject({ code: 'ERR_INTERNAL' })
  })
})

test('a trainer that ends leaves no gradient to the next one', async () => {
  const training = await begin()
  await training.run(window(rows), { apply: false })
  const largest = async () => Math.max(...[...(await training.read('gradient')).values()].map((array) => Math.max(...array.map(Math.abs))))
  expect(await largest()).toBeGreaterThan(0)
  await training.start({ targets: [], tasks: [plainTask('intent')] })
  expect(await largest()).toBe(0)
})

describe('gradients of words, which are kept for the rows of a step alone', () => {
  const WORDS = 'embeddings.word_embeddings.weight'
  const words = (name: string) => name === WORDS
  const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0))

  test('micro-batches that share words: the norm counts each row once', async () => {
    const training = await begin()
    await training.trainOnly(words)
    const { gradientNorm } = await training.run(window([0, 1, 2], [2, 3], [3, 0, 4]), { apply: false })
    const gradient = (await training.read('gradient')).get(WORDS)!
    expect(gradientNorm[0]).toBeGreaterThan(0.01)
    expectClose(gradientNorm, [norm(gradient)], { atol: 1e-6 * gradientNorm[0]! })
  })

  test('nothing is left of one step in the next', async () => {
    const [training, other] = [await begin(), await begin()]
    for (const each of [training, other]) await each.trainOnly(words)
    await training.run(window([0, 1], [2], [3, 4]), { apply: false })
    for (const each of [training, other]) await each.run(window([5], [6, 7]), { apply: false })
    expect(hashes(await training.read('gradient'))).toEqual(hashes(await other.read('gradient')))
  })
})

/** The trainer's numbers in a file, as `restore` reads them; `changes` replaces some. */
async function stored(training: NativeTraining, changes: Record<string, number> = {}) {
  const path = join(scratch(), 'stored')
  const values = await training.read('value')
  let offset = 0
  const parameters = training.parameters.map(({ name, shape }) => {
    const change = changes[name]
    if (change !== undefined) values.get(name)!.fill(change)
    const source = { name, file: 0, offset, dtype: 'F32' as const, shape }
    offset += values.get(name)!.byteLength
    return { parameter: name, value: 'value' as const, source }
  })
  fs.writeFileSync(
    path,
    Buffer.concat([...values.values()].map((array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength))),
  )
  return { files: [path], parameters, steps: Int32Array.from(training.parameters, () => 1) }
}

const BIAS = 'heads.intent.0.bias'

describe('bounds by which an update is known to be finite', () => {
  test('the decay that Adam adds to a gradient counts', async () => {
    const training = await begin({ optimizer: { type: 'adam', beta1: 0.9, beta2: 0.999, eps: 1e-8 } })
    const bias = (learningRate: number, weightDecay: number) => training.trainOnly((name) => name === BIAS, { learningRate, weightDecay })
    await bias(1e24, 0)
    expect((await step(training)).skipped).toBe(false)
    await bias(1e-3, 1)
    expect((await step(training)).skipped).toBe(true)
    expect((await training.read('exp_avg_sq')).get(BIAS)!.every(Number.isFinite)).toBe(true)
  })

  test('numbers that were restored count', async () => {
    const training = await begin()
    await training.run(stepsOf([rows]))
    await fromNative(training.native.restore(await stored(training, { [BIAS]: 1e38 })))
    await training.trainOnly((name) => name === BIAS, { learningRate: 10, weightDecay: 1 })
    expect((await step(training)).skipped).toBe(true)
    expect((await training.read('value')).get(BIAS)![0]).toBe(Math.fround(1e38))
  })
})

describe('what was computed before is not used', () => {
  const heads = (name: string) => name.startsWith('heads.')
  const loss = async (training: NativeTraining) => (await training.run(stepsOf([rows]), { apply: false })).loss[0]!

  test('after restore: neither vectors nor the states of a frozen encoder', async () => {
    const [training, other] = [await begin({ cacheBytes: 1 << 30 }), await begin({ cacheBytes: 1 << 30 })]
    await other.run(stepsOf([rows, rows, rows]))
    const later = await stored(other)
    for (const each of [training, other]) await each.trainOnly(heads)
    const [before, expected] = [await loss(training), await loss(other)]
    const logits = await training.logits('intent')
    await fromNative(training.native.restore(later))
    expect(expected).not.toBeCloseTo(before, 3)
    expect(await loss(training)).toBe(expected)
    expect(await training.logits('intent')).toEqual(await other.logits('intent'))
    expect(await training.logits('intent')).not.toEqual(logits)
  })

  test('with another corpus: the states of rows of the same number', async () => {
    const training = await begin({ cacheBytes: 1 << 30 })
    await training.trainOnly(heads)
    const before = await loss(training)
    const { corpus } = readGolden<TrainingGolden>('training/bert')
    const turned = { ...corpus, ids: corpus.ids.map((id) => 5 + ((id + 300) % 700)) }
    await training.setCorpus(corpusOf(turned, [plainTask('intent')]))
    const fresh = await begin({ cacheBytes: 1 << 30 })
    await fresh.trainOnly(heads)
    await fresh.setCorpus(corpusOf(turned, [plainTask('intent')]))
    expect(await loss(training)).toBe(await loss(fresh))
    expect(await loss(training)).not.toBeCloseTo(before, 3)
  })
})

test('two heads have dropout masks of their own', async () => {
  const training = await begin()
  await fromNative(training.native.endTraining())
  const [intent] = readGolden<TrainingGolden>('training/bert').heads.filter(({ name }) => name === 'intent')
  for (const name of ['one', 'two']) await fromNative(training.native.addHead({ ...intent!, name, layers: null, files: [], seed: 1 }))
  const tasks = ['one', 'two'].map((name) => plainTask(name, 'cross-entropy', { inputDropout: 0.5 }))
  await training.start({ targets: [], tasks })
  await training.trainOnly(() => true)
  const { corpus } = readGolden<TrainingGolden>('training/bert')
  const labels = corpus.labels.intent!.map(() => 1)
  await training.setCorpus(corpusOf({ ...corpus, labels: { one: labels, two: labels } }, tasks))
  await training.run(stepsOf([[3]]), { apply: false })
  const dropped = [...(await training.read('gradient', ['heads.one.0.weight', 'heads.two.0.weight'])).values()].map((gradient) =>
    Array.from(gradient.subarray(0, 32), (x) => x === 0),
  )
  expect(dropped[0]!.filter(Boolean).length).toBeGreaterThan(4)
  expect(dropped[0]).not.toEqual(dropped[1])
})

interface PaddingGolden {
  cases: (Omit<TrainingGolden, 'window'> & GoldenWindow & { padding: number; names: string[]; probes: GoldenMatrix })[]
}

describe('texts that hold the padding token', () => {
  const golden = readGolden<PaddingGolden>('training/padding')

  test.each(TRAINED_FAMILIES)('%s: its word and its position have the gradient that transformers gives', async (family) => {
    const one = golden.cases.find(({ base }) => base === family)!
    const training = await NativeTraining.load(makeVariant({ base: family }))
    opened.push(training)
    await training.addHeads(one.heads, await StoredArrays.open(goldenArrays(family)), 'value/')
    const tasks = tasksOf(one.tasks)
    await training.start({ tasks, targets: [] })
    await training.trainOnly(() => true)
    await training.setCorpus(corpusOf(one.corpus, tasks))
    expect(one.corpus.ids).toContain(one.padding)
    expectClose((await training.run(one, { apply: false })).loss, [one.loss], { atol: 1e-5 })
    const gradients = await training.read('gradient')
    expect(wrongGradients(one, gradients)).toEqual([])
    const width = training.encoder.hiddenSize
    const row = (table: string, index: number) => gradients.get(table)!.subarray(index * width, (index + 1) * width)
    expect(row('embeddings.word_embeddings.weight', one.padding).every((x) => x === 0)).toBe(true)
  })
})
