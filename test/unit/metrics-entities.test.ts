import { entitiesOf, type Scheme } from '../../lib/tags/schemes'
import { entityReport, formatReport, frameAccuracy, type EntityReport, type Scores } from '../../lib/metrics'
import { readGolden } from '../support/golden'

type Row = [label: string, start: number, end: number]
type Numbers = [precision: number, recall: number, f1: number, support: number]

interface Golden {
  sequences: { scheme?: Scheme; tags: string; strict?: Row[]; lenient: Row[] }[]
  reports: {
    gold: string[]
    predicted: string[]
    scheme?: Scheme
    zeroDivision: 0 | 1
    types: [string, ...Numbers][]
    micro: Numbers
    macro: Numbers
    weighted: Numbers
    /** The report that seqeval prints with this number of digits. */
    digits: number
    text: string
  }[]
}

// Made by scripts/make-metrics-golden.py with seqeval; every number must be equal to the last digit.
const golden = readGolden<Golden>('metrics-entities')
const words = (line: string): string[] => line.split(' ')
const read = (tags: string, scheme?: Scheme): Row[] => entitiesOf(words(tags), scheme).map(({ label, start, end }) => [label, start, end])
const numbers = ({ precision, recall, f1, support }: Scores): Numbers => [precision, recall, f1, support]

test('lenient entities are those of get_entities, also of tags that are none', () => {
  for (const { tags, lenient } of golden.sequences) expect([tags, ...read(tags)]).toEqual([tags, ...lenient])
})

test.each(['IOB2', 'IOB1', 'IOE1', 'IOE2', 'IOBES', 'BILOU'] as const)('strict entities of %s are those of seqeval.scheme', (scheme) => {
  const cases = golden.sequences.filter((row) => row.scheme === scheme)
  expect(cases.length).toBeGreaterThanOrEqual(40)
  for (const { tags, strict } of cases) expect([tags, ...read(tags, scheme)]).toEqual([tags, ...strict!])
})

test('reports are those of seqeval, per type and averaged, lenient and strict', () => {
  for (const { gold, predicted, scheme, zeroDivision, digits, text, ...expected } of golden.reports) {
    const report = entityReport(gold.map(words), predicted.map(words), { scheme, zeroDivision })
    const { types, micro, macro, weighted } = report
    expect(formatReport(report, { digits })).toBe(text)
    expect({
      types: types.map((row) => [row.label, ...numbers(row)]),
      micro: numbers(micro),
      macro: numbers(macro),
      weighted: numbers(weighted),
    }).toEqual(expected)
  }
})

test.each([0, 1] as const)('without any entity everything is zeroDivision: %p', (zeroDivision) => {
  const all = { precision: zeroDivision, recall: zeroDivision, support: 0 }
  const report = entityReport([['O', 'O']], [['O', 'O']], { zeroDivision })
  const expected: EntityReport = {
    types: [],
    // seqeval's F1 goes through precision and recall.
    micro: { ...all, f1: zeroDivision },
    macro: { ...all, f1: zeroDivision },
    weighted: { ...all, f1: zeroDivision },
  }
  expect(report).toEqual(expected)
})

test('no entity crosses the end of a sentence', () => {
  const report = entityReport([['B-x'], ['I-x']], [['B-x'], ['I-x']])
  expect(report.micro).toEqual({ precision: 1, recall: 1, f1: 1, support: 2 })
})

test('BILOU read leniently loses units, strictly not', () => {
  const tags = [['U-x', 'U-x', 'O']]
  expect(entityReport(tags, tags).micro.support).toBe(1)
  expect(entityReport(tags, tags, { scheme: 'BILOU' }).micro.support).toBe(2)
})

test.each<[string, () => unknown, string]>([
  ['sentences', () => entityReport([['O'], ['O']], [['O']]), 'Expected as many items in predicted tags as in gold tags (2), received 1'],
  ['words', () => entityReport([['O'], ['O', 'O']], [['O'], ['O']]), 'Expected 2 predicted tags for sentence 1, received 1'],
  ['no sentence', () => entityReport([], []), 'at least one item in gold tags'],
  ['scheme', () => entityReport([['O']], [['O']], { scheme: 'BIO' as Scheme }), "one of 'IOB2'"],
  [
    'foreign tag',
    () => entityReport([['S-x']], [['O']], { scheme: 'IOB2' }),
    '"S-x" is not a valid IOB2 tag. The prefixes of IOB2 are I, O, B',
  ],
  ['empty tag', () => entityReport([['']], [['O']]), 'Expected a tag, received an empty string'],
  ['zero division', () => entityReport([['O']], [['O']], { zeroDivision: NaN as 0 }), 'one of 0, 1 for zeroDivision'],
  ['option', () => entityReport([['O']], [['O']], { schema: 'IOB2' } as object), "Did you mean 'scheme'?"],
  ['frames', () => frameAccuracy(['a'], ['a', 'b'], [['O']], [['O']]), 'predicted labels as in gold labels (1), received 2'],
  ['frames of tags', () => frameAccuracy(['a'], ['a'], [], []), 'gold tags as in gold labels (1), received 0'],
])('refused: %s', (_, call, message) => {
  expect(call).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(message) }))
})

test('a frame is right with its label and all its tags', () => {
  const gold = [['B-x', 'O'], ['O'], ['B-y', 'I-y'], []]
  const tags = [['B-x', 'O'], ['O'], ['B-y', 'O'], []]
  expect(frameAccuracy(['a', 'b', 'c', 'd'], ['a', 'c', 'c', 'd'], gold, tags)).toBe(0.5)
  expect(frameAccuracy([0, 1, 2, 3], Int32Array.of(0, 1, 2, 3), gold, tags)).toBe(0.75)
})
