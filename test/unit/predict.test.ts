import type { HeadDefinition } from '../../lib/heads/definition'
import type { PredictOptions } from '../../lib/predict/options'
import { type AnyPrediction, predict } from '../../lib/predict/predict'
import type { ClassPrediction, TagPrediction } from '../../lib/heads/predictions'
import type { PredictInput } from '../../lib/predict/types'
import { fakeModel, sure, type FakeModel } from '../support/fake-predict'
import { expectClose } from '../support/close'
import { floats, readGolden, type GoldenMatrix } from '../support/golden'

const TAGS = ['O', 'B-a', 'I-a', 'B-b', 'I-b']
const intent: HeadDefinition = { name: 'intent', type: 'classification', labels: ['odd', 'even'] }
const slots: HeadDefinition = { name: 'slots', type: 'token-classification', labels: TAGS }

/** 'odd' or 'even' number of tokens; a token's tag goes by its id. */
function logitsOf(head: { type: string }, ids: readonly number[]): readonly number[] {
  return head.type === 'classification' ? sure(2, 1 - (ids.length % 2)) : ids.flatMap((id) => sure(TAGS.length, id % TAGS.length))
}

const parts = (definitions = [intent, slots]) => fakeModel(definitions, logitsOf)

async function one(model: FakeModel, text: PredictInput, options?: PredictOptions): Promise<AnyPrediction> {
  return ((await predict(model, [text], options)) as AnyPrediction[])[0]!
}
const OPEN_TRAINER = { isBusy: true, close: async () => {} }
const intentOf = (result: AnyPrediction) => result.intent as ClassPrediction
const slotsOf = (result: AnyPrediction) => result.slots as TagPrediction

describe('what is given and what comes back', () => {
  test('one text gives one result, several an array in their order, none none', async () => {
    const model = await parts()
    const texts = ['the river', 'the', 'the river flows towards the Ocean and the river']
    const alone = await Promise.all(texts.map((text) => predict(model, text, undefined)))
    expect(alone.map((result) => (result as AnyPrediction).text)).toEqual(texts)
    expect(await predict(model, texts, undefined)).toEqual(alone)
    expect(await predict(model, [], undefined)).toEqual([])
  })

  test('only the heads asked, and the embedding beside them', async () => {
    const model = await parts()
    expect(Object.keys(await one(model, 'the river'))).toEqual(['text', 'intent', 'slots'])
    const result = await one(model, 'the river', { heads: ['intent'], embedding: true })
    expect(Object.keys(result)).toEqual(['text', 'embedding', 'intent'])
    expect(model.calls.at(-1)).toMatchObject({ heads: ['intent'], embedding: { pooling: ['mean'], promptTokens: 0, truncateDim: 0 } })
    expect(result.embedding).toEqual(Float32Array.of(model.calls.at(-1)!.ids.length, model.calls.at(-1)!.ids[1]!))
    expect(Object.keys(await one(model, 'the river', { heads: [], embedding: true }))).toEqual(['text', 'embedding'])
  })

  test('a head that is not there: those that are', async () => {
    const model = await parts()
    await expect(predict(model, 'x', { heads: ['slot'] })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('Its heads: intent, slots.') as string,
    })
    expect(model.calls).toEqual([])
  })

  test.each<[string, unknown, string]>([
    ['a number', 1, 'Expected a string, { ids }, or an array'],
    ['null', null, 'Expected a string, { ids }, or an array'],
    ['a number among texts', ['x', 1], 'for texts[1], received 1.'],
    ['null among texts', [null], 'for texts[0], received null.'],
    ['a number among words', [['x'], ['x', 1]], 'Expected a string for texts[1][1], received 1.'],
    ['no ids', [{ ids: [] }], 'Expected at least one token id for texts[0].ids'],
    ['ids that are no list', { ids: 'x' }, 'for texts.ids, received "x".'],
    ['an id that is no integer', [{ ids: [1, 2.5] }], 'for texts[0].ids[1]'],
    ['an id below 0', [{ ids: [-1] }], 'for texts[0].ids[0]'],
    [
      'an id beyond the vocabulary',
      ['x', { ids: [775] }],
      'Expected an integer in 0..774 for texts[1].ids[0] (a token of the vocabulary), received 775.',
    ],
    ['64-bit integers', { ids: BigInt64Array.of(1n) }, 'for texts.ids[0]'],
  ])('%s is refused', async (_name, texts, message) => {
    const model = await parts()
    await expect(predict(model, texts, undefined)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining(message) as string,
    })
    expect(model.calls).toEqual([])
  })
})

