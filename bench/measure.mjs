// Runs the measured programs, each in its own process.
import { inRoot } from '../scripts/support/paths.mjs'
import { capture } from '../scripts/support/process.mjs'
import { median } from './programs/figures.mjs'

/** Runs a program and reads the JSON line that it prints; `seconds` is the time of the whole process. */
export async function measure(command, args, { cwd } = {}) {
  const began = performance.now()
  const { code, stdout, output } = await capture(command, args, { cwd: cwd ?? inRoot() })
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${output}`)
  const line = stdout.trim().split('\n').at(-1)
  return { ...(line.startsWith('{') ? JSON.parse(line) : {}), seconds: (performance.now() - began) / 1e3 }
}

/** Runs the contenders in turn, round after round, so that a drift of the machine affects all of them; medians of each figure. */
export async function inTurn(contenders, rounds) {
  const results = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]))
  for (let i = 0; i < rounds; i++) for (const [name, run] of Object.entries(contenders)) results[name].push(await run())
  return Object.fromEntries(Object.entries(results).map(([name, runs]) => [name, medians(runs)]))
}

function medians(runs) {
  const figures = Object.entries(runs[0]).map(([key, value]) => [
    key,
    typeof value === 'number' ? median(runs.map((run) => run[key])) : value,
  ])
  return Object.fromEntries(figures)
}
