import { type JsonOptions, readCsv, readJsonl } from '../../lib'
import { expectBroken, readText } from '../support/readers'

const read = (records: unknown[], options?: JsonOptions) =>
  readText(readJsonl, 'a.jsonl', records.map((record) => JSON.stringify(record)).join('\n'), options)

/** The labels of one record. */
const labelsOf = async (record: unknown, options?: JsonOptions) => (await read([record], options))[0]?.labels

const EMOJI = '😀 call Ann Lee'
const UTF16 = { start: 8, end: 15 }
const POINTS = { start: 7, end: 14 }

describe('our own form', () => {
  test('labels of every kind, words with and without a text; null is no label', async () => {
    const examples = [
      {
        text: 'fly to Oslo',
        labels: { intent: 'flight', slots: [{ start: 7, end: 11, label: 'city' }], urgent: true, topics: ['air', 'trip'] },
      },
      { text: 'a  b', words: ['a', 'b'], labels: { slots: ['O', 'B-x'] } },
      { text: 'nothing known', labels: {} },
      { text: '', labels: { topics: [] } },
    ]
    expect(
      await read([...examples, { words: ['a', '\u200d'], labels: { slots: ['O', 'O'], intent: null } }, { text: 'plain', id: 3 }]),
    ).toEqual([...examples, { text: 'a \u200d', words: ['a', '\u200d'], labels: { slots: ['O', 'O'] } }, { text: 'plain', labels: {} }])
  })

  test('a label of null is none, whatever form others of the file have', async () => {
    expect(
      await read([
        { text: 'a', label: null },
        { text: 'b', label: 'x', label_text: null },
        { text: 'c', intent: null },
      ]),
    ).toEqual([
      { text: 'a', labels: {} },
      { text: 'b', labels: { intent: 'x' } },
      { text: 'c', labels: {} },
    ])
  })

  test('spans are sorted, may touch, and lose what is not theirs', async () => {
    const slots = [
      { start: 3, end: 5, label: 'b', id: 7 },
      { start: 0, end: 3, label: 'a', text: 'new' },
    ]
    expect(await labelsOf({ text: 'newyork', labels: { slots } })).toEqual({
      slots: [
        { start: 0, end: 3, label: 'a' },
        { start: 3, end: 5, label: 'b' },
      ],
    })
  })

  test('blank lines are skipped', async () => {
    expect(await readText(readJsonl, 'a.jsonl', '\n{"text":"a"}\n  \n{"text":"b"}\n\n')).toHaveLength(2)
  })
})

test('overlap is refused by name', async () => {
  const slots = [
    { start: 4, end: 8, label: 'state' },
    { start: 0, end: 5, label: 'city' },
  ]
  await expectBroken(
    read([{ text: 'New York', labels: { slots } }]),
    'a.jsonl:1',
    /'city' "New Y" \(0–5\) and 'state' "York" \(4–8\) overlap/,
  )
})

test('of two entities of which one lies in the other, the outer one is named first', async () => {
  const slots = [
    { start: 4, end: 8, label: 'inner' },
    { start: 0, end: 8, label: 'outer' },
    { start: 0, end: 3, label: 'first' },
  ]
  await expectBroken(read([{ text: 'New York', labels: { slots } }]), 'a.jsonl:1', /'first' .* and 'outer' .* overlap/)
  await expectBroken(read([{ text: 'New York', labels: { slots: slots.slice(0, 2) } }]), 'a.jsonl:1', /'outer' .* and 'inner' .* overlap/)
})

