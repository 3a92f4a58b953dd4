import type { Charts, Series } from '../charts'
import { clip, markup, number, quoted, type Html } from '../html'
import type { GroupRecord, RunRecord } from '../record'
import { thinned } from './curves'

/** More groups than this are drawn by every n-th, so that a deep model with a rate per layer stays readable. */
const LINES = 6

/** The learning rate of each parameter group, and when it was trained. */
export function rates(record: RunRecord, charts: Charts): Html {
  const { groups, steps } = record
  if (groups.length === 0) return markup`<p>The run recorded no parameter groups.</p>`
  const figures = steps > 0 ? [rateLines(record, charts), trainedRanges(record, charts)] : []
  return markup`${steps === 0 ? markup`<p>Everything was frozen: the fit had no steps.</p>` : undefined}<div class="charts">${figures}</div>`
}

function rateLines({ course, groups }: RunRecord, charts: Charts): Html {
  const points = (name: string) => course.map(({ step, learningRates }) => ({ x: step, y: learningRates[name] ?? NaN }))
  const trained = groups.filter(({ trained }) => trained.length > 0)
  const shown = thinned(trained, LINES)
  const series: Series[] = shown.map(({ name }) => ({ name, points: points(name) }))
  const title = shown.length < trained.length ? `Learning rates (${shown.length} of ${trained.length} groups)` : 'Learning rates'
  const description = trained.map(({ name, learningRate }) => `${clip(name, 40)}: at most ${learningRate.toExponential(2)}.`).join(' ')
  const rows = thinned(course, 60).map(({ step, learningRates }) => [
    number(step),
    ...trained.map(({ name }) => (name in learningRates ? learningRates[name]!.toExponential(2) : 'frozen')),
  ])
  return charts.lines({ title, description, x: 'step', y: 'learning rate' }, series, {
    caption: title,
    columns: ['step', ...trained.map(({ name }) => quoted(name, 40))],
    rows,
  })
}

function trainedRanges({ groups, steps }: RunRecord, charts: Charts): Html {
  const bars = groups.flatMap(({ name, trained }) => trained.map(({ from, to }) => ({ name, from, to })))
  const title = 'Trained and frozen parameters'
  const description = groups.map((group) => `${clip(group.name, 40)}: ${spansOf(group, steps)}.`).join(' ')
  const rows = groups.map((group) => [
    quoted(group.name, 60),
    number(group.parameters),
    group.learningRate.toExponential(2),
    spansOf(group, steps),
  ])
  const chart = { title: 'Trained (coloured) and frozen (grey) parameters', description, x: 'step', y: '' }
  const columns = ['group', 'parameters', 'highest rate', 'trained']
  return charts.ranges(
    chart,
    bars,
    groups.map(({ name }) => name),
    steps,
    { caption: title, columns, rows },
  )
}

function spansOf({ trained }: GroupRecord, steps: number): string {
  if (trained.length === 0) return 'frozen throughout'
  const [first] = trained
  if (trained.length === 1 && first!.from === 0 && first!.to === steps) return 'trained throughout'
  return `trained in steps ${trained.map(({ from, to }) => `${from + 1}–${to}`).join(', ')}, otherwise frozen`
}
