import type { Span } from '../../lib/data/example'
import { type JsonOptions, type OffsetUnit, readJson, readJsonl, readRasa } from '../../lib'
import { placesOf } from '../../lib/data/readers/offsets'
import { expectBroken, readText } from '../support/readers'

/** A family of four joined by ZWJ, a combining mark, CR LF, an umlaut: every unit counts them differently. */
const TEXT = '👩‍👩‍👧‍👦 e\u0301\r\nZoë Lee'
const WORD = 'Zoë Lee'
const PLACES: Record<OffsetUnit, [start: number, end: number]> = {
  utf16: [16, 23],
  codePoint: [12, 19],
  grapheme: [4, 11],
  byte: [31, 39],
}
const UNITS = Object.keys(PLACES) as OffsetUnit[]
const SLOTS: Span[] = [{ start: 16, end: 23, label: 'who' }]

test('the places of the test are what other counts say', () => {
  expect(TEXT.indexOf(WORD)).toBe(PLACES.utf16[0])
  expect([...TEXT.slice(0, 16)]).toHaveLength(PLACES.codePoint[0])
  expect(Buffer.byteLength(TEXT.slice(0, 16))).toBe(PLACES.byte[0])
  expect([...new Intl.Segmenter().segment(TEXT.slice(0, 16))]).toHaveLength(PLACES.grapheme[0])
})

type Make = (start: number, end: number, text: string) => unknown
type Reading = [name: string, unit: OffsetUnit, make: Make, options?: JsonOptions]
const SHAPES: Reading[] = [
  ['our own', 'utf16', (start, end, text) => ({ text, labels: { slots: [{ start, end, label: 'who' }] } })],
  ['Doccano', 'utf16', (start, end, text) => ({ text, label: [[start, end, 'who']] })],
  ['Doccano with relations', 'utf16', (start, end, text) => ({ text, entities: [{ start_offset: start, end_offset: end, label: 'who' }] })],
  ['Prodigy', 'codePoint', (start, end, text) => ({ text, spans: [{ start, end, label: 'who' }], answer: 'accept' })],
  [
    'Label Studio',
    'codePoint',
    (start, end, text) => ({
      data: { text },
      annotations: [{ result: [{ from_name: 'l', type: 'labels', value: { start, end, labels: ['who'] } }] }],
    }),
  ],
  ['Label Studio, JSON_MIN', 'codePoint', (start, end, text) => ({ text, l: [{ start, end, labels: ['who'] }], annotation_id: 1 })],
  ['spaCy', 'codePoint', (start, end, text) => [text, { entities: [[start, end, 'who']] }]],
  ['a mapping, { start, end, label }', 'utf16', (start, end, t) => ({ t, e: [{ start, end, label: 'who' }] }), MAPPED()],
  ['a mapping, [start, end, label]', 'utf16', (start, end, t) => ({ t, e: [[start, end, 'who']] }), MAPPED()],
  ['a mapping, Label Studio’s notation', 'codePoint', (start, end, t) => ({ t, e: [{ start, end, labels: ['who'] }] }), MAPPED()],
  ['a mapping, spaCy’s notation', 'codePoint', (start, end, t) => ({ t, e: { entities: [[start, end, 'who']] } }), MAPPED()],
  [
    'a mapping, other fields',
    'utf16',
    (begin, to, t) => ({ t, e: [{ begin, to, type: 'who' }] }),
    MAPPED({ start: 'begin', end: 'to', label: 'type' }),
  ],
]
function MAPPED(fields?: object): JsonOptions {
  return { text: 't', labels: { slots: fields ? { column: 'e', fields } : 'e' } }
}

