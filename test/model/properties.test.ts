import path from 'node:path'
import { Model } from '../../lib/model'
import { loadAddon } from '../../lib/native'
import type { LoadOptions } from '../../lib/options'
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

const tiny = FAMILIES.map((name) => ({ name, folder: () => path.join(FIXTURES, 'models', name), longest: 60, count: 60 }))
const real = { name: 'all-MiniLM-L6-v2', folder: minilm, longest: 200, count: 40 }

describe.each([...tiny, real])('$name', ({ folder, longest, count }) => {
  const texts = randomTexts(count, longest, 7)
  const lengths = new Set(texts.map((text) => text.length))
  let model: Model
  /** Each text alone. */
  let unit: Float32Array[]
  let states: { data: Float32Array; dimension: number }[]

  const vectorsOf = async (m: Model, input: string[], batchTokens?: number) => [
    ...(await m.encode(input, { normalize: true, ...(batchTokens && { batchTokens }) })),
  ]

  function expectSame(actual: ArrayLike<number>[], expected: ArrayLike<number>[], tolerance: { atol: number }): void {
    expect(actual).toHaveLength(expected.length)
    actual.forEach((row, i) => expectClose(row, expected[i]!, tolerance))
  }

  const statesOf = async (m: Model, input: string[], batchTokens?: number) =>
    (await m.encode(input, { tokenEmbeddings: true, ...(batchTokens && { batchTokens }) })).map((x) => x.data)

  beforeAll(async () => {
    expect(lengths.size).toBeGreaterThan(count / 2)
    model = await Model.load(folder(), { device: 'cpu', threads: 1 })
    unit = []
    states = []
    for (const text of texts) {
      unit.push(await model.encode(text, { normalize: true }))
      states.push((await model.encode([text], { tokenEmbeddings: true }))[0]!)
    }
  })
  afterAll(() => model?.dispose())

  test('a unit vector has length one', () => {
    for (const row of unit) expect(Math.hypot(...row)).toBeCloseTo(1, 6)
  })

  test('alone = in a batch', async () => {
    expectSame(await vectorsOf(model, texts), unit, UNIT)
    expectSame(
      await statesOf(model, texts),
      states.map((x) => x.data),
      HIDDEN,
    )
  })

  test.each([1, 2, 3])('in any batch and any order (%i)', async (seed) => {
    const order = shuffled([...texts.keys(), ...texts.keys()], randomNumbers(seed)).slice(0, 1 + seed * 11)
    const chosen = order.map((i) => texts[i]!)
    expectSame(
      await vectorsOf(model, chosen),
      order.map((i) => unit[i]!),
      UNIT,
    )
    expectSame(
      await statesOf(model, chosen),
      order.map((i) => states[i]!.data),
      HIDDEN,
    )
  })

  test.each(BATCH_TOKENS)('under a budget of %i tokens', async (batchTokens) => {
    expectSame(await vectorsOf(model, texts, batchTokens), unit, UNIT)
    expectSame(
      await statesOf(model, texts, batchTokens),
      states.map((x) => x.data),
      HIDDEN,
    )
  })

  test.each(THREADS)('with %i threads', async (threads) => {
    await withModel(folder(), { threads }, async (other) => {
      expectSame(await vectorsOf(other, texts), unit, UNIT)
      expectSame(
        await statesOf(other, texts),
        states.map((x) => x.data),
        HIDDEN,
      )
    })
  })

  test.each(KERNELS)('with %s kernels, in every pooling', async (kernels) => {
    const pooled = await model.encode(texts, { pooling: ALL_POOLINGS, normalize: true })
    await withModel(folder(), { kernels }, async (other) => {
      expect(other.info.kernels).toBe(kernels)
      expectSame(await vectorsOf(other, texts), unit, UNIT)
      expectSame(
        await statesOf(other, texts),
        states.map((x) => x.data),
        HIDDEN,
      )
      expectSame([...(await other.encode(texts, { pooling: ALL_POOLINGS, normalize: true }))], [...pooled], UNIT)
    })
  })

  test('many calls at once', async () => {
    const results = await Promise.all(texts.map((text) => model.encode(text, { normalize: true })))
    expectSame(results, unit, UNIT)
  })

  test('mean pooling is the mean of the token states', async () => {
    const pooled = [...(await model.encode(texts, { pooling: 'mean', normalize: false }))]
    const expected = states.map(({ data, dimension }) => {
      const rows = data.length / dimension
      return Float32Array.from({ length: dimension }, (_, j) => {
        let sum = 0
        for (let i = 0; i < rows; i++) sum += data[i * dimension + j]!
        return sum / rows
      })
    })
    expectSame(pooled, expected, HIDDEN)
  })
})

test.each(KERNELS)('bfloat16 on all-MiniLM-L6-v2 with %s kernels: cosine at least 0.9995 to float32', async (kernels) => {
  const golden = readGolden<RealModelGolden>('all-MiniLM-L6-v2')
  const exact = floatRows(golden.vectors)
  await withModel(minilm(), { dtype: 'bfloat16', kernels }, async (model) => {
    const rows = [...(await model.encode(expand(golden.texts)))]
    rows.forEach((row, i) => expect(cosine(row, exact[i]!)).toBeGreaterThanOrEqual(0.9995))
    // It is bfloat16 that was measured.
    expect(rows.some((row, i) => cosine(row, exact[i]!) < 0.9999999)).toBe(true)
  })
})
