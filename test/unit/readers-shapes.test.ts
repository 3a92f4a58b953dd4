import { type JsonFileOptions, readCsv, readJson, readJsonl } from '../../lib'
import { expectBroken, readText } from '../support/readers'

/** The same records as JSON and as JSON lines. */
const BOTH = [
  ['readJson', (records: unknown[], options?: JsonFileOptions) => readText(readJson, 'a.json', JSON.stringify(records), options)],
  [
    'readJsonl',
    (records: unknown[], options?: JsonFileOptions) =>
      readText(readJsonl, 'a.json', records.map((record) => JSON.stringify(record)).join('\n'), options),
  ],
] as const
type Read = (typeof BOTH)[number][1]
const labelsOf = async (read: Read, records: unknown[], options?: JsonFileOptions) =>
  (await read(records, options)).map(({ labels }) => labels)

const TEXT = '😀 Ann Lee went to Oslo'
const ANN = { start: 3, end: 10, label: 'person' }
const OSLO = { start: 19, end: 23, label: 'city' }

describe.each(BOTH)('%s', (_, read) => {
  describe('Label Studio', () => {
    const entity = (start: number, end: number, label: string, text: string, name = 'ner') => ({
      from_name: name,
      to_name: 'text',
      type: 'labels',
      value: { start, end, text, labels: [label] },
    })
    const choices = (name: string, ...chosen: string[]) => ({
      from_name: name,
      to_name: 'text',
      type: 'choices',
      value: { choices: chosen },
    })
    const task = (text: string, ...result: object[]) => ({
      id: 1,
      data: { text },
      annotations: [{ id: 2, result }],
      predictions: [{ result: [{}] }],
    })
    const full = task(TEXT, entity(18, 22, 'city', 'Oslo'), choices('mood', 'travel'), entity(2, 9, 'person', 'Ann Lee'))

    test('entities and a choice, each from the one control of its kind', async () => {
      expect(await read([full])).toEqual([{ text: TEXT, labels: { slots: [ANN, OSLO], intent: 'travel' } }])
      const heads = { sentence: 'act', tokens: 'who' }
      expect(await labelsOf(read, [full], { heads })).toEqual([{ who: [ANN, OSLO], act: 'travel' }])
      expect(await labelsOf(read, [full], { heads: { sentence: false } })).toEqual([{ slots: [ANN, OSLO] }])
    })

    test('an annotated text without entities has none; one that nobody annotated says nothing; a skipped one is left out', async () => {
      const records = [
        task('nothing here'),
        full,
        { data: { text: 'nobody' }, annotations: [] },
        { data: { text: 'skipped' }, annotations: [{ was_cancelled: true, result: [entity(0, 1, 'x', 's')] }] },
        { data: { text: 'once skipped' }, completions: [{ was_cancelled: true, result: [] }, { result: [choices('mood', 'rest')] }] },
      ]
      expect(await read(records)).toEqual([
        { text: 'nothing here', labels: { slots: [] } },
        { text: TEXT, labels: { slots: [ANN, OSLO], intent: 'travel' } },
        { text: 'nobody', labels: {} },
        { text: 'once skipped', labels: { slots: [], intent: 'rest' } },
      ])
    })

    test('of several annotations the one that is ground truth', async () => {
      const annotations = [{ result: [choices('mood', 'a')] }, { result: [choices('mood', 'b')], ground_truth: true }]
      expect(await labelsOf(read, [{ data: { text: 'x' }, annotations }])).toEqual([{ intent: 'b' }])
      await expectBroken(
        read([{ data: { text: 'x' }, annotations: [annotations[0], annotations[0]] }]),
        'a.json:1',
        /2 annotations\. Keep one/,
      )
      await expectBroken(
        read([{ data: { text: 'x' }, annotations: [annotations[1], annotations[1]] }]),
        'a.json:1',
        /ground truth\. Keep one/,
      )
    })

    test('several controls of a kind: the one that is named as the head, or by a mapping', async () => {
      const records = [
        task('a b', choices('mood', 'good'), choices('intent', 'x')),
        task('c', entity(0, 1, 'n', 'c'), entity(0, 1, 'v', 'c', 'pos')),
      ]
      await expectBroken(read(records), 'a.json:1', /several sets of labels for 'slots': ner, pos\. .*labels: \{ slots: 'ner' \}/)
      expect(await labelsOf(read, records, { heads: { tokens: 'pos' } })).toEqual([
        { pos: [], intent: 'x' },
        { pos: [{ start: 0, end: 1, label: 'v' }] },
      ])
      expect(await labelsOf(read, records, { labels: { m: 'mood', n: 'ner' } })).toEqual([
        { m: ['good'], n: [] },
        { n: [{ start: 0, end: 1, label: 'n' }] },
      ])
    })

    test('several choices need a multi-label head', async () => {
      const record = task('a', choices('topics', 'x', 'y'))
      await expectBroken(read([record]), 'a.json:1', /topics contains 2 categories.*multiLabel/)
      expect(await labelsOf(read, [record], { multiLabel: true })).toEqual([{ intent: ['x', 'y'] }])
    })

    test('the text may have another name, where it is the only string or is named', async () => {
      const result = [entity(0, 2, 'x', 'hi')]
      expect(await read([{ data: { utterance: 'hi', n: 3 }, annotations: [{ result }] }])).toEqual([
        { text: 'hi', labels: { slots: [{ start: 0, end: 2, label: 'x' }] } },
      ])
      const two = { data: { utterance: 'hi', source: 'web' }, annotations: [{ result }] }
      await expectBroken(read([two]), 'a.json:1', /a string in text, received undefined/)
      expect((await read([two], { text: 'utterance', labels: { s: 'ner' } }))[0]).toEqual({
        text: 'hi',
        labels: { s: [{ start: 0, end: 2, label: 'x' }] },
      })
    })

    test('a choice for one entity is not the sentence’s, and other results are none of ours', async () => {
      const value = { start: 0, end: 2, choices: ['sure'] }
      const record = task(
        'hi',
        { from_name: 'sure', type: 'choices', value },
        { type: 'relation' },
        { from_name: 'n', type: 'textarea', value: { text: ['x'] } },
      )
      expect(await labelsOf(read, [record])).toEqual([{}])
    })

    test.each([
      [
        'places in HTML',
        { type: 'hypertextlabels', value: { start: '/p[1]', end: '/p[1]', hypertextlabels: ['x'] } },
        /an offset in ner\[0\]\.start/,
      ],
      ['two labels on one entity', { type: 'labels', value: { start: 0, end: 2, labels: ['x', 'y'] } }, /one label in ner\[0\]\.labels/],
      ['offsets of before 2021', { type: 'labels', value: { start: 3, end: 10, text: 'Ann Lee', labels: ['x'] } }, /Set offsets: 'utf16'/],
    ])('%s: refused', async (_name, result, message) => {
      await expectBroken(read([task(TEXT, { from_name: 'ner', ...result })]), 'a.json:1', message)
    })

    describe('JSON_MIN', () => {
      const min = {
        id: 1,
        text: TEXT,
        ner: [{ start: 2, end: 9, text: 'Ann Lee', labels: ['person'] }],
        annotator: 1,
        annotation_id: 9,
        lead_time: 8.4,
      }

      test('entities, and choices as a string under the name of the head or as a list', async () => {
        expect(await read([{ ...min, intent: 'travel', source: 'web' }])).toEqual([
          { text: TEXT, labels: { slots: [ANN], intent: 'travel' } },
        ])
        expect(await labelsOf(read, [{ ...min, mood: { choices: ['a', 'b'] } }], { multiLabel: true })).toEqual([
          { slots: [ANN], intent: ['a', 'b'] },
        ])
        const { ner: _ner, ...none } = min
        expect(await labelsOf(read, [none, min])).toEqual([{ slots: [] }, { slots: [ANN] }])
      })

      test('any names by a mapping', async () => {
        const options = { text: 'body', labels: { who: 'ner', act: 'mood' } }
        const { text: body, ...rest } = min
        expect(await read([{ ...rest, body, mood: 'glad' }], options)).toEqual([{ text: TEXT, labels: { who: [ANN], act: 'glad' } }])
      })
    })
  })

  describe('spaCy', () => {
    test('entities and categories', async () => {
      const entities = [
        [18, 22, 'city'],
        [2, 9, 'person'],
      ]
      const records = [
        [TEXT, { entities }],
        ['none', { entities: [] }],
        ['only a category', { cats: { a: 1.0, b: 0, c: false } }],
        ['both', { entities: [], cats: { a: 0, b: true } }],
      ]
      expect(await labelsOf(read, records)).toEqual([{ slots: [ANN, OSLO] }, { slots: [] }, { intent: 'a' }, { slots: [], intent: 'b' }])
      expect(await labelsOf(read, records, { heads: { tokens: false, sentence: 'c' }, multiLabel: true })).toEqual([
        {},
        {},
        { c: ['a'] },
        { c: ['b'] },
      ])
      expect(await labelsOf(read, records.slice(0, 1), { text: 0, labels: { ner: 1 } })).toEqual([{ ner: [ANN, OSLO] }])
    })

    test.each([
      ['a share of a category', ['a', { cats: { x: 0.5 } }], /1 or 0 in cats\.x, received 0\.5/],
      ['several categories', ['a', { cats: { x: 1, y: 1 } }], /2 categories/],
      ['an entity of two', ['a', { entities: [[0, 1]] }], /entity in entities\[0\]/],
      ['no text', [1, { entities: [] }], /a string in the text, received 1/],
    ])('%s: refused', async (_name, record, message) => {
      await expectBroken(read([['fine', { entities: [] }], record]), read === BOTH[0][1] ? 'a.json:1' : 'a.json:2', message)
    })

    test('a record of another form is refused where spaCy’s was asked for', async () => {
      await expectBroken(
        read([{ text: 'a', entities: [] }], { shape: 'spacy' }),
        'a.json:1',
        /spaCy's \[text, \{ entities \}\], received an object \(text, entities\)/,
      )
    })
  })

  describe('GLiNER', () => {
    const tokenized_text = ['Ann', 'Lee', 'went', 'to', 'Oslo']
    const slots = [
      { start: 0, end: 7, label: 'person' },
      { start: 16, end: 20, label: 'city' },
    ]
    const ner = [
      [4, 4, 'city'],
      [0, 1, 'person'],
    ]

    test('words, and entities whose last word is included', async () => {
      const example = { text: 'Ann Lee went to Oslo', words: tokenized_text }
      expect(await read([{ tokenized_text, ner, negatives: ['x'] }])).toEqual([{ ...example, labels: { slots } }])
      expect(await read([{ tokenized_text, ner: [] }, { tokenized_text }])).toEqual([
        { ...example, labels: { slots: [] } },
        { ...example, labels: {} },
      ])
      expect(await labelsOf(read, [{ tokenized_text, ner }], { heads: { tokens: false } })).toEqual([{}])
    })

    test('under other names, also with a text of its own', async () => {
      const options = { words: 'w', labels: { who: { column: 'e', spans: 'words' } } } as const
      expect(await labelsOf(read, [{ w: tokenized_text, e: ner }, { w: ['a'] }], options)).toEqual([{ who: slots }, {}])
      const text = 'Ann  Lee went to Oslo'
      expect(await read([{ w: tokenized_text, e: [[4, 4, 'city']], text }], { ...options, text: 'text' })).toEqual([
        { text, words: tokenized_text, labels: { who: [{ start: 17, end: 21, label: 'city' }] } },
      ])
      await expectBroken(
        read([{ w: ['x'], e: [], text }], { ...options, text: 'text' }),
        'a.json:1',
        /words\[0\], "x", was not found in the text/,
      )
      expect(() => readJson('/nowhere', { labels: { who: { column: 'e', spans: 'words' } } })).toThrow(
        /labels.who contains word positions, which require 'words'/,
      )
    })

    test.each([
      ['beyond the last word', [[4, 5, 'x']], /word range 4–5 of ner\[0\] is invalid: the example has 5 words/],
      ['backwards', [[2, 1, 'x']], /word range 2–1/],
      [
        'nested',
        [
          [0, 1, 'x'],
          [1, 1, 'y'],
        ],
        /'x' "Ann Lee" .* and 'y' "Lee" .* overlap/,
      ],
      ['no label', [[0, 1]], /\[first word, last word, label\] in ner\[0\], received an array of 2/],
    ])('%s: refused', async (_name, entities, message) => {
      await expectBroken(read([{ tokenized_text, ner: entities }]), 'a.json:1', message)
    })
  })

  describe('numbers for classes', () => {
    test('named by label_text, else by themselves', async () => {
      const records = [
        { text: 'a', label: 0, label_text: 'neg' },
        { text: 'b', label: 12 },
        { text: 'c', label: -1 },
        { text: 'd', label_text: 'pos' },
        { text: 'e', label: true },
        { text: 'f', label: 3, label_text: null },
      ]
      const labels = ['neg', '12', '-1', 'pos', true, '3']
      expect(await labelsOf(read, records)).toEqual(labels.map((intent) => ({ intent })))
      expect(await labelsOf(read, records.slice(0, 1), { multiLabel: true, heads: { sentence: 'm' } })).toEqual([{ m: ['neg'] }])
      expect(await labelsOf(read, records, { heads: { sentence: false } })).toEqual(labels.map(() => ({})))
      await expectBroken(read([{ text: 'a', label: 0.5 }]), 'a.json:1', /a label in label, received 0\.5/)
    })

    test('by a mapping: the number, or its name; −1 is no label then', async () => {
      expect(
        await labelsOf(
          read,
          [
            { text: 'a', n: 1 },
            { text: 'b', n: -1 },
          ],
          { labels: { x: 'n' } },
        ),
      ).toEqual([{ x: '1' }, { x: '-1' }])
      const names = ['no', 'yes']
      expect(
        await labelsOf(
          read,
          [
            { text: 'a', n: 1 },
            { text: 'b', n: -1 },
          ],
          { labels: { x: { column: 'n', names } } },
        ),
      ).toEqual([{ x: 'yes' }, {}])
      expect(await labelsOf(read, [{ text: 'a', n: [-1, -1] }], { labels: { x: { column: 'n', names } } })).toEqual([{}])
      await expectBroken(
        read([{ text: 'a', n: [0, -1] }], { labels: { x: { column: 'n', names } } }),
        'a.json:1',
        /0\.\.1 in 'n'\[1\], received -1/,
      )
      await expectBroken(read([{ text: 'a', n: [0, 1, 0] }], { labels: { x: { column: 'n', names } } }), 'a.json:1', /zeros and ones/)
      await expectBroken(read([{ text: 'a', n: 2 }], { labels: { x: { column: 'n', names } } }), 'a.json:1', /0\.\.1 in 'n', received 2/)
    })
  })
})

test('a column of JSON, as in Label Studio’s CSV export', async () => {
  const cell = JSON.stringify([{ start: 2, end: 9, text: 'Ann Lee', labels: ['person'] }]).replaceAll('"', '""')
  const content = `text,label,mood\n${TEXT},"${cell}","{""choices"":[""a"",""b""]}"\nnobody,,\n`
  const labels = { who: { column: 'label', json: true }, mood: { column: 'mood', json: true } }
  const read = (text: string) => readText((path, options) => readCsv(path, options!), 'a.csv', text, { labels })
  expect(await read(content)).toEqual([
    { text: TEXT, labels: { who: [ANN], mood: ['a', 'b'] } },
    { text: 'nobody', labels: {} },
  ])
  await expectBroken(read('text,label,mood\na,[,\n'), 'a.csv:2', /cell in 'label' is not JSON/)
})

test('JSON lines under the name of JSON are refused with their reader', async () => {
  await expectBroken(readText(readJson, 'a.json', '{"text":"a"}\n{"text":"b"}\n'), 'a.json:2', /not JSON.*readJsonl/)
  await expectBroken(readText(readJson, 'a.json', '{"text":\n'), 'a.json:2', /not JSON \(\w+\)\.$/)
})
