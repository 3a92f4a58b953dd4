// Compares the defaults of `model.fit(data)` with the best of six recipes, on public data sets cut to a few examples, and prints a table.
// The development split chooses among the recipes; the scores are those of the test split. About an hour on two quiet cores. Each run is
// written to the results file as soon as it has ended and is not repeated, so that a stopped program continues where it was.
// usage: node scripts/defaults/run.mjs --data DIR [--cells snips-16,clinc150-1-per-class] [--quick] [--output FILE] [--again] [--table]
//        [--threads N]
//   --quick: the cells of at most 64 examples, one seed for the grid and two for the defaults      --again: ignore the results file
//   --table: print the table of the results file without running anything      --output: results file, one JSON object per line
import fs from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Explained, main, note, step } from '../support/console.mjs'
import { Model } from '../../dist/index.js'
import { getModel } from '../model.mjs'
import { CELLS, readCell, scoreOf } from './cells.mjs'
import { gridFor } from './grid.mjs'
import { compare, table } from './table.mjs'

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    cells: { type: 'string' },
    quick: { type: 'boolean', default: false },
    output: { type: 'string', default: 'defaults.jsonl' },
    again: { type: 'boolean', default: false },
    table: { type: 'boolean', default: false },
    threads: { type: 'string' },
  },
})

await main(async () => {
  if (!options.data && !options.table) throw new Explained('The data sets are read from a folder: --data DIR.')
  const file = path.resolve(options.output)
  if (options.again) fs.rmSync(file, { force: true })
  const cells = cellsOf(options)
  if (!options.table) {
    const model = await getModel(note)
    for (const cell of cells) await step(cell.name, () => runCell(cell, model, file))
  }
  const runs = resultsIn(file)
  const compared = cells.map(({ name }) => [name, compare(runs.filter(({ cell }) => cell === name))]).filter(([, result]) => result)
  console.log(`\n${table(Object.fromEntries(compared))}\n`)
  const missed = compared.filter(([, { verdict }]) => verdict === 'no').map(([name]) => name)
  if (missed.length > 0) throw new Explained(`The defaults are neither within a standard deviation nor at 95 %: ${missed.join(', ')}.`)
})

function cellsOf({ cells, quick }) {
  const names = CELLS.map(({ name }) => name)
  const unknown = cells?.split(',').find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Explained(`The cells are: ${names.join(', ')}; there is no "${unknown}".`)
  return CELLS.filter(({ name, order }) => (cells ? cells.split(',').includes(name) : !quick || order <= 64))
}

/** The runs of a cell that are not in the file: the defaults, which need no other option, and the grid. */
async function runCell(cell, modelFolder, file) {
  const data = await readCell(cell, options.data)
  const [gridSeeds, defaultSeeds] = options.quick ? [1, 2] : [2, 5]
  const planned = [
    ...range(defaultSeeds).map((seed) => ({ recipe: 'default', seed, fit: {} })),
    ...Object.entries(gridFor(data.train.length)).flatMap(([recipe, fit]) => range(gridSeeds).map((seed) => ({ recipe, seed, fit }))),
  ]
  for (const { recipe, seed, fit } of planned) {
    if (resultsIn(file).some((run) => run.cell === cell.name && run.recipe === recipe && run.seed === seed)) continue
    const result = {
      cell: cell.name,
      recipe,
      seed,
      examples: data.train.length,
      ...(await train(cell, data, modelFolder, { ...fit, seed })),
    }
    fs.appendFileSync(file, `${JSON.stringify(result)}\n`)
    note(`${recipe}, seed ${seed}: dev ${result.dev.toFixed(1)}, test ${result.test.toFixed(1)} in ${result.seconds.toFixed(1)} s`)
  }
}

async function train(cell, { heads, train, dev, test }, modelFolder, options) {
  const loaded = await Model.load(modelFolder, { device: 'cpu', ...(threads() && { threads: threads() }) })
  const model = heads.reduce((with_, head) => with_.addHead({ ...head, seed: options.seed }), loaded)
  try {
    const start = performance.now()
    const { recipe: chosen, steps } = await model.fit(train, options)
    const seconds = (performance.now() - start) / 1000
    const score = async (split) => scoreOf(cell, await model.evaluate(split))
    return { dev: await score(dev), test: await score(test), chosen, steps, seconds }
  } finally {
    await model.dispose()
  }
}

function threads() {
  return options.threads && Number(options.threads)
}

function range(count) {
  return Array.from({ length: count }, (_, i) => i)
}

/** The last line may have been cut off when the program was killed. */
function resultsIn(file) {
  if (!fs.existsSync(file)) return []
  return fs
    .readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line)]
      } catch {
        return []
      }
    })
}
