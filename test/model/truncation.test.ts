import { Model, type EncodeOptions, type LoadOptions, type TruncatedText } from '../../lib'
import type { NativeModel } from '../../binding'
import { loadedModelOf } from '../../lib/api/access'
import { Encoding } from '../../lib/encode/encoding'
import { resolveEncode } from '../../lib/encode/options'
import { expectClose } from '../support/close'
import { collect } from '../support/collect'
import { describePython, pythonFloats, type PythonNumbers } from '../support/python'
import { BERT_WITH_DENSE, makeVariant, type Recipe } from '../support/variant'

const LONG = 'the river flows towards the ocean, 42 x '.repeat(12)
const TEXTS = ['The river flows.', LONG, 'x', `${LONG}x`, 'a b c 42']
const MAX = 24
const opened: Model[] = []

async function load(recipe: Recipe = { base: 'bert' }, options: LoadOptions = {}): Promise<Model> {
  const model = await Model.load(makeVariant(recipe), { device: 'cpu', threads: 1, maxLength: MAX, ...options })
  opened.push(model)
  return model
}

afterEach(async () => {
  for (const model of opened.splice(0)) await model.dispose()
})

describe('texts that are cut', () => {
  test('encode counts them and tells their lengths, in order', async () => {
    const model = await load()
    const seen: TruncatedText[] = []
    const { truncated } = await model.encode(TEXTS, { onTruncated: (text) => void seen.push(text) })
    const counts = await model.countTokens(TEXTS)
    expect(truncated).toBe(2)
    expect(seen).toEqual([1, 3].map((index) => ({ index, tokens: counts[index], maxLength: MAX })))
    expect((await model.encode(TEXTS, { maxLength: model.info.maxLength })).truncated).toBe(2)
  })

  test.each([-1, 0, 1])('a text with %i tokens more than the limit', async (more) => {
    const model = await load()
    const text = 'x '.repeat(MAX - 2 + more)
    expect(await model.countTokens(text)).toBe(MAX + more)
    expect((await model.encode([text])).truncated).toBe(more > 0 ? 1 : 0)
  })

  test('white space after the last token that fits is nothing that is lost', async () => {
    const model = await load()
    const text = `${'x '.repeat(MAX - 2)}${' '.repeat(100_000)}`
    expect((await model.encode([text, `${text}x`])).truncated).toBe(1)
  })

  test('the tokens of the prompt count', async () => {
    const model = await load()
    const seen: TruncatedText[] = []
    const text = 'x '.repeat(MAX - 3)
    await model.encode([text], { prompt: 'x ', onTruncated: (each) => void seen.push(each) })
    expect(seen).toEqual([])
    await model.encode([text], { prompt: 'x x ', onTruncated: (each) => void seen.push(each) })
    expect(seen).toEqual([{ index: 0, tokens: await model.countTokens(`x x ${text}`), maxLength: MAX }])
  })

  test('a stream counts per batch; indices count from its start', async () => {
    const model = await load()
    const seen: number[] = []
    const batches = await collect(
      model.encodeStream([...TEXTS, LONG], { batchTexts: 2, onTruncated: ({ index }) => void seen.push(index) }),
    )
    expect(batches.map(({ truncated }) => truncated)).toEqual([1, 1, 1])
    expect(seen).toEqual([1, 3, 5])
  })

  test('a listener that fails rejects the call', async () => {
    const onTruncated = () => {
      throw new Error('no')
    }
    await expect((await load()).encode(TEXTS, { onTruncated })).rejects.toMatchObject({ code: 'ERR_CALLBACK', message: 'no' })
  })
})