describe('words and ids', () => {
  test('words of the tokenizer, with their places in UTF-16', async () => {
    const text = '😀 The well-known river'
    const { words, tokens, entities } = slotsOf(await one(await parts(), text, { words: true, tokens: true }))
    expect(words!.map((word) => word.text)).toEqual(['😀', 'The', 'well', '-', 'known', 'river'])
    for (const { text: part, start, end } of [...words!, ...entities]) expect(text.slice(start, end)).toBe(part)
    expect(tokens!.map(({ word }) => word)).toEqual([-1, ...tokens!.slice(1, -1).map(({ word }) => word), -1])
    expect(tokens!.filter(({ word }) => word === 5).length).toBeGreaterThan(1)
    // Every word has the tag of its first token.
    for (const [i, { label }] of words!.entries()) expect(label).toBe(tokens!.find(({ word }) => word === i)!.label)
  })

  test('given words: one label each, also where the tokenizer sees nothing', async () => {
    const given = ['The', '', 'well-known', '\u200b', ' ', 'river', '😀!']
    const result = await one(await parts(), given, { words: true })
    const { words } = slotsOf(result)
    expect(result.text).toBe(given.join(' '))
    expect(words!.map(({ text }) => text)).toEqual(given)
    expect(words!.map(({ score }) => score > 0)).toEqual([true, false, true, false, false, true, true])
    expect(words!.filter(({ score }) => score === 0).map(({ label }) => label)).toEqual(['O', 'O', 'O'])
  })

  test('no words', async () => {
    expect(slotsOf(await one(await parts(), [], { words: true }))).toEqual({ entities: [], words: [] })
  })

  test('ready ids say what their text says', async () => {
    const model = await parts()
    const text = 'the river flows'
    const options = { tokens: true, logits: true } as const
    const written = await one(model, text, options)
    const ids = model.calls.at(-1)!.ids
    for (const given of [ids, [...ids]]) {
      const ready = await one(model, { ids: given }, options)
      expect(model.calls.at(-1)!.ids).toEqual(ids)
      expect(intentOf(ready)).toEqual(intentOf(written))
      expect(slotsOf(ready).logits).toEqual(slotsOf(written).logits)
      expect(slotsOf(ready).tokens!.map(({ token, label }) => [token, label])).toEqual(
        slotsOf(written).tokens!.map(({ token, label }) => [token, label]),
      )
      const names = slotsOf(written).tokens!.map(({ token }) => token)
      expect(ready.text).toBe(names.slice(1, -1).join(' '))
      for (const { text: part, start, end } of slotsOf(ready).entities) expect((ready.text as string).slice(start, end)).toBe(part)
    }
  })

  test('ids without the special tokens are taken as they are, every token a word', async () => {
    const model = await parts()
    const { words } = slotsOf(await one(model, { ids: [20, 21, 22] }, { words: true }))
    expect([...model.calls[0]!.ids]).toEqual([20, 21, 22])
    expect(words!.map(({ label }) => label)).toEqual([20, 21, 22].map((id) => TAGS[id % 5]))
  })
})

