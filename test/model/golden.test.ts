import { types } from 'node:util'
import { Embeddings } from '../../lib/encode/embeddings'
import { Model } from '../../lib/api/model'
import { expectClose } from '../support/close'
import {
  expand,
  FAMILIES,
  type FamilyGolden,
  floatRows,
  floats,
  type GoldenMatrix,
  integers,
  type PoolingCase,
  type PrecisionGolden,
  readGolden,
  type RealModelGolden,
  type SimilarityGolden,
  type VariantGolden,
} from '../support/golden'
import { tokenIds } from '../support/ids'
import { minilm } from '../support/minilm'
import { makeVariant, type Recipe } from '../support/variant'

const TINY = 1e-5
const UNIT = 2e-6

async function withModel<T>(recipe: Recipe | string, work: (model: Model) => Promise<T>): Promise<T> {
  const model = await Model.load(typeof recipe === 'string' ? recipe : makeVariant(recipe), { device: 'cpu' })
  try {
    return await work(model)
  } finally {
    await model.dispose()
  }
}

function expectMatrix(actual: { data: ArrayLike<number>; dimension: number; length: number }, expected: GoldenMatrix, atol: number): void {
  expect([actual.length, actual.dimension]).toEqual([expected.rows, expected.columns])
  expectClose(actual.data, floats(expected), { atol, columns: expected.columns })
}

describe.each(FAMILIES)('%s', (family) => {
  const golden = readGolden<FamilyGolden>(`models/${family}`)
  const texts = expand(golden.texts)
  const longest = Math.max(...golden.ids.map((row) => row.length))
  // √n times the mean, and so is its rounding: elements reach 40, where one float32 step is 4e-6.
  const tolerance = ({ pooling, normalize }: PoolingCase) =>
    !normalize && pooling.includes('mean_sqrt_len_tokens') ? TINY * Math.sqrt(longest) : TINY
  let model: Model

  beforeAll(async () => {
    model = await Model.load(makeVariant({ base: family }), { device: 'cpu' })
  })
  afterAll(() => model.dispose())

  test('token ids', async () => {
    expect(await tokenIds(makeVariant({ base: family }), texts)).toEqual(golden.ids)
  })

  test('tokens are counted before the cut', async () => {
    expect(Array.from(await model.countTokens(texts))).toEqual(golden.counts)
  })

  test('hidden states, tokens and their places', async () => {
    const states = await model.encode(
      golden.hidden.map(({ text }) => texts[text]!),
      { tokenEmbeddings: true },
    )
    golden.hidden.forEach((expected, i) => {
      const { tokens, offsets } = states[i]!
      expect({ tokens, offsets }).toEqual({ tokens: expected.tokens, offsets: expected.offsets })
      expectMatrix(states[i]!, expected.states, TINY)
    })
  })

  test.each(golden.cases)('pooling $name, as the folder says', async (one) => {
    await withModel(one.recipe, async (variant) => expectMatrix(await variant.encode(texts), one.vectors, tolerance(one)))
  })

  test.each(golden.cases)('pooling $name, as the call says', async (one) => {
    const { pooling, normalize } = one
    expectMatrix(await model.encode(texts, { pooling, normalize }), one.vectors, tolerance(one))
  })

  test('normalize: false skips the Normalize module', async () => {
    const normalized = golden.cases.find((x) => x.normalize && x.pooling.join() === 'mean')!
    const plain = golden.cases.find((x) => !x.normalize && x.pooling.join() === 'mean')!
    await withModel(normalized.recipe, async (variant) =>
      expectMatrix(await variant.encode(texts, { normalize: false }), plain.vectors, TINY),
    )
  })
})

describe('folders and calls', () => {
  const golden = readGolden<VariantGolden>('models/variants')
  const texts = expand(golden.texts)

  test.each(golden.cases)('$name', async ({ recipe, method, options, vectors }) => {
    await withModel(recipe, async (model) => expectMatrix(await model[method](texts, options), vectors, TINY))
  })

  test.each(golden.cases.filter((x) => x.ids))('$name: token ids', async ({ recipe, options, prompt, ids }) => {
    const prompted = texts.map((text) => prompt! + text)
    expect(await tokenIds(makeVariant(recipe), prompted, options.maxLength)).toEqual(ids)
  })
})

describe('precision', () => {
  const golden = readGolden<PrecisionGolden>('models/precision')
  const texts = expand(golden.texts)
  const named = golden.cases.map((x) => ({
    ...x,
    name: `${x.precision}${x.ranges ? ' with ranges' : ''}${x.calibration ? ' with calibration' : ''}${x.truncateDim ? ` of ${x.truncateDim} dimensions` : ''}`,
  }))

  test.each(named)('$name', async ({ precision, truncateDim, ranges, calibration, values }) => {
    const options = {
      precision,
      ...(truncateDim && { truncateDim }),
      ...(ranges && { ranges: floatRows(ranges) as [Float32Array, Float32Array] }),
      ...(calibration && { calibration: new Embeddings(floats(calibration), calibration.columns) }),
    }
    await withModel({ base: golden.base }, async (model) => {
      const result = await model.encode(texts, options)
      const signed = precision === 'int8' || precision === 'binary'
      expect([result.length, result.dimension]).toEqual([values.rows, values.columns])
      expect(signed ? types.isInt8Array(result.data) : types.isUint8Array(result.data)).toBe(true)
      expect(Array.from(result.data)).toEqual(integers(values, signed))
    })
  })
})

test.each(readGolden<SimilarityGolden>('models/similarity').cases)('similarity_fn_name $name', async ({ name, scores }) => {
  const { base, a, b } = readGolden<SimilarityGolden>('models/similarity')
  const files = { 'config_sentence_transformers.json': { similarity_fn_name: name } }
  await withModel({ base, files }, async (model) => {
    const result = model.similarity(new Embeddings(floats(a), a.columns), new Embeddings(floats(b), b.columns))
    expectClose(result.data, floats(scores), { atol: 2e-5, columns: scores.columns })
  })
})

describe('all-MiniLM-L6-v2', () => {
  const golden = readGolden<RealModelGolden>('all-MiniLM-L6-v2')
  const texts = expand(golden.texts)

  test('token ids', async () => {
    expect(await tokenIds(minilm(), texts)).toEqual(golden.ids)
  })

  test('vectors', async () => {
    await withModel(minilm(), async (model) => expectMatrix(await model.encode(texts), golden.vectors, UNIT))
  })

  test('a lone surrogate is U+FFFD', async () => {
    await withModel(minilm(), async (model) => {
      const [broken, replaced] = await model.encode(['x \ud83d y', 'x \ufffd y'])
      expect(broken).toEqual(replaced)
    })
  })
})