describe('predict', () => {
  const INTENT = { name: 'intent', type: 'classification', labels: ['go', 'stop'] } as const
  const SLOTS = { name: 'slots', type: 'token-classification', labels: ['B-place', 'I-place', 'O'] } as const

  test('classes say that they saw only the beginning; entities come from the whole text', async () => {
    const model = (await load()).addHead(INTENT).addHead(SLOTS)
    const seen: TruncatedText[] = []
    const onTruncated = (text: TruncatedText) => void seen.push(text)
    const inputs = [...TEXTS, ['the', 'river'], LONG.trim().split(' '), { ids: new Array<number>(MAX + 1).fill(5) }]
    const predictions = await model.predict(inputs, { onTruncated })
    expect(predictions.map(({ intent }) => Object.hasOwn(intent, 'truncated'))).toEqual([
      false,
      true,
      false,
      true,
      false,
      false,
      true,
      true,
    ])
    expect(predictions[1]!.intent.truncated).toBe(true)
    expect(predictions.every(({ slots }) => !('truncated' in slots))).toBe(true)
    const counts = await model.countTokens([LONG, `${LONG}x`])
    expect(seen.map(({ index }) => index)).toEqual([1, 3, 6, 7])
    expect(seen.map(({ tokens }) => tokens)).toEqual([...counts, counts[0], MAX + 1])
  })

  test('without token heads the same texts are named', async () => {
    const model = (await load()).addHead(INTENT)
    const predictions = await model.predict(TEXTS)
    expect(predictions.map(({ intent }) => intent.truncated)).toEqual([undefined, true, undefined, true, undefined])
  })

  test('nothing is cut if every head reads every token', async () => {
    const model = (await load()).addHead(INTENT).addHead(SLOTS)
    const onTruncated = jest.fn()
    await model.predict(TEXTS, { heads: ['slots'], truncation: 'error', onTruncated })
    expect(onTruncated).not.toHaveBeenCalled()
    await model.predict(TEXTS, { heads: [], embedding: true, onTruncated })
    expect(onTruncated).toHaveBeenCalledTimes(2)
  })

  test("'error' names the first text; 'windows' is for encode", async () => {
    const model = (await load()).addHead(INTENT).addHead(SLOTS)
    await expect(model.predict(TEXTS, { truncation: 'error' })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      detail: { index: 1, tokens: await model.countTokens(LONG), maxLength: MAX, truncated: 2 },
    })
    const short = TEXTS.filter((text) => !text.startsWith(LONG))
    expect(await model.predict(short, { truncation: 'error' })).toEqual(await model.predict(short))
    await expect(model.predict(TEXTS, { truncation: 'windows' as 'cut' })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })
})

describe("truncation: 'error'", () => {
  test('refuses before native work and names the first text', async () => {
    const model = await load()
    const loaded = loadedModelOf(model)
    const { folder } = loaded
    const request = resolveEncode({ truncation: 'error' }, { modules: folder.modules, config: folder.config, texts: TEXTS.length })
    const tokens = await model.countTokens(LONG)
    const encode = jest.fn()
    const native = { encode, finish: encode, abort: () => {} } as unknown as NativeModel
    await expect(new Encoding({ ...loaded, native }, request, 0).vectors(TEXTS)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining(`texts[1] has ${tokens} tokens, more than 'maxLength' (${MAX})`),
      detail: { index: 1, tokens, maxLength: MAX, truncated: 2 },
    })
    expect(encode).not.toHaveBeenCalled()
  })

  test('gives the same vectors if nothing is too long', async () => {
    const model = await load()
    const texts = TEXTS.filter((text) => !text.startsWith(LONG))
    expect((await model.encode(texts, { truncation: 'error' })).data).toEqual((await model.encode(texts)).data)
  })

  test('of a stream: the batch with such a text', async () => {
    const model = await load()
    const batches: number[] = []
    const read = async () => {
      for await (const rows of model.encodeStream(['a', 'b', 'c', LONG], { batchTexts: 2, truncation: 'error' })) batches.push(rows.length)
    }
    await expect(read()).rejects.toMatchObject({ detail: { index: 3, truncated: 1 } })
    expect(batches).toEqual([2])
  })
})