describe('Doccano', () => {
  const text = 'Ann Lee called'
  const slots = [{ start: 0, end: 7, label: 'who' }]
  test.each([
    ['entities in label', { id: 1, text, label: [[0, 7, 'who']] }, {}, { slots }],
    ['entities in labels', { id: 1, text, labels: [[0, 7, 'who']] }, {}, { slots }],
    ['its text in data', { id: 1, data: text, label: [[0, 7, 'who']] }, {}, { slots }],
    [
      'its text in data, by a mapping',
      { id: 1, data: text, label: [[0, 7, 'who']] },
      { text: 'data', labels: { slots: 'label' } },
      { slots },
    ],
    [
      'entities with relations',
      { text, entities: [{ id: 4, label: 'who', start_offset: 0, end_offset: 7 }], relations: [], Comments: [] },
      {},
      { slots },
    ],
    ['intent and slots', { text, cats: ['call'], entities: [[0, 7, 'who']] }, {}, { intent: 'call', slots }],
    ['a category', { text, label: ['call'] }, {}, { intent: 'call' }],
    ['a category without its list', { text, label: 'call' }, {}, { intent: 'call' }],
    ['several categories', { text, label: ['call', 'past'] }, { multiLabel: true }, { intent: ['call', 'past'] }],
    ['no entity', { text, label: [] }, {}, { slots: [] }],
    ['no category', { text, label: [] }, { heads: { tokens: false } }, {}],
    ['none of several categories', { text, label: [] }, { heads: { tokens: false }, multiLabel: true }, { intent: [] }],
    [
      'other names of heads',
      { text, cats: ['call'], entities: [[0, 7, 'who']] },
      { heads: { sentence: 'act', tokens: 'ner' } },
      { act: 'call', ner: slots },
    ],
    ['one head only', { text, cats: ['call'], entities: [[0, 7, 'who']] }, { heads: { sentence: false } }, { slots }],
  ] as [string, object, JsonOptions, object][])('%s', async (_, record, options, labels) => {
    expect(await labelsOf(record, options)).toEqual(labels)
  })

  test('its offsets are those of JavaScript', async () => {
    expect(await labelsOf({ text: `${EMOJI} now`, label: [[8, 15, 'who']] })).toEqual({ slots: [{ ...UTF16, label: 'who' }] })
  })

  test.each([
    ['two categories for a head of one', { text, label: ['a', 'b'] }, /label contains 2 categories. Set multiLabel/],
    ['an entity without label', { text, label: [[0, 7]] }, /entity in label\[0\], .*\[start, end, label\], received an array of 2/],
    ['entities and categories mixed', { text, label: [[0, 7, 'x'], 'y'] }, /entity in label\[1\], .*\[start, end, label\], received "y"/],
    ['an entity without its end', { text, entities: [{ start: 1, label: 'x' }] }, /entities\[0\] has no 'end' \(it has: start, label\)/],
    ['a list of numbers', { text, label: [3] }, /in label\[0\], received 3.*only together with `names`/],
    ['no text', { label: [[0, 1, 'x']] }, /a string in text, received undefined/],
  ])('%s: refused', async (_, record, message) => {
    await expectBroken(read([record]), 'a.jsonl:1', message)
  })
})

describe('Prodigy', () => {
  const text = 'Ann Lee called'
  const spans = [{ start: 0, end: 7, token_start: 0, token_end: 1, label: 'who' }]
  const tokens = [{ text: 'Ann', start: 0, end: 3, id: 0, ws: true }]
  const slots = [{ start: 0, end: 7, label: 'who' }]
  test.each([
    ['entities', { text, tokens, spans, answer: 'accept', _input_hash: 1 }, {}, { slots }],
    ['no entity', { text, spans: [], answer: 'accept' }, {}, { slots: [] }],
    ['a category', { text, label: 'call', answer: 'accept' }, {}, { intent: 'call' }],
    ['a chosen category', { text, options: [{ id: 'a' }, { id: 'b' }], accept: ['b'], answer: 'accept' }, {}, { intent: 'b' }],
    ['several chosen', { text, accept: ['a', 'b'], answer: 'accept' }, { multiLabel: true }, { intent: ['a', 'b'] }],
    ['none chosen', { text, accept: [], answer: 'accept' }, {}, {}],
    ['no answer field', { text, spans, _task_hash: 1 }, {}, { slots }],
    [
      'spans with answers of their own',
      {
        text,
        spans: [
          { ...spans[0], answer: 'accept' },
          { start: 8, end: 14, label: 'x', answer: 'reject' },
          { start: 8, end: 9, label: 'y', answer: 'ignore' },
        ],
      },
      {},
      { slots },
    ],
  ] as [string, object, JsonOptions, object][])('%s', async (_, record, options, labels) => {
    expect(await labelsOf(record, options)).toEqual(labels)
  })

  test('what was rejected or ignored is left out, whatever it holds', async () => {
    expect(
      await read([
        { text: 'a', label: 'x', answer: 'reject' },
        { text: 'b', label: 'x', answer: 'accept' },
        { spans: 'odd', answer: 'ignore' },
      ]),
    ).toEqual([{ text: 'b', labels: { intent: 'x' } }])
  })

  test('a mapping leaves out what was rejected too, and counts as Prodigy does', async () => {
    const spans = [{ ...POINTS, label: 'who' }]
    const records = [
      { text: EMOJI, s: spans, answer: 'accept', _task_hash: 1 },
      { text: 'x', s: [], answer: 'reject', _task_hash: 2 },
      { text: 'y', s: [{ start: 0, end: 1, label: 'a', answer: 'reject' }], _view_id: 'ner' },
    ]
    const expected = [{ ner: [{ ...UTF16, label: 'who' }] }, { ner: [] }]
    expect((await read(records, { labels: { ner: 's' } })).map(({ labels }) => labels)).toEqual(expected)
    expect((await read(records, { labels: { how: 'answer' } })).map(({ labels }) => labels)).toEqual([
      { how: 'accept' },
      { how: 'reject' },
      {},
    ])
    // Without its marks, an answer is a field like any other.
    expect(await read([{ text: 'x', answer: 'reject' }], { labels: {} })).toHaveLength(1)
  })

  test('its offsets are those of Python', async () => {
    expect(await labelsOf({ text: `${EMOJI} now`, spans: [{ ...POINTS, label: 'who' }], answer: 'accept' })).toEqual({
      slots: [{ ...UTF16, label: 'who' }],
    })
  })

  test('an answer of another name is refused', async () => {
    await expectBroken(read([{ text, answer: 'maybe' }]), 'a.jsonl:1', /in answer, received "maybe"/)
    await expectBroken(read([{ text, spans: [{ ...spans[0], answer: 'no' }] }]), 'a.jsonl:1', /in spans\[0\].answer, received "no"/)
  })
})

