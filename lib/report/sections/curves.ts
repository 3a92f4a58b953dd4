import type { Charts, Series } from '../charts'
import { clip, markup, number, percent, type Content, type Html } from '../html'
import type { RunRecord } from '../record'

/** Rows of a data table: more are left out evenly. */
const ROWS = 100

/** Number of steps at the end of each epoch. */
function epochEnds({ history }: Pick<RunRecord, 'history'>): number[] {
  let at = 0
  return history.map(({ steps, skippedSteps }) => (at += steps + skippedSteps))
}

/** One chart of losses and one of metrics for each task, and one of the total loss. */
export function curves(record: RunRecord, charts: Charts): Html {
  const tasks = [...new Set(record.history.flatMap(({ losses }) => Object.keys(losses)))]
  const figures = tasks.flatMap((task) => [lossOf(record, task, charts), metricsOf(record, task, charts)])
  const total = tasks.length > 1 ? [totalLoss(record, charts)] : []
  return markup`<div class="charts">${[...total, ...figures]}</div>`
}

function totalLoss(record: RunRecord, charts: Charts): Html {
  const evaluated = record.evaluations.map(({ step, evaluation }) => ({ x: step, y: evaluation.loss ?? NaN }))
  return lossChart(record, charts, 'Total loss', {
    steps: record.course.map(({ step, loss }) => ({ x: step, y: loss ?? NaN })),
    epochs: record.history.map(({ loss }) => loss),
    evaluated,
  })
}

function lossOf(record: RunRecord, task: string, charts: Charts): Html {
  return lossChart(record, charts, markup`Loss of <bdi>${clip(task, 60)}</bdi>`, {
    steps: record.course.map(({ step, losses }) => ({ x: step, y: losses[task] ?? NaN })),
    epochs: record.history.map(({ losses }) => losses[task] ?? NaN),
    evaluated: record.evaluations.map(({ step, evaluation }) => ({ x: step, y: evaluation.losses[task] ?? NaN })),
  })
}

interface LossPoints {
  steps: Series['points']
  epochs: readonly number[]
  evaluated: Series['points']
}

function lossChart(record: RunRecord, charts: Charts, title: Content, { steps, epochs, evaluated }: LossPoints): Html {
  const ends = epochEnds(record)
  const means = epochs.map((loss, i) => ({ x: ends[i]!, y: loss }))
  const known = (points: Series['points']) => points.some(({ y }) => Number.isFinite(y))
  const series: Series[] = [
    { name: 'training, mean of the epoch', points: means, marked: true },
    ...(known(evaluated) ? [{ name: 'evaluation', points: evaluated, marked: true }] : []),
    { name: 'training, steps', points: steps, faint: true },
  ]
  const description = [
    describe('Training', means, number),
    known(evaluated) ? describe('Evaluation', evaluated, number) : 'Not evaluated.',
  ].join(' ')
  return charts.lines({ title, description, x: 'step', y: 'loss' }, series, {
    caption: title,
    columns: ['step', 'training', 'evaluation'],
    rows: pointsByStep([means, evaluated]).map(([step, ...values]) => [number(step), ...values.map((value) => number(value, 4))]),
  })
}

/** The measures of an evaluation that a curve shows, in this order, under their names in the metrics. */
const MEASURES = ['accuracy', 'f1', 'precision', 'recall', 'microF1', 'macroF1']

function metricsOf(record: RunRecord, task: string, charts: Charts): Html[] {
  const ends = epochEnds(record)
  const trained = record.history.map(({ metrics }, i) => ({ x: ends[i]!, y: metrics[task]?.accuracy ?? NaN }))
  const measured = MEASURES.map((name) => ({
    name,
    points: record.evaluations.map(({ step, evaluation }) => ({ x: step, y: measureOf(evaluation.metrics[task], name) })),
  }))
  const series: Series[] = [{ name: 'accuracy in training', points: trained }, ...measured]
    .filter(({ points }) => points.some(({ y }) => Number.isFinite(y)))
    // With one label per text, micro F1 is the accuracy.
    .filter(({ points }, i, all) => !all.slice(0, i).some((other) => isSame(other.points, points)))
    .map((one) => ({ ...one, marked: true }))
  if (series.length === 0) return []
  const title = markup`Metrics of <bdi>${clip(task, 60)}</bdi>`
  const description = series.map(({ name, points }) => describe(name, points, percent)).join(' ')
  const rows = pointsByStep(series.map(({ points }) => points)).map(([step, ...values]) => [number(step), ...values.map(percent)])
  return [
    charts.lines({ title, description, x: 'step', y: 'share' }, series, {
      caption: title,
      columns: ['step', ...series.map(({ name }) => name)],
      rows,
    }),
  ]
}

function isSame(a: Series['points'], b: Series['points']): boolean {
  return a.length === b.length && a.every(({ x, y }, i) => x === b[i]!.x && y === b[i]!.y)
}

function measureOf(metrics: object | undefined, name: string): number {
  const value = (metrics as Record<string, unknown> | undefined)?.[name]
  return typeof value === 'number' ? value : NaN
}

function describe(name: string, points: Series['points'], shown: (value: number) => string): string {
  const known = points.filter(({ y }) => Number.isFinite(y))
  const [first, last] = [known[0], known.at(-1)]
  if (!first || !last) return `${name}: no value.`
  return first === last
    ? `${name}: ${shown(first.y)} at step ${first.x}.`
    : `${name}: from ${shown(first.y)} at step ${first.x} to ${shown(last.y)} at step ${last.x}.`
}

/** One row per step at which any of the lines has a point; at most `ROWS`. */
function pointsByStep(lines: readonly Series['points'][]): number[][] {
  const byStep = lines.map((points) => new Map(points.map(({ x, y }) => [x, y])))
  const steps = [...new Set(lines.flatMap((points) => points.map(({ x }) => x)))].sort((a, b) => a - b)
  return thinned(steps, ROWS).map((step) => [step, ...byStep.map((values) => values.get(step) ?? NaN)])
}

/** At most `most` of the values, evenly spread, with the first and the last. */
export function thinned<T>(values: readonly T[], most: number): T[] {
  if (values.length <= most) return [...values]
  return Array.from({ length: most }, (_, i) => values[Math.round((i * (values.length - 1)) / (most - 1))]!)
}
