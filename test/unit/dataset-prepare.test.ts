import { Dataset } from '../../lib/data/dataset'
import type { Example, LabelValue } from '../../lib/data/example'
import type { PreparedSet } from '../../lib/data/targets'
import { prepare, type PrepareOptions } from '../../lib/data/prepare'
import type { Head } from '../../lib/heads/definition'
import { Tokenizer } from '../../lib/tokenizer/tokenizer'
import { headOf } from '../support/heads'
import { fixtureFolder } from '../support/tokenizer-fixture'

let tokenizer: Tokenizer
beforeAll(async () => {
  const config = { vocabSize: 1 << 20, modelType: 'bert' }
  tokenizer = await Tokenizer.open(fixtureFolder('bert'), { maxLength: 128, doLowerCase: false, config })
})
afterAll(() => tokenizer.dispose())

async function prepared(examples: readonly Partial<Example>[], heads: readonly Head[], options: Partial<PrepareOptions> = {}) {
  const data = await Dataset.from(examples as Example[], { name: 'train' })
  return prepare(data, tokenizer, heads, { maxLength: 64, unknownLabels: 'refuse', ...options })
}

function rowOf({ offsets }: PreparedSet, flat: Int32Array, i: number): number[] {
  return [...flat.subarray(offsets[i], offsets[i + 1])]
}

const intent = headOf({ name: 'intent', type: 'classification', labels: ['go', 'stay'] })
const topics = headOf({ name: 'topics', type: 'classification', labels: ['a', 'b', 'c'], multiLabel: true })
const spam = headOf({ name: 'spam', type: 'classification', labels: ['spam'] })
const slots = headOf({ name: 'slots', type: 'token-classification', labels: ['B-city', 'B-day', 'I-city', 'O'] })
const span = (start: number, end: number, label: string) => ({ start, end, label })

test('rows are the tokens of the texts, and every head has its labels beside them', async () => {
  const set = await prepared(
    [
      { text: 'running', labels: { intent: 'stay', topics: ['c', 'a'], spam: true } },
      { text: 'the lazy dog', labels: {} },
      { text: 'fox', labels: { intent: 'go', topics: [], spam: false } },
      { text: '', labels: { topics: 'b', spam: 'spam' } },
    ],
    [intent, topics, spam],
  )
  const { ids, offsets } = await tokenizer.encode(['running', 'the lazy dog', 'fox', ''], 64)
  expect([set.ids, set.offsets]).toEqual([ids, offsets])
  expect(Object.fromEntries([...set.labels].map(([name, values]) => [name, [...values]]))).toEqual({
    intent: [1, -100, 0, -100],
    topics: [1, 0, 1, -100, -100, -100, 0, 0, 0, 0, 1, 0],
    spam: [1, -100, 0, 1],
  })
  expect([set.truncated, set.entitiesLost, set.gold('slots', 0)]).toEqual([0, 0, undefined])
})

test('a word has its tag on its first token', async () => {
  const words = ['distances', '\u0001', 'to', 'foxesanddogs', 'Paris']
  const tags = ['B-day', 'B-city', 'O', 'B-city', 'I-city']
  const set = await prepared([{ words, labels: { slots: tags } }, { words: ['to'] }], [slots])
  const labels = set.labels.get('slots')!
  expect(labels.length).toBe(set.ids.length)
  const seen = new Map<number, number[]>()
  rowOf(set, set.wordOfToken, 0).forEach((word, token) => seen.set(word, [...(seen.get(word) ?? []), labels[token]!]))
  expect([...seen.keys()]).toEqual([-1, 0, 2, 3, 4])
  expect(seen.get(-1)).toEqual([-100, -100])
  for (const [word, found] of seen)
    if (word >= 0) expect(found).toEqual([slots.labels.indexOf(tags[word]!), ...found.slice(1).map(() => -100)])
  expect(seen.get(3)!.length).toBeGreaterThan(1)
  expect(rowOf(set, labels, 1)).toEqual(rowOf(set, labels, 1).map(() => -100))
  expect([set.gold('slots', 0), set.gold('slots', 1)]).toEqual([tags, undefined])
})

