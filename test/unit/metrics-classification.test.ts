import {
  accuracy,
  classificationReport,
  confusionMatrix,
  formatReport,
  multiLabelReport,
  type Averages,
  type LabelScores,
  type Scores,
} from '../../lib/metrics'
import { readGolden } from '../support/golden'
import { randomNumbers } from '../support/random'

/** null stands for NaN. */
type Numbers = [precision: number | null, recall: number | null, f1: number | null]

interface Expected {
  zeroDivision: number | null
  scores: [label: string, precision: number | null, recall: number | null, f1: number | null, support: number][]
  micro: Numbers
  macro: Numbers
  weighted: Numbers
  /** The report that scikit-learn prints with this number of digits. */
  digits: number
  text: string
}

interface Golden {
  sentences: (Expected & {
    name: string
    gold: string
    predicted: string
    labels: string[] | null
    accuracy: number
    confusion: number[][] | null
  })[]
  multiLabel: (Expected & { name: string; gold: string[][]; predicted: string[][]; labels: string[]; exactMatch: number })[]
}

// Made by scripts/make-metrics-golden.py with scikit-learn; every number must be equal to the last digit.
const golden = readGolden<Golden>('metrics')
const number = (value: number | null): number => value ?? NaN
const numbers = ({ precision, recall, f1 }: Scores): number[] => [precision, recall, f1]

function expectScores({ labels, ...averages }: Averages & { labels: LabelScores<string>[] }, expected: Expected): void {
  expect(labels.map((row) => [row.label, ...numbers(row), row.support])).toEqual(
    expected.scores.map(([label, precision, recall, f1, support]) => [label, number(precision), number(recall), number(f1), support]),
  )
  const total = expected.scores.reduce((sum, row) => sum + row[4], 0)
  for (const average of ['micro', 'macro', 'weighted'] as const) {
    expect([average, ...numbers(averages[average])]).toEqual([average, ...expected[average].map(number)])
    expect(averages[average].support).toBe(total)
  }
}

test.each(golden.sentences)('as scikit-learn: $name', ({ gold, predicted, labels, ...expected }) => {
  const [a, b] = [gold.split(' '), predicted.split(' ')]
  const report = classificationReport(a, b, { labels: labels ?? undefined, zeroDivision: number(expected.zeroDivision) })
  expectScores(report, expected)
  expect(report.accuracy).toBe(expected.accuracy)
  expect(accuracy(a, b)).toBe(expected.accuracy)
  // If nothing at all is right, scikit-learn counts the support in floats.
  expect(formatReport(report, { digits: expected.digits })).toBe(expected.text.replace(/(\d+)\.0$/gm, '  $1'))
  if (expected.confusion) {
    const matrix = confusionMatrix(a, b, { labels: labels ?? undefined })
    expect(matrix).toEqual({ labels: report.labels.map((row) => row.label), counts: expected.confusion })
  }
})

test.each(golden.multiLabel)('as scikit-learn, several labels an item: $name', ({ gold, predicted, labels, ...expected }) => {
  const report = multiLabelReport(gold, predicted, { labels, zeroDivision: number(expected.zeroDivision) })
  expectScores(report, expected)
  expect(report.exactMatch).toBe(expected.exactMatch)
  expect(formatReport(report, { digits: expected.digits })).toBe(expected.text)
})

test('a printed report has room for long names, counted in code points', () => {
  const report = classificationReport(['😀'.repeat(14), 'b'], ['b', 'b'])
  expect(formatReport(report, { digits: 3 }).split('\n')).toEqual([
    '                precision    recall  f1-score   support',
    '',
    '             b      0.500     1.000     0.667         1',
    '😀😀😀😀😀😀😀😀😀😀😀😀😀😀      0.000     0.000     0.000         1',
    '',
    '      accuracy                          0.500         2',
    '     macro avg      0.250     0.500     0.333         2',
    '  weighted avg      0.250     0.500     0.333         2',
    '',
  ])
})

test('names, indices and typed arrays give the same', () => {
  const random = randomNumbers(1)
  const gold = Int32Array.from({ length: 50 }, () => Math.floor(random() * 12))
  const predicted = gold.map((label) => (random() < 0.6 ? label : Math.floor(random() * 12)))
  // In one order as numbers (2 before 10) and as names.
  const names = (values: Int32Array): string[] => Array.from(values, (label) => String.fromCharCode(97 + label))
  const { labels, ...rest } = classificationReport(gold, predicted)
  const named = classificationReport(names(gold), names(predicted))
  expect({ ...named, labels: named.labels.map((row) => ({ ...row, label: row.label.charCodeAt(0) - 97 })) }).toEqual({ ...rest, labels })
  expect(labels.map((row) => row.label)).toEqual([...labels.keys()])
  expect(rest.micro.f1).toBeCloseTo(rest.accuracy, 12)
})

test('without labels to count, a multi-label report has those that occur', () => {
  const report = multiLabelReport([['b', 'a'], [], ['a', 'a']], [['a', 'b'], ['c'], ['a']])
  expect(report.labels).toEqual([
    { label: 'a', precision: 1, recall: 1, f1: 1, support: 2 },
    { label: 'b', precision: 1, recall: 1, f1: 1, support: 1 },
    { label: 'c', precision: 0, recall: 0, f1: 0, support: 0 },
  ])
  // Neither order nor a label written twice makes a set another one.
  expect(report.exactMatch).toBe(2 / 3)
})

test.each<[string, () => unknown, string]>([
  ['nothing', () => accuracy([], []), 'at least one item in gold'],
  ['no array', () => accuracy(undefined as never, ['a']), 'an array for gold, received undefined'],
  ['lengths', () => classificationReport(['a', 'b'], ['a']), 'Expected as many items in predicted as in gold (2), received 1'],
  ['no labels', () => classificationReport(['a'], ['a'], { labels: [] }), 'at least one label'],
  ['a label twice', () => confusionMatrix(['a'], ['a'], { labels: ['b', 'a', 'b'] }), 'Label "b" occurs twice'],
  ['zero division', () => multiLabelReport([['a']], [['a']], { zeroDivision: 2 }), 'one of 0, 1, NaN for zeroDivision, received 2'],
  ['digits', () => formatReport(classificationReport(['a'], ['a']), { digits: -1 }), 'an integer in 0..20 for digits, received -1'],
  ['option', () => confusionMatrix(['a'], ['a'], { label: [] } as object), "Did you mean 'labels'?"],
])('refused: %s', (_, call, message) => {
  expect(call).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(message) }))
})