describe('fields by name', () => {
  test('text, words and labels come from the fields that are named', async () => {
    const labels = { mood: 'm', topics: { column: 't', separator: ',' }, level: { column: 'n', names: ['low', 'high'] } }
    expect(
      await read(
        [
          { s: 'one', m: 'good', t: 'a, b,', n: 1 },
          { s: 'two', m: null, n: 0 },
        ],
        { text: 's', labels },
      ),
    ).toEqual([
      { text: 'one', labels: { mood: 'good', topics: ['a', 'b'], level: 'high' } },
      { text: 'two', labels: { level: 'low' } },
    ])
    expect(await read([{ w: 'a b', t: ['O', 'B-x'] }], { words: { column: 'w', separator: ' ' }, labels: { slots: 't' } })).toEqual([
      { text: 'a b', words: ['a', 'b'], labels: { slots: ['O', 'B-x'] } },
    ])
  })

  test('fields of the prototype are not in the record', async () => {
    expect(await labelsOf({ text: 'a' }, { labels: { x: 'constructor' } })).toEqual({})
  })
})

test.each([
  ['a line that is not JSON', '{"text":"a"}\n{"text":\n', 'a.jsonl:2', /not JSON/],
  ['no object', '"hello"\n', 'a.jsonl:1', /Expected an object, received "hello"/],
  ['fields without a known form', '{"text":"a","class":"b"}\n', 'a.jsonl:1', /fields: text, class\).*option labels/],
  ['a label of no kind', '{"text":"a","labels":{"x":0.5}}', 'a.jsonl:1', /a label in labels.x, received 0.5/],
  ['an object for a label', '{"text":"a","labels":{"x":{"y":1}}}', 'a.jsonl:1', /a label in labels.x, received an object \(y\)/],
  ['a JSON array', '[{"text":"a","label":["x"]}]', 'a.jsonl:1', /a JSON array of records.*readJson/],
  ['an empty JSON array', '[]\n', 'a.jsonl:1', /readJson/],
  ['JSON that spans several lines', '\n[\n {"text":"a"}\n]', 'a.jsonl:2', /not JSON.*readJson/],
  ['an empty label', '{"text":"a","labels":{"x":""}}', 'a.jsonl:1', /a label in labels.x, received ""/],
  ['words of no kind', '{"words":["a",1],"labels":{}}', 'a.jsonl:1', /a string in words\[1\], received 1/],
])('%s: refused with file and line', async (_, content, place, message) => {
  await expectBroken(readText(readJsonl, 'a.jsonl', content), place, message)
})

test('what was thrown underneath is the cause of a refusal', async () => {
  const broken = expect.objectContaining({ name: 'SyntaxError' }) as Error
  await expect(readText(readJsonl, 'a.jsonl', '{"text":')).rejects.toMatchObject({ code: 'ERR_DATA', cause: broken })
  const readCells = (file: string | readonly string[]) => readCsv(file, { labels: { x: { column: 'x', json: true } } })
  const cell = readText(readCells, 'a.csv', 'text,x\na,[')
  await expect(cell).rejects.toMatchObject({ code: 'ERR_DATA', cause: broken })
})

test('a form that was chosen holds for every record', async () => {
  await expectBroken(
    read(
      [
        { text: 'a', label: ['b'] },
        { text: 'a', labels: { x: 'y' } },
      ],
      { shape: 'doccano' },
    ),
    'a.jsonl:2',
    /a list in labels/,
  )
  expect(await labelsOf({ text: 'a', label: 'b' }, { shape: 'sentorch' })).toEqual({})
})

test.each([
  ['an unknown key', { head: {} }, /Unknown option 'head'.*'heads'/],
  ['an unknown form', { shape: 'brat' }, /one of 'auto'/],
  ['a form beside fields', { shape: 'doccano', labels: {} }, /'labels' names the fields/],
  ['a text field without labels', { text: 's' }, /Pass 'labels' too/],
  ['one name for both heads', { heads: { sentence: 'x', tokens: 'x' } }, /both 'x'/],
])('%s: the options are refused before any file is opened', (_, options, message) => {
  expect(() => readJsonl('/nowhere', options as any)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringMatching(message) }),
  )
})