describe.each(SHAPES)('%s', (_, unit, make, options = {}) => {
  const read = (start: number, end: number, more: JsonOptions = {}, text = TEXT) =>
    readText(readJsonl, 'a.jsonl', `${JSON.stringify(make(0, 1, 'fine'))}\n${JSON.stringify(make(start, end, text))}\n`, {
      ...options,
      ...more,
    })

  test(`counts ${unit} by default`, async () => {
    expect((await read(...PLACES[unit]))[1]).toEqual({ text: TEXT, labels: { slots: SLOTS } })
  })

  test.each(UNITS)('counts %s where the option says so', async (offsets) => {
    expect((await read(...PLACES[offsets], { offsets }))[1]).toEqual({ text: TEXT, labels: { slots: SLOTS } })
  })

  test('the whole text, whatever the unit; one more is refused with file and line', async () => {
    for (const offsets of UNITS) {
      const { length } = placesOf(TEXT, offsets)
      expect((await read(0, length, { offsets }))[1]!.labels.slots).toEqual([{ start: 0, end: TEXT.length, label: 'who' }])
      await expectBroken(read(0, length + 1, { offsets }), 'a.jsonl:2', /lies outside its text, which has \d+ (UTF-16|code|graph|UTF-8)/)
    }
  })

  test('offsets inside a character are refused, with the units that fit', async () => {
    await expectBroken(
      read(0, 1, { offsets: 'utf16' }),
      'a.jsonl:2',
      /\(0–1\) begins or ends inside a character.* 'codePoint' or 'grapheme' /,
    )
    await expectBroken(read(0, 3, { offsets: 'byte' }), 'a.jsonl:2', /begins or ends inside a character, counted in UTF-8 bytes/)
    await expectBroken(read(1, 99, { offsets: 'byte' }), 'a.jsonl:2', /lies outside[^.]*\.$/)
  })

  test('empty and backward ones are refused', async () => {
    await expectBroken(read(3, 3), 'a.jsonl:2', /'who' \(3–3\) is empty/)
    await expectBroken(read(3, 2), 'a.jsonl:2', /'who' \(3–2\) ends before it starts/)
  })

  test.each([-1, 0.5, '1', null, true])('%p is not an offset', async (start) => {
    await expectBroken(read(start as number, 2), 'a.jsonl:2', /an offset in .*, received/)
  })
})

describe('entities with their text', () => {
  const read = (span: object, options?: JsonOptions) =>
    readText(
      readJson,
      'a.json',
      JSON.stringify([{ text: 'fine' }, { text: TEXT, labels: { slots: [{ ...span, label: 'who' }] } }], undefined, 1),
      options,
    )

  test('another text is refused, with the unit in which it would be right', async () => {
    const [start, end] = PLACES.codePoint
    await expectBroken(
      read({ start, end, text: WORD }),
      'a.json:5',
      /is "\S.*" in UTF-16 units, but its text is given as "Zoë Lee"\. Set offsets: 'codePoint' if/s,
    )
    expect((await read({ start, end, text: WORD }, { offsets: 'codePoint' }))[1]!.labels.slots).toEqual(SLOTS)
    await expectBroken(read({ start: 16, end: 23, text: 'Zoe Lee' }), 'a.json:5', /given as "Zoe Lee"\.$/)
  })

  test.each(['e\u0301\r\nZoë', 'e\u0301\\r\\nZoë', 'e\u0301 Zoë', ' e\u0301\nZoë '])(
    'white space may be written in another way: %j',
    async (text) => {
      expect((await read({ start: 12, end: 19, text }))[1]!.labels.slots).toEqual([{ start: 12, end: 19, label: 'who' }])
    },
  )
})

describe('Rasa', () => {
  const read = (entities: object[], offsets?: OffsetUnit) =>
    readText(readRasa, 'a.json', JSON.stringify({ rasa_nlu_data: { common_examples: [{ text: TEXT, entities }] } }), offsets && { offsets })

  test.each(UNITS)('counts %s where the option says so, whatever the value', async (unit) => {
    const [start, end] = PLACES[unit]
    expect((await read([{ start, end, value: 'a synonym', entity: 'who' }], unit))[0]!.labels.slots).toEqual(SLOTS)
  })

  test('offsets outside of the text are refused', async () => {
    await expectBroken(read([{ start: 0, end: 99, entity: 'who' }]), 'a.json:1', /lies outside its text, which has 19 code points/)
  })
})

describe('units', () => {
  // A reference that knows nothing of the tables: what lies before each boundary, counted anew.
  const COUNTS: Record<OffsetUnit, (text: string) => number> = {
    utf16: (text) => text.length,
    codePoint: (text) => Array.from(text).length,
    grapheme: (text) => Array.from(new Intl.Segmenter('en').segment(text)).length,
    byte: (text) => Buffer.byteLength(text),
  }
  const TEXTS = ['', 'plain', 'a\r\nb', '\r\n', TEXT, 'ß→😀', '\ud800x', 'नमस्ते', '🇳🇴🇸🇪']

  test.each(UNITS)('%s: every boundary of graphemes is found again, and what is between is none of the unit', (unit) => {
    for (const text of TEXTS) {
      const places = placesOf(text, unit)
      const ends = [...new Intl.Segmenter('en').segment(text)].map(({ index }) => index).concat(text.length)
      for (const end of ends) expect(places.at(COUNTS[unit](text.slice(0, end)))).toBe(end)
      expect(places.length).toBe(COUNTS[unit](text))
      expect(places.at(places.length + 1)).toBeUndefined()
    }
  })
})

test('other names of units are refused before any file is opened', () => {
  for (const read of [readJsonl, readJson, readRasa]) {
    expect(() => read('/nowhere', { offsets: 'code-points' as OffsetUnit })).toThrow(/one of 'utf16', 'codePoint', 'grapheme', 'byte'/)
  }
})
