import type { Calibration } from '../../metrics'
import type { Charts } from '../charts'
import { clip, markup, number, percent, quoted, scrollable, table, type Content, type Html } from '../html'
import type { DecisionCount, HeadDetails, RunRecord } from '../record'
import { mistakesOf } from './mistakes'

/** Labels up to which the whole confusion matrix is shown; above, the pairs that are confused most often. */
const MATRIX_LABELS = 20
const PAIRS = 40
/** Rows of a table of labels; more are left out, those with the most examples being kept. */
const LABEL_ROWS = 200
/** Longer tables are closed until somebody opens them. */
const OPEN_ROWS = 40

/** One section per head: scores per label or entity, confusions, calibration and the worst mistakes. */
export function headSections(record: RunRecord, charts: Charts): { id: string; title: Content; body: Html }[] {
  const at = record.evaluations.find(({ step }) => step === record.detailsStep)
  return record.details.map((details, i) => ({
    id: `head-${i}`,
    title: markup`Head <bdi>${clip(details.head, 80)}</bdi>`,
    body: markup`${[
      markup`<p>${number(details.wrong)} of ${number(details.examples)} evaluated examples have a mistake (after step ${number(record.detailsStep)}).</p>`,
      scoreTable(at?.evaluation.metrics[details.head]),
      confusions(details),
      calibration(details, charts),
      mistakesOf(details),
    ]}`,
  }))
}

interface LabelRow {
  label: string
  precision: number
  recall: number
  f1: number
  support: number
}

/** Precision, recall and F1 per label, or per type of entity. */
function scoreTable(metrics: object | undefined): Html | undefined {
  const { labels, types } = (metrics ?? {}) as { labels?: LabelRow[]; types?: LabelRow[] }
  const all = types ?? labels
  if (!all) return undefined
  const kept = [...all].sort((a, b) => b.support - a.support).slice(0, LABEL_ROWS)
  const rows = kept.map(({ label, precision, recall, f1, support }) => [
    quoted(label, 60),
    percent(precision),
    percent(recall),
    percent(f1),
    number(support),
  ])
  const [what, one] = types ? ['Entities', 'entity'] : ['Labels', 'label']
  const caption =
    kept.length < all.length ? `Scores of the ${kept.length} of ${all.length} with the most examples` : `Scores of each ${one}`
  const scores = table({ caption, columns: [one, 'precision', 'recall', 'F1', 'support'], rows })
  return markup`<h3>${what}</h3>${rows.length > OPEN_ROWS ? markup`<details><summary>${caption}</summary>${scores}</details>` : scores}`
}

function confusions(details: HeadDetails): Html {
  const { unit, counts } = details
  const title = markup`<h3>Confusions</h3>`
  if (unit === 'label') return markup`${title}${decisionTable(counts)}`
  const labels = [...new Set(counts.flatMap(({ gold, predicted }) => [gold, predicted]))].sort()
  return markup`${title}${labels.length <= MATRIX_LABELS ? matrix(labels, counts, unit) : topPairs(counts, labels.length, unit)}`
}

/** The whole matrix. The shade of a cell is its share of the row. */
function matrix(labels: readonly string[], counts: readonly DecisionCount[], unit: string): Html {
  const count = new Map(counts.map((each) => [JSON.stringify([each.gold, each.predicted]), each.count]))
  const rows = labels.map((gold) => {
    const row = labels.map((predicted) => count.get(JSON.stringify([gold, predicted])) ?? 0)
    const total = row.reduce((sum, n) => sum + n, 0)
    const cells = row.map(
      (n, i) =>
        markup`<td style="--share: ${total === 0 ? 0 : (n / total).toFixed(3)}"${labels[i] === gold ? markup` class="right"` : undefined}>${n === 0 ? '·' : number(n)}</td>`,
    )
    return markup`<tr><th scope="row">${quoted(gold, 40)}</th>${cells}</tr>`
  })
  const caption = `Confusion matrix: ${unit}s with the label of the row that were given the label of the column. Correct ones are outlined.`
  const head = labels.map((label) => markup`<th scope="col">${quoted(label, 24)}</th>`)
  return scrollable(
    'Confusion matrix',
    markup`<table class="matrix"><caption><span>${caption}</span></caption><thead><tr><td>gold \\ predicted</td>${head}</tr></thead><tbody>${rows}</tbody></table>`,
  )
}

