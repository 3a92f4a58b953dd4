// The comparison of the defaults with the grid, from the results of single runs.
import { rate } from './grid.mjs'

/** A cell whose best score is below this does not count: its data teaches too little. */
const LOWEST = 20

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length

/** Sample standard deviation; 0 for a single run. */
function deviation(values) {
  if (values.length < 2) return 0
  const centre = mean(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1))
}

/** The recipe with the best mean on the development split, and how the defaults compare with it on the test split. Undefined without such runs. */
export function compare(runs) {
  const defaults = runs.filter(({ recipe }) => recipe === 'default')
  const names = [...new Set(runs.map(({ recipe }) => recipe))].filter((name) => name !== 'default')
  if (defaults.length === 0 || names.length === 0) return undefined
  const of = (name, split) => runs.filter(({ recipe }) => recipe === name).map((run) => run[split])
  const best = names.reduce((a, b) => (mean(of(b, 'dev')) > mean(of(a, 'dev')) ? b : a))
  const [bestScore, tests] = [mean(of(best, 'test')), of('default', 'test')]
  const [score, spread] = [mean(tests), deviation(tests)]
  const holds = score >= bestScore - spread || score >= 0.95 * bestScore
  return {
    examples: defaults[0].examples,
    best,
    bestScore,
    score,
    spread,
    chosen: defaults[0].chosen,
    seconds: mean(defaults.map(({ seconds }) => seconds)),
    runs: `${names.length} × ${of(best, 'test').length}, ${tests.length}`,
    verdict: bestScore < LOWEST ? 'does not count' : holds ? 'yes' : 'no',
  }
}

/** Markdown. `results`: cell → comparison. */
export function table(results) {
  const rows = Object.entries(results).map(([cell, { examples, best, bestScore, score, spread, chosen, runs, verdict }]) => [
    cell,
    examples,
    best,
    bestScore.toFixed(1),
    `${score.toFixed(1)} ± ${spread.toFixed(1)}`,
    `${rate(chosen.learningRate)}, ${rate(chosen.headLearningRate)}, batches of ${chosen.batchSize}, ${chosen.epochs} epochs`,
    runs,
    verdict,
  ])
  const header = ['data', 'examples', 'best of the grid', 'its score', 'defaults', 'chosen', 'runs', 'close']
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
