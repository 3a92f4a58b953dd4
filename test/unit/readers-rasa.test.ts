import type { Span } from '../../lib/data/example'
import { readRasa, type RasaOptions } from '../../lib'
import { expectBroken, readText } from '../support/readers'

const json = (examples: unknown[], options?: RasaOptions) =>
  readText(readRasa, 'a.json', JSON.stringify({ rasa_nlu_data: { common_examples: examples } }, undefined, 1), options)
const yaml = (text: string, options?: RasaOptions) => readText(readRasa, 'nlu.yml', text, options)

describe('JSON', () => {
  test('intents and entities by their offsets, the end exclusive', async () => {
    const examples = [
      { text: 'light in the bedroom', intent: 'light', entities: [{ start: 13, end: 20, value: 'bedroom', entity: 'place' }] },
      { text: 'no entity', intent: 'none', entities: [] },
      { text: 'it does not say', intent: '' },
    ]
    expect(await json(examples)).toEqual([
      { text: 'light in the bedroom', labels: { intent: 'light', slots: [{ start: 13, end: 20, label: 'place' }] } },
      { text: 'no entity', labels: { intent: 'none', slots: [] } },
      { text: 'it does not say', labels: {} },
    ])
    expect((await json(examples, { heads: { sentence: false, tokens: 'ner' } }))[0]!.labels).toEqual({
      ner: [{ start: 13, end: 20, label: 'place' }],
    })
  })

  test('the lists of old files are read too; synonyms, lookup tables and regular expressions are not', async () => {
    const data = {
      common_examples: [{ text: 'a' }],
      intent_examples: [{ text: 'b', intent: 'x' }],
      entity_examples: [{ text: 'c' }],
      entity_synonyms: [{ value: 'x', synonyms: ['y'] }],
      regex_features: [{ name: 'zip', pattern: '[0-9]{5}' }],
      lookup_tables: [{ name: 'plates', elements: ['beans'] }],
    }
    const examples = await readText(readRasa, 'a.json', JSON.stringify({ rasa_nlu_data: data }))
    expect(examples.map(({ text }) => text)).toEqual(['a', 'b', 'c'])
  })

  test('entities may touch, but not overlap', async () => {
    const entities = (start: number) => [
      { start, end: 7, value: 'york', entity: 'b' },
      { start: 0, end: 3, value: 'new', entity: 'a' },
    ]
    expect((await json([{ text: 'newyork', entities: entities(3) }]))[0]!.labels.slots).toEqual([
      { start: 0, end: 3, label: 'a' },
      { start: 3, end: 7, label: 'b' },
    ])
    await expectBroken(
      json([{ text: 'fine' }, { text: 'newyork', entities: entities(2) }]),
      'a.json:7',
      /'a' "new" \(0–3\) and 'b' "wyork" \(2–7\) overlap/,
    )
  })
})

