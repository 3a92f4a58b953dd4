import path from 'node:path'
import { Model } from '../../lib/api/model'
import { loadAddon } from '../../lib/native/addon'
import type { LoadOptions } from '../../lib/model/load-options'
import { cosine, expectClose } from '../support/close'
import { FAMILIES, floatRows, readGolden, expand, type RealModelGolden } from '../support/golden'
import { minilm } from '../support/minilm'
import { randomNumbers, randomTexts, shuffled } from '../support/random'
import { FIXTURES } from '../support/variant'

const UNIT = { atol: 1e-6 }
const HIDDEN = { atol: 1e-5 }
const ALL_POOLINGS = ['cls', 'max', 'mean', 'mean_sqrt_len_tokens', 'weightedmean', 'lasttoken'] as const

const cpu = loadAddon().cpuFeatures()
const KERNELS = ['portable', ...(cpu.avx2 && cpu.fma ? ['avx2'] : []), ...(cpu.avx512 ? ['avx512'] : [])] as const
const BATCH_TOKENS = [1, 7, 64, 1000, 100_000]
const THREADS = [1, 2, 3]

/** Loads with one set of kernels; the choice is read when the model is loaded. */
async function withModel<T>(folder: string, options: LoadOptions & { kernels?: string }, work: (model: Model) => Promise<T>): Promise<T> {
  const { kernels = 'auto', ...load } = options
  const before = process.env.SENTORCH_KERNELS
  process.env.SENTORCH_KERNELS = kernels
  const model = await Model.load(folder, { device: 'cpu', ...load }).finally(() => {
    if (before === undefined) delete process.env.SENTORCH_KERNELS
    else process.env.SENTORCH_KERNELS = before
  })
  try {
    return await work(model)
  } finally {
    await model.dispose()
  }
}

const tiny = FAMILIES.map((name) => ({
  name,
  folder: () => path.join(FIXTURES, 'models', name),
  count: 60,
  step: name === 'mpnet' ? 2 : 1,
}))
const real = { name: 'all-MiniLM-L6-v2', folder: minilm, count: 20, step: 7 }

const unitVectors = async (model: Model, texts: string[], batchTokens?: number) => [
  ...(await model.encode(texts, { normalize: true, ...(batchTokens && { batchTokens }) })),
]

const hiddenStates = async (model: Model, texts: string[], batchTokens?: number) =>
  (await model.encode(texts, { tokenEmbeddings: true, ...(batchTokens && { batchTokens }) })).map(({ data }) => data)

function expectRows(actual: ArrayLike<number>[], expected: ArrayLike<number>[], tolerance: { atol: number }): void {
  expect(actual).toHaveLength(expected.length)
  actual.forEach((row, i) => expectClose(row, expected[i]!, tolerance))
}

describe.each([...tiny, real])('$name', ({ folder, count, step }) => {
  const texts = randomTexts(count, step, 7)
  let model: Model
  /** Of each text alone, on one thread. */
  let unit: Float32Array[]
  let states: Float32Array[]

  beforeAll(async () => {
    model = await Model.load(folder(), { device: 'cpu', threads: 1 })
    unit = []
    states = []
    for (const text of texts) {
      unit.push(await model.encode(text, { normalize: true }))
      states.push((await model.encode(text, { tokenEmbeddings: true })).data)
    }
  })
  afterAll(() => model?.dispose())

  async function expectSame(other: Model, chosen: number[] = [...texts.keys()], batchTokens?: number): Promise<void> {
    const input = chosen.map((i) => texts[i]!)
    const wanted = <T>(rows: T[]) => chosen.map((i) => rows[i]!)
    expectRows(await unitVectors(other, input, batchTokens), wanted(unit), UNIT)
    expectRows(await hiddenStates(other, input, batchTokens), wanted(states), HIDDEN)
  }

  test('the texts reach the limit, and their unit vectors have length one and differ', () => {
    const { maxLength } = model.info
    const dimension = unit[0]!.length
    if (folder !== minilm) expect(Math.max(...states.map((x) => x.length / dimension))).toBe(maxLength)
    for (const row of unit) expect(Math.hypot(...row)).toBeCloseTo(1, 6)
    expect(Math.min(...unit.slice(1).map((row, i) => cosine(row, unit[i]!)))).toBeLessThan(0.99)
  })

  test('alone = in a batch', () => expectSame(model))

  test.each([1, 2, 3])('in any batch and any order (%i)', async (seed) => {
    const order = shuffled([...texts.keys(), ...texts.keys()], randomNumbers(seed))
    await expectSame(model, order.slice(0, 1 + seed * 7))
  })

  test.each(BATCH_TOKENS)('under a budget of %i tokens', (batchTokens) => expectSame(model, undefined, batchTokens))

  test.each(THREADS)('with %i threads', (threads) => withModel(folder(), { threads }, (other) => expectSame(other)))

  test.each(KERNELS)('with %s kernels, in every pooling', async (kernels) => {
    const pooled = await model.encode(texts, { pooling: ALL_POOLINGS, normalize: true })
    await withModel(folder(), { kernels, threads: 1 }, async (other) => {
      expect(other.info.kernels).toBe(kernels)
      await expectSame(other)
      expectRows([...(await other.encode(texts, { pooling: ALL_POOLINGS, normalize: true }))], [...pooled], UNIT)
    })
  })

  test('many calls at once', async () => {
    expectRows(await Promise.all(texts.map((text) => model.encode(text, { normalize: true }))), unit, UNIT)
  })

  test('mean pooling is the mean of the token states', async () => {
    const pooled = [...(await model.encode(texts, { pooling: 'mean', normalize: false }))]
    const dimension = pooled[0]!.length
    const means = states.map((data) => {
      const sums = new Float64Array(dimension)
      data.forEach((x, i) => (sums[i % dimension]! += x))
      return sums.map((sum) => (sum * dimension) / data.length)
    })
    expectRows(pooled, means, HIDDEN)
  })
})

test.each(KERNELS)('bfloat16 on all-MiniLM-L6-v2 with %s kernels: cosine at least 0.9995 to float32', async (kernels) => {
  const golden = readGolden<RealModelGolden>('all-MiniLM-L6-v2')
  const exact = floatRows(golden.vectors)
  await withModel(minilm(), { dtype: 'bfloat16', kernels }, async (model) => {
    const rows = [...(await model.encode(expand(golden.texts)))]
    rows.forEach((row, i) => expect(cosine(row, exact[i]!)).toBeGreaterThanOrEqual(0.9995))
    // It is bfloat16 that was measured.
    expect(rows.some((row, i) => cosine(row, exact[i]!) < 0.999999)).toBe(true)
  })
})
