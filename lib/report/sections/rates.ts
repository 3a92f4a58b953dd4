import type { Charts, Series } from '../charts'
import { clip, markup, number, quoted, type Html } from '../html'
import type { GroupRecord, RunRecord } from '../record'
import { thinned } from './curves'

/** If there are more rates than this, every n-th is drawn, so that a deep model with a rate per layer stays readable. */
const LINES = 6

/** Rates that differ by more than this factor are drawn on a logarithmic axis. */
const SPREAD = 4

/** The learning rate of each parameter group, and when it was trained. */
export function rates(record: RunRecord, charts: Charts): Html {
  const { groups, steps } = record
  if (groups.length === 0) return markup`<p>The run recorded no parameter groups.</p>`
  const figures = steps > 0 ? [rateLines(record, charts), trainedRanges(record, charts)] : []
  return markup`${steps === 0 ? markup`<p>Everything was frozen: the fit had no steps.</p>` : undefined}<div class="charts">${figures}</div>`
}

function rateLines({ course, groups }: RunRecord, charts: Charts): Html {
  const kinds = alike(groups.filter(({ trained }) => trained.length > 0))
  const shown = thinned(kinds, LINES)
  const series: Series[] = shown.map(({ name, group }) => ({
    name,
    points: course.map(({ step, learningRates }) => ({ x: step, y: learningRates[group] ?? NaN })),
  }))
  const title = shown.length < kinds.length ? `Learning rates (${shown.length} of ${kinds.length})` : 'Learning rates'
  const peaks = kinds.map(({ learningRate }) => learningRate)
  const logarithmic = Math.max(...peaks) > SPREAD * Math.min(...peaks)
  const description = kinds.map(({ name, learningRate }) => `${clip(name, 60)}: at most ${learningRate.toExponential(2)}.`).join(' ')
  const rows = thinned(course, 60).map(({ step, learningRates }) => [
    number(step),
    ...kinds.map(({ group }) => learningRates[group]?.toExponential(2) ?? 'frozen'),
  ])
  const columns = ['step', ...kinds.map(({ name }) => quoted(name, 60))]
  return charts.lines({ title, description, x: 'step', y: 'learning rate', logarithmic }, series, { caption: title, columns, rows })
}

/** Groups with the same rate at the same time are one line. `group`: the name of one of them. */
function alike(groups: readonly GroupRecord[]): { name: string; group: string; learningRate: number }[] {
  const kinds = new Map<string, GroupRecord[]>()
  for (const group of groups) {
    const key = JSON.stringify([group.learningRate, group.trained])
    kinds.set(key, [...(kinds.get(key) ?? []), group])
  }
  return [...kinds.values()].map((same) => {
    const [first, last] = [same[0]!, same.at(-1)!]
    const name = first === last ? first.name : `${clip(first.name, 30)} … ${clip(last.name, 30)} (${same.length} groups)`
    return { name, group: first.name, learningRate: first.learningRate }
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