describe('offsets', () => {
  const text = '😀 call Ann Lee now'
  const at = (start: number, value = 'Ann Lee') => ({ text, entities: [{ start, end: start + 7, value, entity: 'who' }] })
  const starts = async (examples: unknown[], options?: RasaOptions) =>
    (await json(examples, options)).map(({ labels }) => (labels.slots as Span[])[0]!.start)

  test.each([
    ['code points, as Rasa writes them', [at(7)], undefined, [8]],
    ['UTF-16 units, seen by the value', [at(8)], undefined, [8]],
    ['both in one file, each seen by its value', [at(7), at(8)], undefined, [8, 8]],
    ['a synonym for a value, beside values that speak for UTF-16', [at(8, 'Ms Lee'), at(8)], undefined, [8, 8]],
    ['a synonym for a value, beside values that speak for code points', [at(7, 'Ms Lee'), at(7)], undefined, [8, 8]],
    [
      'a synonym that only UTF-16 leaves room for',
      [{ text: '😀 Ann', entities: [{ start: 3, end: 6, value: 'x', entity: 'who' }] }],
      undefined,
      [3],
    ],
    [
      'a synonym that would cut a character in UTF-16',
      [{ text: '😀 Ann', entities: [{ start: 0, end: 1, value: 'x', entity: 'who' }] }, at(8), at(8)],
      undefined,
      [0, 8, 8],
    ],
    ['nothing but synonyms: code points', [at(7, 'Ms Lee')], undefined, [8]],
    ['UTF-16 as the option says, whatever the value', [at(7)], { offsets: 'utf16' }, [7]],
    ['code points as the option says, whatever the value', [at(8)], { offsets: 'codePoint' }, [9]],
  ] as [string, unknown[], RasaOptions | undefined, number[]][])('%s', async (_, examples, options, expected) => {
    expect(await starts(examples, options)).toEqual(expected)
  })

  test('a combining mark is a code point of its own', async () => {
    expect(await starts([{ text: 'e\u0301 Ann Lee', entities: [{ start: 3, end: 10, value: 'Ann Lee', entity: 'who' }] }])).toEqual([3])
  })
})

const NLU = `version: "3.1"
nlu:
- intent: greet
  examples: |
    - hey
    - hello [Ann Lee](who)!   # no comment here

    -   [new]{"entity": "a", "role": "x"}[york](b:NYC) [nothing] (c)
- synonym: NYC
  examples: |
    - new york
- lookup: city
  examples: |
    - Oslo
- regex: zip
  examples: |
    - \\d{5}
- intent: faq/name
  examples:
    - text: |
        who are [you][{"entity": "who"}]
      metadata: { sentiment: neutral }
    - what are "you"
stories:
- story: none
`

describe('YAML', () => {
  test('markup becomes entities; synonyms, lookup tables and regular expressions are left out', async () => {
    expect(await yaml(NLU)).toEqual([
      { text: 'hey', labels: { intent: 'greet', slots: [] } },
      { text: 'hello Ann Lee!   # no comment here', labels: { intent: 'greet', slots: [{ start: 6, end: 13, label: 'who' }] } },
      {
        text: 'newyork [nothing] (c)',
        labels: {
          intent: 'greet',
          slots: [
            { start: 0, end: 3, label: 'a' },
            { start: 3, end: 7, label: 'b' },
          ],
        },
      },
      { text: 'who are you', labels: { intent: 'faq/name', slots: [{ start: 8, end: 11, label: 'who' }] } },
      { text: 'what are "you"', labels: { intent: 'faq/name', slots: [] } },
    ])
  })

  test('names of entities may hold spaces and any signs but a colon and a bracket, texts any but a bracket', async () => {
    const line = `- go [to Oslo, now!](place of  arrival ), [(42)]( room/number:42 ) [no entity]`
    expect(await yaml(`nlu:\n- intent: x\n  examples: |\n    ${line}\n`)).toEqual([
      {
        text: 'go to Oslo, now!, (42) [no entity]',
        labels: {
          intent: 'x',
          slots: [
            { start: 3, end: 16, label: 'place of  arrival' },
            { start: 18, end: 22, label: 'room/number' },
          ],
        },
      },
    ])
  })

  test('entities after an emoji have UTF-16 offsets', async () => {
    const [example] = await yaml('nlu:\n- intent: x\n  examples: |\n    - 😀 [Ann](who)\n')
    const [span] = example!.labels.slots as Span[]
    expect(example!.text.slice(span!.start, span!.end)).toBe('Ann')
  })

  test('heads may be named or left out', async () => {
    expect((await yaml(NLU, { heads: { sentence: 'act', tokens: false } }))[0]!.labels).toEqual({ act: 'greet' })
  })
})

