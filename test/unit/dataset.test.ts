import path from 'node:path'
import { Dataset } from '../../lib/data/dataset'
import type { Example } from '../../lib/data/example'
import { readCsv, readJson, readJsonl, readParquet } from '../../lib'
import type { Scheme } from '../../lib/tags/schemes'
import { folderOf } from '../support/scratch'

function ofIntents(...intents: string[]): Promise<Dataset> {
  return Dataset.from(intents.map((intent, i) => ({ text: `text ${i}`, labels: { intent } })))
}

describe('from', () => {
  const examples: Example[] = [
    { text: 'one', labels: { intent: 'a' } },
    { text: 'two', labels: {} },
  ]

  test.each([
    ['an array', () => examples],
    ['an iterable', () => new Set(examples)],
    [
      'an async iterable',
      async function* () {
        yield* await Promise.resolve(examples)
      },
    ],
  ])('%s', async (_, source) => {
    const data = await Dataset.from(source())
    expect([...data]).toEqual(examples)
    expect([data.length, data.name, data.heads]).toEqual([2, 'data', ['intent']])
  })

  test('a data set comes back as it is, or under another name', async () => {
    const data = await Dataset.from(examples, { name: 'train' })
    expect(await Dataset.from(data)).toBe(data)
    const renamed = await Dataset.from(data, { name: 'test' })
    expect([renamed.name, renamed.examples]).toEqual(['test', data.examples])
  })

  test('the text is that of the words, and labels may be missing', async () => {
    const data = await Dataset.from([{ words: ['play', 'it'], labels: { slots: ['O', 'O'] } }, { text: 'x' }])
    expect(data.examples).toEqual([
      { text: 'play it', words: ['play', 'it'], labels: { slots: ['O', 'O'] } },
      { text: 'x', labels: {} },
    ])
  })

  const span = (start: number, end: number) => ({ start, end, label: 'x' })
  test.each([
    ['a number', 7, 'expected a text, or an object with text and labels, received 7'],
    ['no text', { labels: {} }, "expected 'text' to be a string, received undefined"],
    ['words that are none', { words: ['a', 1] }, "expected 'words' to be a list of strings"],
    ['labels in a list', { text: 'a', labels: [] }, "expected 'labels' to be an object"],
    ['a number that is not a class', { text: 'a', labels: { intent: -3 } }, 'a whole number of at least 0, for labels.intent; received -3'],
    [
      'labels of two shapes',
      { text: 'ab', labels: { slots: ['O', span(0, 1)] } },
      'labels.slots; received an object with start, end, label at index 1',
    ],
    ['spans and a label', { text: 'ab', labels: { slots: [span(0, 1), 'O'] } }, 'labels.slots; received "O" at index 1'],
    ['a span outside of a list', { text: 'ab', labels: { slots: span(0, 1) } }, 'labels.slots; received an object with start, end, label.'],
    [
      'a span without a label',
      { text: 'ab', labels: { slots: [{ start: 0, end: 1, entity: 'x' }] } },
      "labels.slots[0] has no 'label' (it has start, end, entity). An entity has start, end and label.",
    ],
    ['an empty span object', { text: 'ab', labels: { slots: [span(0, 1), {}] } }, "labels.slots[1] has no 'start' (it has no fields)"],
    [
      'a span with more',
      { text: 'ab', labels: { slots: [{ ...span(0, 1), ends: 1 }] } },
      "unknown field 'ends' in labels.slots[0]. Did you mean 'end'?",
    ],
    [
      'a start that is none',
      { text: 'ab', labels: { slots: [{ ...span(0, 1), start: '0' }] } },
      'an integer for labels.slots[0].start, received "0"',
    ],
    ['an end that is none', { text: 'ab', labels: { slots: [span(0, 0.5)] } }, 'an integer for labels.slots[0].end, received 0.5'],
    [
      'a span with an empty label',
      { text: 'ab', labels: { slots: [{ ...span(0, 1), label: '' }] } },
      'a label for labels.slots[0].label, received ""',
    ],
    [
      'a span inside a character',
      { text: '😀b', labels: { slots: [span(1, 3)] } },
      "'x' [1, 3) of labels.slots begins or ends inside a character",
    ],
    ['a span that ends inside a character', { text: 'a😀', labels: { slots: [span(0, 2)] } }, "'x' [0, 2) of labels.slots begins or ends"],
    [
      'a field that is near a known one',
      { text: 'a', label: 'x' },
      "unknown field 'label'. Did you mean 'labels'? An example has text, words and labels.",
    ],
    ['a field of another kind', { text: 'a', labels: {}, id: undefined }, "unknown field 'id'. An example has"],
    ['an empty label', { text: 'a', labels: { intent: '' } }, 'labels.intent has an empty label'],
    [
      'an empty span',
      { text: 'abc', labels: { slots: [span(1, 1)] } },
      "'x' [1, 1) of labels.slots is empty or outside the text, which has 3",
    ],
    ['a span behind the text', { text: 'abc', labels: { slots: [span(1, 4)] } }, "'x' [1, 4)"],
    [
      'overlapping spans',
      { text: 'abc', labels: { slots: [span(1, 3), span(0, 2)] } },
      "'x' [0, 2) and 'x' [1, 3) of labels.slots overlap",
    ],
    ['words that are not in the text', { text: 'a b', words: ['a', 'c'] }, 'words[1], "c", was not found in the text'],
  ])('%s is refused with its number', async (_, example, message) => {
    const source = [{ text: 'fine', labels: {} }, example] as unknown as Example[]
    await expect(Dataset.from(source, { name: 'train' })).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(/^Example 1 of 'train'/) as string,
    })
    await expect(Dataset.from(source)).rejects.toThrow(message)
  })

  test.each([undefined, null, 'text', 5, {}])('%p is no source', async (source) => {
    await expect(Dataset.from(source as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })

  test('an abort ends the reading and closes the source', async () => {
    const controller = new AbortController()
    let closed = false
    function* source() {
      try {
        for (let i = 0; ; i++) {
          if (i === 3) controller.abort()
          yield { text: `${i}`, labels: {} }
        }
      } finally {
        closed = true
      }
    }
    await expect(Dataset.from(source(), { signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    expect(closed).toBe(true)
  })
})

describe('fields of files that nothing is read from', () => {
  const CSV = 'id,text,lang,label\n1,a,en,x\n2,b,de,y\n'
  const JSONL = '{"text":"a","labels":{},"id":1}\n{"text":"b","label":["x"],"note":"?","id":2}\n{"text":"c","answer":"reject","extra":1}\n'
  const folder = folderOf({ 'a.csv': CSV, 'a.jsonl': JSONL })
  const file = (name: string) => path.join(folder, name)

  test.each<[string, () => AsyncIterable<Example>, [string, number][]]>([
    [
      'CSV',
      () => readCsv(file('a.csv'), { labels: { x: 'label' } }),
      [
        ['id', 2],
        ['lang', 2],
      ],
    ],
    [
      'CSV, columns by place',
      () => readCsv(file('a.csv'), { text: 1, labels: { x: -1 } }),
      [
        ['id', 2],
        ['lang', 2],
      ],
    ],
    ['CSV without names', () => readCsv(file('a.csv'), { header: false, text: 1, labels: {} }), []],
    ['several files', () => readCsv([file('a.csv'), file('a.csv')], { labels: { x: 'label', l: 'lang' } }), [['id', 4]]],
    [
      'JSON lines, without what was rejected',
      () => readJsonl(file('a.jsonl')),
      [
        ['id', 2],
        ['note', 1],
      ],
    ],
    [
      'JSON lines by a mapping',
      () => readJsonl(file('a.jsonl'), { labels: { n: 'note' } }),
      [
        ['id', 2],
        ['labels', 1],
        ['label', 1],
        ['answer', 1],
        ['extra', 1],
      ],
    ],
    [
      'Parquet',
      () => readParquet(path.join(__dirname, '../fixtures/data/class-labels-hidden.parquet'), { labels: { x: 'label' } }),
      [['tags', 3]],
    ],
    [
      'no file',
      async function* () {
        yield* await Promise.resolve([{ text: 'a', labels: {} }])
      },
      [],
    ],
  ])('%s: describe lists them, the most frequent first', async (_, read, expected) => {
    const source = read()
    for (let i = 0; i < 2; i++) {
      const data = await Dataset.from(source, { name: 'x' })
      const fields = expected.length > 0 ? expected.map(([field, records]) => ({ field, records })) : undefined
      expect((await data.describe()).unusedFields).toEqual(fields)
      expect((await (await Dataset.from(data, { name: 'y' })).describe()).unusedFields).toEqual(fields)
      if (data.length > 1) expect((await data.split({ test: 1 }).test.describe()).unusedFields).toEqual(fields)
    }
  })

  test('Label Studio: what belongs to the task, not to the export', async () => {
    const result = [
      { from_name: 'ner', type: 'labels', value: { start: 0, end: 1, labels: ['x'] } },
      { from_name: 'why', type: 'textarea', value: { text: ['y'] } },
    ]
    const file = path.join(folderOf({ 'a.json': [{ id: 1, data: { text: 'a', source: 'web' }, annotations: [{ result }] }] }), 'a.json')
    expect((await (await Dataset.from(readJson(file))).describe()).unusedFields).toEqual([
      { field: 'source', records: 1 },
      { field: 'why', records: 1 },
    ])
  })
})

describe('labels', () => {
  test('are sorted, whatever the order of the examples', async () => {
    expect((await ofIntents('b', 'a', 'b', 'C')).labels('intent')).toEqual(['C', 'a', 'b'])
  })

  test.each<[string, Example['labels'][string][], string[]]>([
    ['tags as they are written', [['O', 'B-x'], ['I-x']], ['B-x', 'I-x', 'O']],
    ['several of an example', [['b', 'a'], [], ['a']], ['a', 'b']],
    ['yes and no', [true, false], ['head']],
  ])('%s', async (_, values, wanted) => {
    const data = await Dataset.from(values.map((head) => ({ text: 'x y', labels: { head } })))
    expect(data.labels('head')).toEqual(wanted)
  })

  test.each<[Scheme | undefined, string[]]>([
    [undefined, ['B-x', 'B-y', 'I-x', 'I-y', 'O']],
    ['IOBES', ['B-x', 'B-y', 'E-x', 'E-y', 'I-x', 'I-y', 'O', 'S-x', 'S-y']],
    ['BILOU', ['B-x', 'B-y', 'I-x', 'I-y', 'L-x', 'L-y', 'O', 'U-x', 'U-y']],
    ['IOB1', ['B-x', 'B-y', 'I-x', 'I-y', 'O']],
  ])('spans give the tags of scheme %s', async (scheme, wanted) => {
    const spans = [
      { start: 0, end: 1, label: 'y' },
      { start: 2, end: 3, label: 'x' },
    ]
    const data = await Dataset.from([{ text: 'a b', labels: { slots: spans } }])
    expect(data.labels('slots', scheme)).toEqual(wanted)
  })

  test('of a head that no example has are refused', async () => {
    const data = await ofIntents('a')
    expect(() => data.labels('intents')).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('intent.') }),
    )
  })
})