describe("truncation: 'windows'", () => {
  /** The vectors of the windows of a text, each given to the model as ids, and their numbers of tokens. */
  async function windowsOf(model: Model, text: string): Promise<{ vectors: Float32Array[]; tokens: number[] }> {
    const { ids } = await loadedModelOf(model).tokenizer.encodeUncut([text])
    const rows: number[][] = []
    for (let start = 1; start < ids.length - 1; start += MAX - 2) {
      rows.push([ids[0]!, ...ids.slice(start, Math.min(start + MAX - 2, ids.length - 1)), ids.at(-1)!])
    }
    const predicted = await model.predict(
      rows.map((row) => ({ ids: row })),
      { embedding: true, heads: [] },
    )
    return { vectors: predicted.map(({ embedding }) => embedding), tokens: rows.map((row) => row.length) }
  }

  test.each([1, 2, 5, 12])('mean pooling: the mean of %i windows, weighted by tokens', async (times) => {
    const model = await load()
    const text = 'the river flows towards the ocean, 42 x '.repeat(times)
    const { vectors, tokens } = await windowsOf(model, text)
    const total = tokens.reduce((sum, count) => sum + count, 0)
    const expected = vectors[0]!.map((_, d) => vectors.reduce((sum, vector, w) => sum + (vector[d]! * tokens[w]!) / total, 0))
    const rows = await model.encode(['x', text], { truncation: 'windows' })
    expectClose(rows.row(1), expected, { atol: 1e-6 })
    expect(rows.truncated).toBe(0)
  })

  test('a text that fits has the vector that it has without windows', async () => {
    for (const recipe of [{ base: 'bert' }, BERT_WITH_DENSE]) {
      const model = await load(recipe)
      const [plain, windowed] = [await model.encode(TEXTS), await model.encode(TEXTS, { truncation: 'windows' })]
      for (const i of [0, 2, 4]) expectClose(windowed.row(i), plain.row(i), { atol: 1e-6 })
      for (const i of [1, 3]) expect(windowed.row(i)).not.toEqual(plain.row(i))
    }
  })

  test.each<[string, EncodeOptions, RegExp]>([
    ['lasttoken', { pooling: 'lasttoken' }, /pooling 'lasttoken'/],
    ['weightedmean', { pooling: ['mean', 'weightedmean'] }, /pooling 'weightedmean'/],
    ['a prompt that fills the window', { prompt: 'x '.repeat(MAX) }, /needs room for the text/],
    ['another word', { truncation: 'window' as 'windows' }, /for truncation/],
  ])('refused: %s', async (_name, options, message) => {
    const model = await load()
    await expect(model.encode(TEXTS, { truncation: 'windows', ...options })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    })
  })

  test('refused: token embeddings', async () => {
    const model = await load()
    await expect(model.encode(TEXTS, { truncation: 'windows', tokenEmbeddings: true })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('tokenEmbeddings'),
    })
  })
})

describePython("windows as sentence-transformers' own modules give them", (ask) => {
  const withoutPrompt: Recipe = { base: 'bert', files: { '1_Pooling/config.json': { include_prompt: false } } }
  test.each<[string, Recipe, LoadOptions, { prompt?: string; weighted?: boolean }]>([
    ['mean', { base: 'bert' }, {}, {}],
    ['mean, Dense with Tanh, Normalize', BERT_WITH_DENSE, {}, {}],
    ['max and mean', { base: 'bert' }, { pooling: ['max', 'mean'] }, {}],
    ['mean_sqrt_len_tokens', { base: 'bert' }, { pooling: 'mean_sqrt_len_tokens', normalize: true }, {}],
    ['cls', BERT_WITH_DENSE, { pooling: 'cls' }, { weighted: true }],
    ['a prompt in every window', { base: 'bert' }, {}, { prompt: 'the river ' }],
    ['a prompt that is not pooled', withoutPrompt, {}, { prompt: 'the river ' }],
  ])('%s', async (_name, recipe, options, { prompt = '', weighted = false }) => {
    const model = await load(recipe, options)
    const folder = makeVariant({ base: 'bert' })
    await model.save(folder, { overwrite: true })
    const { vectors, windows } = await ask<{ vectors: PythonNumbers; windows: number }>('windows', { folder, prompt, text: LONG, weighted })
    expect(windows).toBeGreaterThan(4)
    expectClose(await model.encode(LONG, { truncation: 'windows', prompt }), pythonFloats(vectors), { atol: 1e-5 })
  })
})