describe('entities given as spans', () => {
  const text = '😀 New York, on Monday!'
  const spans = [span(16, 22, 'day'), span(3, 11, 'city')]

  test.each([
    ['IOB2', ['O', 'B-city', 'I-city', 'O', 'O', 'B-day', 'O']],
    ['IOBES', ['O', 'B-city', 'E-city', 'O', 'O', 'S-day', 'O']],
    ['BILOU', ['O', 'B-city', 'L-city', 'O', 'O', 'U-day', 'O']],
    ['IOE2', ['O', 'I-city', 'E-city', 'O', 'O', 'E-day', 'O']],
  ] as const)("are written in the scheme of the head's labels: %s", async (scheme, tags) => {
    const data = await Dataset.from([{ text, labels: { slots: spans } }])
    const head = headOf({ name: 'slots', type: 'token-classification', labels: data.labels('slots', scheme) })
    expect((await prepared(data.examples, [head])).gold('slots', 0)).toEqual(tags)
  })

  test('labels without prefixes are taken as they are', async () => {
    const head = headOf({ name: 'slots', type: 'token-classification', labels: ['O', 'city', 'day'] })
    const set = await prepared([{ text, labels: { slots: spans } }], [head])
    expect(set.gold('slots', 0)).toEqual(['O', 'city', 'city', 'O', 'O', 'day', 'O'])
  })

  test('go by the words where there are some, and an empty list says that there is no entity', async () => {
    const words = ['😀', 'New York,', 'on', 'Monday!']
    const set = await prepared(
      [
        { words, labels: { slots: spans } },
        { words, labels: { slots: [] } },
      ],
      [slots],
    )
    expect([set.gold('slots', 0), set.gold('slots', 1)]).toEqual([
      ['O', 'B-city', 'O', 'B-day'],
      ['O', 'O', 'O', 'O'],
    ])
    expect(rowOf(set, set.labels.get('slots')!, 1).filter((label) => label >= 0)).toEqual([3, 3, 3, 3])
  })

  test('a word has one tag: what finds it taken, or covers no word, is counted as lost', async () => {
    const lost = [span(0, 2, 'city'), span(2, 5, 'day'), span(6, 7, 'city')]
    const set = await prepared([{ text: 'fox   x', words: ['fox', 'x'], labels: { slots: [...lost, span(5, 6, 'day')] } }], [slots])
    expect(set.gold('slots', 0)).toEqual(['B-city', 'B-city'])
    expect(set.entitiesLost).toBe(2)
  })
})

describe('what is longer than the limit', () => {
  const words = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 'the' : 'fox'))
  const tags = words.map((_, i) => (i === 39 ? 'B-city' : 'O'))

  test.each([2, 3, 10, 41, 42, 64])('is cut at %i as the tokenizer cuts, and keeps its gold tags', async (maxLength) => {
    const text = words.join(' ')
    const spans = [span(text.length - 3, text.length, 'city')]
    const examples = [{ words, labels: { slots: tags } }, { text }, { text, labels: { slots: spans } }]
    const set = await prepared(examples, [slots], { maxLength })
    const { ids, offsets } = await tokenizer.encode([text, text, text], maxLength)
    expect([set.ids, set.offsets]).toEqual([ids, offsets])
    expect(set.truncated).toBe(maxLength < 42 ? 3 : 0)
    expect([set.gold('slots', 0), set.gold('slots', 2)]).toEqual([tags, tags])
    expect(rowOf(set, set.labels.get('slots')!, 0)).toEqual(rowOf(set, set.labels.get('slots')!, 2))
    expect(rowOf(set, set.wordOfToken, 0).at(-1)).toBe(-1)
  })

  test('the limit holds the special tokens at least', async () => {
    await expect(prepared([{ text: 'x' }], [], { maxLength: 1 })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })
})

describe('labels that the head lacks', () => {
  const examples: [string, Partial<Example>, Head][] = [
    ['"leave"', { text: 'x', labels: { intent: 'leave' } }, intent],
    ['"d"', { text: 'x', labels: { topics: ['a', 'd'] } }, topics],
    ['"ham"', { text: 'x', labels: { spam: 'ham' } }, spam],
    ['"B-time"', { words: ['x', 'y'], labels: { slots: ['O', 'B-time'] } }, slots],
    ['"I-day"', { text: 'x y', labels: { slots: [span(0, 3, 'day')] } }, slots],
  ]

  test.each(examples)('%s is refused, naming example and head', async (label, example, head) => {
    const before = Array.from({ length: 300 }, () => ({ text: 'x' }))
    await expect(prepared([...before, example], [head])).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringContaining(
        `Example 300 of 'train' (${JSON.stringify(example.text ?? 'x y')}): ${label} is not one of`,
      ) as string,
    })
  })

  test('is refused behind the cut as well', async () => {
    await expect(prepared([{ words: ['x', 'y'], labels: { slots: ['O', 'B-time'] } }], [slots], { maxLength: 3 })).rejects.toThrow(
      '"B-time"',
    )
  })

  test('or ignored, and kept as gold', async () => {
    const all = Object.assign({}, ...examples.map(([, { labels }]) => labels)) as Example['labels']
    const example = { words: ['x', 'y'], labels: { ...all, slots: ['O', 'B-time'] } }
    const set = await prepared([example], [intent, topics, spam, slots], { unknownLabels: 'ignore' })
    expect([...set.labels.values()].map((values) => [...values])).toEqual([[-100], [1, 0, 0], [0], [-100, 3, -100, -100]])
    expect(set.gold('slots', 0)).toEqual(['O', 'B-time'])
  })
})