describe('split', () => {
  const many = () => ofIntents(...Array.from({ length: 103 }, (_, i) => 'abcdefg'[Math.floor(Math.sqrt(i) * 0.69)]!))

  test.each([
    [0.2, 21],
    [10, 10],
  ])('test: %p', async (size, count) => {
    const data = await many()
    const { train, test } = data.split({ test: size })
    expect([train.name, test.name, test.length, train.length]).toEqual(['data/train', 'data/test', count, 103 - count])
    expect(new Set([...train, ...test])).toEqual(new Set(data))
  })

  test('parts by name share out everything, in the order of the whole', async () => {
    const data = await many()
    const parts = data.split({ sizes: { train: 8, dev: 1, test: 1 }, seed: 3 })
    expect([parts.train.length, parts.dev.length, parts.test.length]).toEqual([83, 10, 10])
    expect([...parts.train, ...parts.dev, ...parts.test].map(({ text }) => text).sort()).toEqual([...data].map(({ text }) => text).sort())
    for (const part of Object.values(parts)) {
      const places = part.examples.map((example) => data.examples.indexOf(example))
      expect(places).toEqual([...places].sort((a, b) => a - b))
    }
  })

  test('the seed decides', async () => {
    const data = await many()
    const texts = (seed?: number) => [...data.split({ test: 0.3, seed }).test].map(({ text }) => text)
    expect(texts(1)).toEqual(texts(1))
    expect(texts(undefined)).toEqual(texts(0))
    expect(texts(1)).not.toEqual(texts(2))
  })

  test.each([0, 1, 2, 3])('stratified, every label has its share in each part (seed %i)', async (seed) => {
    const data = await many()
    const parts = data.split({ sizes: { train: 7, dev: 2, test: 1 }, seed, stratify: 'intent' })
    const shares = { train: 0.7, dev: 0.2, test: 0.1 }
    for (const label of data.labels('intent')) {
      const count = (set: Dataset) => set.examples.filter(({ labels }) => labels.intent === label).length
      for (const [name, share] of Object.entries(shares)) {
        expect(Math.abs(count(parts[name as keyof typeof shares]) - share * count(data))).toBeLessThan(1.5)
      }
    }
  })

  test('stratified by a head of lists: sets count, and no label at all is another stratum than an empty list', async () => {
    const values: (string[] | undefined)[] = [[], undefined, ['a'], ['b', 'a'], ['a', 'b']]
    const data = await Dataset.from(
      Array.from({ length: 120 }, (_, i): Example => {
        const value = values[i % values.length]
        return { text: `${i}`, labels: value === undefined ? {} : { topics: value } }
      }),
    )
    for (let seed = 0; seed < 5; seed++) {
      const { test } = data.split({ test: 0.25, seed, stratify: 'topics' })
      const counts = new Map<string, number>()
      for (const { labels } of test) {
        const key = labels.topics === undefined ? 'none' : [...(labels.topics as string[])].sort().join()
        counts.set(key, (counts.get(key) ?? 0) + 1)
      }
      for (const [key, count] of Object.entries({ none: 6, '': 6, a: 6, 'a,b': 12 }))
        expect(Math.abs((counts.get(key) ?? 0) - count)).toBeLessThan(1.5)
    }
  })

  test.each([
    [{ test: 0 }, 'test'],
    [{ test: 1.5 }, 'test'],
    [{ test: 103 }, "'train' would be empty: 'data' has only 103 examples"],
    [{ test: 0.001 }, "'test' would be empty"],
    [{ sizes: { a: 1, b: -1 } }, 'sizes.b'],
    [{ sizes: {} }, 'at least one part'],
    [{}, "exactly one of 'test' and 'sizes'"],
    [{ test: 0.5, sizes: { a: 1 } }, "exactly one of 'test' and 'sizes'"],
    [{ test: 0.5, seed: -1 }, 'seed'],
    [{ test: 0.5, stratify: 'intents' }, 'No example of \'data\' has labels for "intents"'],
    [{ test: 0.5, stratified: 'intent' }, "Did you mean 'stratify'?"],
  ])('%j is refused', async (options, message) => {
    const data = await many()
    const split = () => data.split(options as { test: number })
    expect(split).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(message) }))
  })
})
