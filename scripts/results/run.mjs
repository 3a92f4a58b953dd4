// npm run results: trains on every data set with sentorch and with plain PyTorch in the same recipe, on this machine, and prints the table of
// docs/results.md. Each run is a process of its own; what was run already is kept in <cache>/results and not run again.
// usage: node scripts/results/run.mjs [--venv DIR] [--sets snips,hwu64,wnut17,clinc150,mixed] [--seeds 0,1,2] [--epochs 3] [--dtypes float32]
//        [--only ours|reference] [--again] [--curve]      --curve: 100 steps without dropout, loss by loss
import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Explained, main, note, step } from '../support/console.mjs'
import { inRoot } from '../support/paths.mjs'
import { capture } from '../support/process.mjs'
import { getModel } from '../model.mjs'

const require = createRequire(import.meta.url)
const data = inRoot('..', 'shared', 'data')
const SETS = ['snips', 'hwu64', 'wnut17', 'clinc150', 'mixed']

const { values: options } = parseArgs({
  options: {
    venv: { type: 'string' },
    sets: { type: 'string', default: SETS.join() },
    seeds: { type: 'string', default: '0,1,2' },
    epochs: { type: 'string', default: '3' },
    dtypes: { type: 'string', default: 'float32' },
    only: { type: 'string' },
    again: { type: 'boolean' },
    curve: { type: 'boolean' },
  },
})

await main(async () => {
  if (!fs.existsSync(data)) throw new Explained(`The results are of the data sets in ${data}, which is not there.`)
  const model = await getModel()
  const { cacheFolder } = require(inRoot('dist/libtorch/cache.js'))
  const kept = path.join(cacheFolder(), 'results')
  fs.mkdirSync(kept, { recursive: true })
  const python = path.join(options.venv ?? path.join(cacheFolder(), 'bench', 'venv'), 'bin', 'python')
  const sides = {
    reference: [python, inRoot('bench/programs/train_reference.py')],
    sentorch: [process.execPath, inRoot('scripts/results/train.mjs')],
  }
  const wanted = Object.keys(sides).filter((side) => !options.only || (options.only === 'ours') === (side === 'sentorch'))
  if (wanted.includes('reference') && !fs.existsSync(python)) throw new Explained(`There is no ${python}: npm run bench makes it.`)

  if (options.curve) return followCurve(python, model, kept)

  const { epochs } = options
  for (const set of options.sets.split(',')) {
    const found = {}
    for (const dtype of options.dtypes.split(',')) {
      for (const seed of options.seeds.split(',')) {
        for (const side of wanted) {
          const file = path.join(kept, `${side}-${set}-${dtype}-seed${seed}-epochs${epochs}.txt`)
          const [command, program] = sides[side]
          if (options.again || !fs.existsSync(file)) {
            await step(`${set}, seed ${seed}, ${dtype}: ${side}`, async () => {
              const output = await outputOf(command, [program, model, data, set, '--seed', seed, '--epochs', epochs, '--dtype', dtype])
              fs.writeFileSync(file, output)
            })
          }
          const result = resultOf(fs.readFileSync(file, 'utf8'))
          note(`${set} seed ${seed} ${dtype} ${side}: ${JSON.stringify(result)}`)
          ;((found[dtype] ??= {})[side] ??= []).push(result)
        }
      }
    }
    for (const [dtype, bySide] of Object.entries(found)) console.log(`\n${table(set, dtype, bySide)}\n`)
  }
  console.log(
    `${os.cpus()[0].model}, ${os.availableParallelism()} processors; Node ${process.versions.node}; seeds ${options.seeds}, ${epochs} epochs`,
  )
})

async function outputOf(command, args) {
  const { code, stdout, output } = await capture(command, args, { cwd: inRoot() })
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${output}`)
  return stdout
}

/** `result snips seed 0 float32: intent 98.14 slots 92.98` → { intent: 98.14, slots: 92.98 }; the seconds of training from the line before. */
function resultOf(stdout) {
  const line = stdout.split('\n').find((each) => each.startsWith('result '))
  const words = line.slice(line.indexOf(': ') + 2).split(' ')
  const figures = Object.fromEntries(words.flatMap((word, i) => (i % 2 === 0 ? [[word, Number(words[i + 1])]] : [])))
  const seconds = [...stdout.matchAll(/^epoch .* at ([\d.]+) s$/gm)].at(-1)?.[1]
  return { ...figures, seconds: Number(seconds) }
}

/** Means over the seeds, with the lowest and the highest. */
function table(set, dtype, bySide) {
  const sides = Object.keys(bySide)
  const measures = Object.keys(bySide[sides[0]][0])
  const cell = (values) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    return values.length === 1
      ? mean.toFixed(2)
      : `${mean.toFixed(2)} (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`
  }
  const rows = sides.map((side) => [
    `${set}, ${dtype}`,
    side,
    ...measures.map((measure) => cell(bySide[side].map((result) => result[measure]))),
  ])
  const header = ['data', '', ...measures]
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

async function followCurve(python, model, kept) {
  for (const set of options.sets.split(',')) {
    const file = path.join(kept, `curve-${set}.json`)
    if (options.again || !fs.existsSync(file)) {
      await step(`${set}: the reference's 100 steps without dropout`, () =>
        outputOf(python, [inRoot('bench/programs/train_reference.py'), model, data, set, '--curve', file]),
      )
    }
    await step(`${set}: ours`, async () =>
      console.log(await outputOf(process.execPath, [inRoot('scripts/results/curve.mjs'), model, data, file])),
    )
  }
}