const entry = (example: string) => `nlu:\n- intent: x\n  examples: |\n    - fine\n\n    ${example}\n`
test.each([
  [
    'two entities on one text',
    entry('- [a][{"entity": "b"}, {"entity": "c"}]'),
    'nlu.yml:6',
    /'b' "a" \(0–1\) and 'c' "a" \(0–1\) overlap/,
  ],
  ['an entity that is not JSON', entry('- [a]{"entity": b}'), 'nlu.yml:6', /not JSON/],
  ['an entity without name', entry('- [a]{"value": "b"}'), 'nlu.yml:6', /a label in entity of/],
  ['a line without dash', entry('hello'), 'nlu.yml:6', /a dash before the example/],
  ['YAML that is broken', 'nlu:\n- intent: x\n  examples: [a\n', 'nlu.yml:4', /not YAML/],
  ['a key that comes twice', 'nlu:\n- intent: x\n  intent: y\n', 'nlu.yml:3', /not YAML.*unique/],
  ['two documents', 'nlu: []\n---\nnlu: []\n', 'nlu.yml:2', /several documents/],
  ['no nlu', 'stories:\n- story: x\n', 'nlu.yml:1', /under 'nlu'/],
  ['an empty file', '', 'nlu.yml:1', /under 'nlu'/],
  ['an entry of no kind', 'nlu:\n- examples: |\n    - a\n', 'nlu.yml:2', /'intent', or one of synonym, lookup, regex/],
  ['an intent that is no name', 'nlu:\n- intent: 3\n  examples: |\n    - a\n', 'nlu.yml:2', /'intent'/],
  ['an intent without examples', 'nlu:\n- intent: a\n', 'nlu.yml:2', /'examples: \|'/],
  ['an example of no kind', 'nlu:\n- intent: a\n  examples:\n  - b\n  - 3\n', 'nlu.yml:5', /a text/],
])('%s: refused with file and line', async (_, content, place, message) => {
  await expectBroken(yaml(content), place, message)
})

test.each(['- ', '[', '{', '? ', 'a: ', '[{', '- [\n'])('%j again and again is refused, whatever the stack holds', async (part) => {
  const reading = yaml(`nlu:\n${part.repeat(10_000)}`)
  await expect(reading).rejects.toMatchObject({
    code: 'ERR_DATA',
    message: expect.stringMatching(/nlu\.yml:\d+: .*(not YAML|levels of nesting)/),
  })
})

test.each([
  ['no Rasa data', '{\n"rasa": {}}', 'a.json:1', /rasa_nlu_data/],
  ['no list', '{"rasa_nlu_data": {\n"common_examples": {}}}', 'a.json:2', /a list in common_examples/],
  ['no text', '{"rasa_nlu_data": {"common_examples": [\n{"intent": "a"}]}}', 'a.json:2', /a string in text/],
  [
    'an entity without name',
    '{"rasa_nlu_data": {"common_examples": [\n{"text": "a", "entities": [{"start": 0, "end": 1}]}]}}',
    'a.json:2',
    /entities\[0\].entity/,
  ],
])('%s: refused with file and line', async (_, content, place, message) => {
  await expectBroken(readText(readRasa, 'a.json', content), place, message)
})

test('files are in memory as a whole, so their size is bounded', async () => {
  const data = JSON.stringify({ rasa_nlu_data: { common_examples: [] } })
  expect(await readText(readRasa, 'a.json', data, { maxBytes: data.length })).toEqual([])
  await expectBroken(
    readText(readRasa, 'a.json', data, { maxBytes: data.length - 1 }),
    'a.json',
    /\(maxBytes\).*Split it into several files/,
  )
  await expectBroken(yaml(NLU, { maxBytes: 20 }), 'nlu.yml', /the limit is 20 \(maxBytes\)/)
  await expectBroken(yaml(' '.repeat(2 ** 24 + 1)), 'nlu.yml', /the limit is 16777216/)
})

test('files of another name are refused, with what to do', async () => {
  await expectBroken(readText(readRasa, 'nlu.md', '## intent:greet\n- hey\n'), 'nlu.md', /rasa data convert/)
})
