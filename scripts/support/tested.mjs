/** docs/tested.md: the table of the long checks, one row per stage, and the sizes of what is tested, each between its markers. */
import fs from 'node:fs'
import path from 'node:path'

const marked = (name) => new RegExp(`(<!-- tested:${name} -->)([^]*)(<!-- /tested:${name} -->)`)
const HEADER = ['stage', 'outcome', 'what was counted', 'took', 'commit', 'date', 'machine']

/** Stage → cells, from the document. */
function rowsOf(text) {
  const lines = marked('stages')
    .exec(text)[2]
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2)
  return new Map(lines.map((line) => line.slice(2, -2).split(' | ')).map((cells) => [cells[0], cells]))
}

const cell = (text) => String(text).replaceAll('|', '\\|').replace(/\s+/g, ' ').trim()

/**
 * Writes the outcomes of a run to the document; rows of stages that did not run are unchanged. `order`: all stages.
 * An outcome: `stage`, `passed`, `summary`, `took`, `commit`, `date`, `machine`.
 */
export function writeOutcomes(file, order, outcomes) {
  const rows = rowsOf(fs.readFileSync(file, 'utf8'))
  for (const { stage, passed, summary, took, commit, date, machine } of outcomes) {
    rows.set(stage, [stage, passed ? 'passed' : '**failed**', summary, took, commit, date, machine].map(cell))
  }
  const body = order.filter((stage) => rows.has(stage)).map((stage) => rows.get(stage))
  const table = [HEADER, HEADER.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  replace(file, 'stages', table)
}

function replace(file, name, inside) {
  const text = fs.readFileSync(file, 'utf8')
  fs.writeFileSync(
    file,
    text.replace(marked(name), (_, open, __, close) => `${open}\n\n${inside}\n\n${close}`),
  )
}

const lines = (folder, pattern) =>
  fs
    .readdirSync(folder, { recursive: true })
    .filter((name) => pattern.test(name))
    .map((name) => fs.readFileSync(path.join(folder, name), 'utf8').split('\n').length - 1)
    .reduce((sum, count) => sum + count, 0)

/** Counts the lines of source and of tests below the project's folder. */
export function writeSizes(file, root) {
  const of = (folder, pattern) => lines(path.join(root, folder), pattern)
  const source = [of('lib', /\.ts$/), of('native', /\.(h|cc|inc)$/)].map((count) => count.toLocaleString('en'))
  const tests = of('test', /\.(ts|mts|cjs|mjs|py|c|cc|h)$/) + of('scripts/check-long', /\.(mjs|py|c)$/)
  replace(
    file,
    'sizes',
    `The library has ${source[0]} lines of TypeScript and ${source[1]} lines of C++. ${tests.toLocaleString('en')} lines of programs test it, goldens and fixtures not counted.`,
  )
}