describe('texts longer than the limit', () => {
  const long = Array.from({ length: 120 }, (_, i) => ['river', 'Ocean', '😀', 'flows'][i % 4]).join(' ')
  const options = { words: true, tokens: true, logits: true } as const

  test.each([0, 3, 17])('windows are merged without doubles (stride %d)', async (stride) => {
    const model = await parts()
    const [whole, cut] = await Promise.all([0, 1].map(async () => one(model, long, { ...options, maxLength: 20, stride })))
    expect(cut).toEqual(whole)
    const { words, tokens, entities } = slotsOf(whole!)
    expect(words!.map(({ text }) => text)).toEqual(long.split(' '))
    // Logits go by the id alone here, so that windows must not show.
    const ids = (await model.tokenizer.encodeWhole([long])).ids
    expect(slotsOf(whole!).logits).toEqual(Float32Array.from([...ids].flatMap((id) => sure(5, id % 5))))
    expect(tokens).toHaveLength(ids.length)
    for (const { text, start, end } of [...words!, ...entities]) expect(long.slice(start, end)).toBe(text)
    for (const { offsets } of model.calls)
      for (let i = 1; i < offsets.length; i++) expect(offsets[i]! - offsets[i - 1]!).toBeLessThanOrEqual(20)
  })

  test('ids too', async () => {
    const model = await parts()
    const { ids } = await model.tokenizer.encodeWhole([long])
    const [written, ready] = [
      await one(model, long, { logits: true, maxLength: 20 }),
      await one(model, { ids }, { logits: true, maxLength: 20 }),
    ]
    expect(slotsOf(ready).logits).toEqual(slotsOf(written).logits)
    expect(model.calls[1]!.offsets).toEqual(model.calls[0]!.offsets)
  })

  test('class and embedding come from the first window', async () => {
    const model = await parts()
    const first = await one(model, long, { heads: ['intent'], embedding: true, maxLength: 20 })
    expect(model.calls[0]!.ids).toHaveLength(20)
    const both = await one(model, long, { embedding: true, maxLength: 20 })
    expect(both.intent).toEqual(first.intent)
    expect(both.embedding).toEqual(first.embedding)
    const short = (await predict(model, ['the', long, 'river'], { embedding: true, maxLength: 20 })) as AnyPrediction[]
    expect(short[1]).toEqual(both)
  })

  test('tokens of ids lie where their names lie in the text', async () => {
    const model = await parts()
    const { ids } = await model.tokenizer.encode(['the river flows'], 32)
    const result = await one(model, { ids }, { tokens: true, aggregation: 'none' })
    const text = result.text as string
    const { tokens, entities } = slotsOf(result)
    const places = tokens!.map(({ token, start, end }) => [token, text.slice(start, end)])
    expect(places).toEqual(tokens!.map(({ token }, i) => [token, i === 0 || i === tokens!.length - 1 ? '' : token]))
    for (const { text: part, start, end } of entities) expect(text.slice(start, end)).toBe(part)
  })
})

describe('equal to transformers', () => {
  interface GoldenEntity {
    label: string
    start: number
    end: number
    score: number
  }
  interface Golden {
    labels: string[]
    cases: {
      text: string
      logits: GoldenMatrix
      entities: Record<'first' | 'average' | 'max' | 'none', GoldenEntity[]>
    }[]
    simple: { base: string; text: string; ids: number[]; logits: GoldenMatrix; entities: GoldenEntity[] }[]
  }
  const { cases, simple, labels } = readGolden<Golden>('predict')

  test.each(cases)('$text', async ({ text, logits, entities }) => {
    const model = await fakeModel([{ name: 'slots', type: 'token-classification', labels }], () => [...floats(logits)])
    for (const aggregation of ['first', 'average', 'max', 'none'] as const) {
      const found = slotsOf(await one(model, text, { aggregation, maxLength: 64 })).entities
      expect(found.map(({ label, start, end }) => ({ label, start, end }))).toEqual(
        entities[aggregation].map(({ label, start, end }) => ({ label, start, end })),
      )
      expectClose(
        found.map(({ score }) => score),
        entities[aggregation].map(({ score }) => score),
        { atol: 1e-6 },
      )
    }
  })

  test.each(simple)('$base, tokens of white space: $text', async ({ base, text, ids, logits, entities }) => {
    const model = await fakeModel([{ name: 'slots', type: 'token-classification', labels }], () => [...floats(logits)], base)
    const found = slotsOf(await one(model, text, { aggregation: 'none', maxLength: 64 })).entities
    expect([...model.calls[0]!.ids]).toEqual(ids)
    expect(found.map(({ label, start, end }) => ({ label, start, end }))).toEqual(
      entities.map(({ label, start, end }) => ({ label, start, end })),
    )
    expectClose(
      found.map(({ score }) => score),
      entities.map(({ score }) => score),
      { atol: 1e-6 },
    )
  })
})

