// npm run bench: sentorch and its peers on the same work in the same run. Prints each table as soon as it is measured; then writes
// docs/benchmarks.md and the summary in README.md, unless other processes used the machine meanwhile.
// usage: node bench/run.mjs [--only encode|training] [--data DIR] [--venv DIR] [--quick] [--no-write]
//   --data: a folder that holds snips/, to use instead of made texts      --venv: a Python environment with the packages of bench/peers
//   --quick: a small part of the work, nothing written
import { parseArgs } from 'node:util'
import { Explained, main, note, step } from '../scripts/support/console.mjs'
import { setup } from '../scripts/setup.mjs'
import { getModel } from '../scripts/model.mjs'
import { prepareTexts } from './data.mjs'
import { benchFolder, preparePython, versionsOf } from './environment.mjs'
import * as encode from './parts/encode.mjs'
import * as training from './parts/training.mjs'
import { percent, watched } from './quiet.mjs'
import { publish, table } from './report.mjs'

const PARTS = { encode, training }

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    venv: { type: 'string' },
    only: { type: 'string' },
    quick: { type: 'boolean' },
    'no-write': { type: 'boolean' },
  },
})

await main(async () => {
  const wanted = options.only ? [options.only] : Object.keys(PARTS)
  if (!wanted.every((name) => PARTS[name])) throw new Explained(`--only takes one of ${Object.keys(PARTS).join(', ')}.`)
  await setup()
  const texts = prepareTexts(benchFolder(), { data: options.data })
  const model = await getModel()
  const python = await preparePython(options.venv)
  const versions = await versionsOf(python)
  for (const name of wanted) {
    const stages = await PARTS[name].stages({ model, python, texts, quick: options.quick })
    const { figures, rows, lines, loads } = await measureAll(stages)
    const text = PARTS[name].text({ figures, rows, lines, versions, about: texts.about })
    console.log(`\n${text}\n`)
    if (options.quick || options['no-write']) continue
    const refused = publish(name, { text, rows, loads })
    console.log(refused ?? `Written into docs/benchmarks.md and README.md.`)
  }
})

async function measureAll(stages) {
  const all = { figures: {}, rows: [], lines: [], loads: {} }
  for (const [key, { title, measure, rows, line }] of Object.entries(stages)) {
    const { result, others } = await step(title, () => watched(measure))
    all.figures[key] = result
    all.loads[title] = others
    const found = rows?.(result) ?? []
    all.rows.push(...found)
    if (line) all.lines.push(line(result))
    console.log(`\n${line ? line(result) : table(found)}\n`)
    note(`other processes used ${percent(others)} of the machine`)
  }
  return all
}