function topPairs(counts: readonly DecisionCount[], labels: number, unit: string): Html {
  const totals = new Map<string, number>()
  for (const { gold, count } of counts) totals.set(gold, (totals.get(gold) ?? 0) + count)
  const wrong = counts.filter(({ gold, predicted }) => gold !== predicted).sort((a, b) => b.count - a.count)
  if (wrong.length === 0) return markup`<p>None of the ${number(labels)} labels was confused with another.</p>`
  const rows = wrong
    .slice(0, PAIRS)
    .map(({ gold, predicted, count }) => [quoted(gold, 60), quoted(predicted, 60), number(count), percent(count / totals.get(gold)!)])
  const caption = `The ${rows.length} most frequent of ${number(wrong.length)} confusions among ${number(labels)} labels`
  return table({ caption, columns: ['gold', 'predicted instead', `${unit}s`, 'share of the gold label'], rows, numbersFrom: 2 })
}

/** For independent labels: the four counts of each. */
function decisionTable(counts: readonly DecisionCount[]): Html {
  const byLabel = new Map<string, { applied: number; missed: number; extra: number; left: number }>()
  for (const { label = '', gold, predicted, count } of counts) {
    const row = byLabel.get(label) ?? { applied: 0, missed: 0, extra: 0, left: 0 }
    byLabel.set(label, row)
    if (gold === predicted) row[gold === 'yes' ? 'applied' : 'left'] += count
    else row[gold === 'yes' ? 'missed' : 'extra'] += count
  }
  const sorted = [...byLabel].sort(([, a], [, b]) => b.missed + b.extra - a.missed - a.extra).slice(0, LABEL_ROWS)
  return table({
    caption: `Decisions per label, most mistakes first (${sorted.length} of ${byLabel.size} labels)`,
    columns: ['label', 'correctly yes', 'missed', 'wrongly yes', 'correctly no'],
    rows: sorted.map(([label, { applied, missed, extra, left }]) => [
      quoted(label, 60),
      ...[applied, missed, extra, left].map((n) => number(n)),
    ]),
  })
}

function calibration({ calibration, unit, head }: HeadDetails, charts: Charts): Html | undefined {
  if (calibration === null) return undefined
  const { expectedError, maximumError, bins } = calibration
  const filled = bins.filter(({ count }) => count > 0)
  const most = Math.max(...filled.map(({ count }) => count))
  const points = filled.map(({ confidence, accuracy, count }) => ({ x: confidence, y: accuracy, r: 3 + 9 * Math.sqrt(count / most) }))
  const title = markup`Calibration of <bdi>${clip(head, 60)}</bdi>`
  const chart = { title, description: describeCalibration(calibration), x: 'confidence', y: 'share that is correct' }
  const rows = filled.map(({ from, to, count, confidence, accuracy }) => [
    `${percent(from)} to ${percent(to)}`,
    number(count),
    percent(confidence),
    percent(accuracy),
  ])
  const data = { caption: title, columns: ['confidences', `${unit} decisions`, 'mean confidence', 'correct'], rows }
  return markup`<h3>Calibration</h3><p>Expected calibration error ${percent(expectedError)}, largest error of a bin ${percent(maximumError)}.
On the dashed line, confidence equals the share of correct answers; below it, the head is too confident. Larger points stand for more decisions.</p>${charts.square(chart, [0, 1], points, data)}`
}

function describeCalibration({ expectedError, bins }: Calibration): string {
  const filled = bins.filter(({ count }) => count > 0)
  return `${filled.length} bins of confidence against the share of correct answers; expected calibration error ${percent(expectedError)}.`
}