describe('work', () => {
  /** More than two pieces of about 16,000 tokens. */
  const bulk = Array.from({ length: 4000 }, (_, i) => `the river ${i % 7} towards`)

  test('a row that comes out non-finite is named by its text', async () => {
    const model = await parts()
    const long = 'river '.repeat(60)
    // Longest first: the windows of texts[1] are in front.
    model.nonFiniteRow = 2
    await expect(predict(model, ['the', long, 'the river'], { maxLength: 40 })).rejects.toMatchObject({
      code: 'ERR_NON_FINITE',
      message: expect.stringContaining('texts[1]') as string,
      detail: { index: 1 },
    })
    model.nonFiniteRow = model.calls[0]!.offsets.length - 2
    await expect(predict(model, ['the', long, 'the river'], { maxLength: 40 })).rejects.toMatchObject({ detail: { index: 0 } })
  })

  test('progress counts texts and tokens; two pieces at a time are under way', async () => {
    const model = await parts()
    const counts: number[] = []
    model.pause = async (call) => {
      while (call === 1 && counts.length === 0) await new Promise(setImmediate)
      if (call > 0) return
      while (model.calls.length < 2) await new Promise(setImmediate)
      // The tokenizer takes texts in order: behind this one the third piece is ready.
      await model.tokenizer.encode(['x'], 8)
      await new Promise(setImmediate)
      counts.push(model.calls.length)
    }
    const seen: { texts: number; totalTexts: number; tokens: number }[] = []
    await predict(model, bulk, { onProgress: (progress) => seen.push(progress) })
    expect(model.calls.length).toBeGreaterThan(2)
    expect(counts).toEqual([2])
    expect(seen).toHaveLength(model.calls.length)
    expect(seen.at(-1)).toEqual({
      texts: 4000,
      totalTexts: 4000,
      tokens: model.calls.reduce((sum, { ids }) => sum + ids.length, 0),
    })
  })

  test('while a trainer is open all pieces are handed over in one go', async () => {
    const model = await parts()
    model.trainer = OPEN_TRAINER
    let go = () => {}
    const gate = new Promise<void>((resolve) => (go = resolve))
    const counts: number[] = []
    model.pause = async (call) => {
      if (call === 0) queueMicrotask(() => counts.push(model.calls.length))
      await gate
    }
    const done = predict(model, bulk, undefined) as Promise<AnyPrediction[]>
    while (counts.length === 0) await new Promise(setImmediate)
    go()
    expect((await done).map(({ text }) => text)).toEqual(bulk)
    expect(counts).toEqual([model.calls.length])
    expect(model.calls.length).toBeGreaterThan(2)
  })

  test.each<[string, (model: FakeModel) => void, number]>([
    ['a trainer was opened', (model) => (model.trainer = OPEN_TRAINER), 2],
    ['a head was extended', (model) => model.heads.extend('intent', ['neither']), 3],
  ])('one version serves a call: %s in its middle', async (_name, change, labels) => {
    let width = 2
    const model = await fakeModel([intent], (head, ids) => sure((width = head.labels.length), ids.length % width))
    model.pause = (call) => {
      if (call === 1) change(model)
    }
    const results = (await predict(model, bulk, { logits: true })) as AnyPrediction[]
    expect(new Set(results.map((result) => intentOf(result).logits!.length))).toEqual(new Set([labels]))
    // Of the first pass, which is given up.
    expect(new Set(model.aborted)).toEqual(new Set([model.calls[0]!.task]))
    expect(model.calls.at(-1)!.task).not.toBe(model.calls[0]!.task)
    // What was done before is done again.
    expect(model.calls.reduce((sum, { offsets }) => sum + offsets.length - 1, 0)).toBeGreaterThan(bulk.length)
  })

  test('a head that was removed in the middle', async () => {
    const model = await parts([intent])
    model.pause = (call) => {
      if (call === 1) model.heads.remove('intent')
    }
    await expect(predict(model, bulk, undefined)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })

  test('abort, before and in the middle', async () => {
    const model = await parts()
    await expect(predict(model, 'x', { signal: AbortSignal.abort('enough') })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
      cause: 'enough',
    })
    expect(model.calls).toEqual([])
    const controller = new AbortController()
    model.pause = () => controller.abort('enough')
    await expect(predict(model, bulk, { signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' })
    expect(model.aborted).toContain(model.calls[0]!.task)
    expect(model.calls.length).toBeLessThan(3)
  })

  test('a full queue refuses at once', async () => {
    const model = await parts()
    let go = () => {}
    model.pause = () => new Promise((resolve) => (go = resolve))
    const huge = 'river '.repeat(5_000_000)
    const first = predict(model, 'the river', undefined)
    await expect(predict(model, [huge, huge], undefined)).rejects.toMatchObject({ code: 'ERR_BUSY' })
    while (model.calls.length === 0) await new Promise(setImmediate)
    go()
    await first
  })

  test('a head that native code could not make', async () => {
    const model = await parts()
    model.native.addHead = () => Promise.reject(Object.assign(new Error('no memory'), { code: 'ERR_OUT_OF_MEMORY' }))
    model.heads.add({ name: 'late', type: 'classification', labels: ['a', 'b'] })
    await expect(predict(model, 'x', undefined)).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY' })
    expect(Object.keys(await one(model, 'x'))).toEqual(['text', 'intent', 'slots'])
  })
})
