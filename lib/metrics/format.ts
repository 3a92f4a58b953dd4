import { reading } from '../base/arguments'
import { integerIn } from '../base/check'
import type { Label } from './classification'
import { averagesOver, checkOptions, type Averages, type LabelScores, type Scores } from './scores'

export interface FormatOptions {
  /** Number of decimals, 0..20. Defaults to 2, as in scikit-learn and seqeval. */
  digits?: number
}

type Measures = Omit<Scores, 'support'>

/** A report of one label per item, or the metrics of a head that chooses one label. */
interface SingleLabelText {
  labels: readonly LabelScores<Label>[]
  accuracy: number
  /** False: some items have a label that is not reported, so the micro average differs from the accuracy. */
  isComplete?: boolean
  micro?: Measures
}

/** A report of several labels per item, or the metrics of a head that decides each label. */
interface MultiLabelText {
  labels: readonly LabelScores<Label>[]
  micro: Measures
  samples: Measures
}

/** A report of entities, or the metrics of a token-classification head. */
type EntityText = { types: readonly LabelScores<string>[] } & ({ micro: Measures } | Measures)

/** What `formatReport` prints: `classificationReport`, `multiLabelReport`, `entityReport`, and the metrics of a head in an evaluation. */
export type PrintableReport = (SingleLabelText | MultiLabelText | EntityText) & Partial<Pick<Averages, 'macro' | 'weighted'>>

/**
 * The report as a table in plain text, character for character as `classification_report` of scikit-learn 1.9 prints it, or that of seqeval
 * 1.2.2 for entities. Ends with a line break. Throws `ERR_INVALID_ARGUMENT` for invalid options.
 */
export function formatReport(report: PrintableReport, options: FormatOptions = {}): string {
  return reading('The arguments of formatReport', () => {
    const { digits = 2 } = checkOptions('formatReport', options, ['digits'])
    integerIn('digits', digits, 0, 20)
    const scores: readonly LabelScores<Label>[] = 'types' in report ? report.types : report.labels
    const names = scores.map(({ label }) => String(label))
    const width = Math.max(...names.map(lengthOf), lengthOf('weighted avg'), digits)
    const line = (name: string, cells: readonly string[]) => padded(name, width) + ' ' + cells.map((cell) => ' ' + padded(cell, 9)).join('')
    const row = (name: string, { precision, recall, f1 }: Measures, support: number) =>
      line(name, [...[precision, recall, f1].map((value) => decimal(value, digits)), String(support)])

    const { macro, weighted } = { ...averagesOver(scores), ...report }
    const { support } = macro
    const total = overall(report) ?? line('accuracy', ['', '', decimal((report as SingleLabelText).accuracy, digits), String(support)])
    return [
      line('', ['precision', 'recall', 'f1-score', 'support']),
      '',
      ...scores.map((score, i) => row(names[i]!, score, score.support)),
      '',
      typeof total === 'string' ? total : row('micro avg', total, support),
      row('macro avg', macro, support),
      row('weighted avg', weighted, support),
      ...('samples' in report ? [row('samples avg', report.samples, support)] : []),
      '',
    ].join('\n')
  })
}

/** The micro average; undefined if the accuracy is printed in its place. */
function overall(report: PrintableReport): Measures | undefined {
  if ('types' in report) return 'micro' in report ? report.micro : report
  if ('samples' in report || report.isComplete === false) return report.micro
  return undefined
}

function padded(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - lengthOf(text))) + text
}

/** In code points, as Python counts. */
function lengthOf(text: string): number {
  return [...text].length
}

/** As Python's `format`, which rounds an exact half to the even digit; `toFixed` rounds it up. */
function decimal(value: number, digits: number): string {
  if (Number.isNaN(value)) return 'nan'
  const rounded = value.toFixed(digits)
  // A half of the last digit is exact only if nothing follows it in the full expansion.
  const isHalf = /^50*$/.test(value.toFixed(100).split('.')[1]!.slice(digits))
  const isOdd = /[13579]$/.test(rounded)
  return isHalf && isOdd ? below(value, digits) : rounded
}

/** `value` without what follows its first `digits` decimals. */
function below(value: number, digits: number): string {
  const [whole, fraction] = value.toFixed(100).split('.') as [string, string]
  return digits === 0 ? whole : `${whole}.${fraction.slice(0, digits)}`
}