test.each<[string, Head, LabelValue, string]>([
  ['a list for one label', intent, ['go'], "head 'intent' takes one label, but labels.intent is a list of labels"],
  ['true for two labels', intent, true, 'takes one label, but labels.intent is true'],
  ['entities for a class', intent, [span(0, 1, 'go')], 'is a list of entities'],
  ['true for several labels', topics, true, 'takes a label or a list of labels, but labels.topics is true'],
  ['entities for yes and no', spam, [span(0, 1, 'go')], 'takes true or false, a label or a list of labels'],
  ['a class for tags', slots, 'O', 'takes entities or one tag per word, but labels.slots is "O"'],
  ['too few tags', slots, ['O'], 'labels.slots has 1 tags for 2 words'],
])('%s is refused', async (_, head, value, message) => {
  await expect(prepared([{ words: ['x', 'y'], labels: { [head.name]: value } }], [head])).rejects.toMatchObject({
    code: 'ERR_DATA',
    message: expect.stringContaining(message) as string,
  })
})

test('tags without words are refused', async () => {
  await expect(prepared([{ text: 'x', labels: { slots: ['O'] } }], [slots])).rejects.toThrow("the example has no 'words'")
})

test('many examples keep their places', async () => {
  const examples = Array.from({ length: 1000 }, (_, i) => ({
    text: 'the fox '.repeat(i % 7),
    labels: { intent: i % 3 === 0 ? 'go' : 'stay' },
  }))
  const set = await prepared(examples, [intent])
  expect([...set.offsets].slice(1).map((end, i) => end - set.offsets[i]!)).toEqual(examples.map((_, i) => 2 + 2 * (i % 7)))
  expect([...set.labels.get('intent')!]).toEqual(examples.map((_, i) => (i % 3 === 0 ? 0 : 1)))
})

describe('fingerprint', () => {
  const examples = [
    { text: 'the fox', labels: { intent: 'go' } },
    { text: 'fox', labels: { intent: 'stay' } },
  ]
  const of = async (changed: readonly Partial<Example>[], heads = [intent]) => (await prepared(changed, heads)).fingerprint

  test('is that of tokens and labels', async () => {
    expect(await of(examples)).toMatch(/^[0-9a-f]{64}$/)
    expect(await of(examples.map((example) => ({ ...example, text: `${example.text} ` })))).toBe(await of(examples))
  })

  test.each<[string, readonly Partial<Example>[], Head[]]>([
    ['another text', [examples[0]!, { ...examples[1], text: 'dog' }], [intent]],
    ['another label', [examples[0]!, { ...examples[1], labels: { intent: 'go' } }], [intent]],
    ['another order', [...examples].reverse(), [intent]],
    [
      'the same tokens in other rows',
      [
        { text: 'the', labels: { intent: 'go' } },
        { text: 'fox fox', labels: { intent: 'stay' } },
      ],
      [intent],
    ],
    ['one more head', examples, [intent, spam]],
  ])('differs for %s', async (_, changed, heads) => {
    expect(await of(changed, heads)).not.toBe(await of(examples))
  })

  test('differs for other names of the same labels', async () => {
    const one = [{ text: 'fox', labels: { intent: 'go' } }]
    expect(await of(one, [{ ...intent, labels: ['go', 'wait'] }])).not.toBe(await of(one))
  })
})

test('an abort ends it', async () => {
  const signal = AbortSignal.abort()
  await expect(prepared([{ text: 'x' }], [], { signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  const controller = new AbortController()
  const running = prepared(
    Array.from({ length: 2000 }, () => ({ text: 'the fox' })),
    [intent],
    { signal: controller.signal },
  )
  setTimeout(() => controller.abort(), 5)
  await expect(running).rejects.toMatchObject({ code: 'ERR_ABORTED' })
})

test('an empty data set has no rows', async () => {
  const set = await prepared([], [intent, slots])
  expect([set.ids.length, [...set.offsets], set.labels.get('intent')!.length]).toEqual([0, [0], 0])
})

test('a long text among short ones', async () => {
  const set = await prepared([{ text: 'fox' }, { text: 'the fox '.repeat(3000) }, { text: 'fox' }], [slots], { maxLength: 8192 })
  expect([...set.offsets]).toEqual([0, 3, 6005, 6008])
  expect(set.wordOfToken[6003]).toBe(5999)
})
