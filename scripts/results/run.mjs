// npm run results: trains on every data set with sentorch and with plain PyTorch in the same recipe, on this machine, and prints a table for
// each. Each run is a process of its own; what was run already is kept in <cache>/results and not run again.
// usage: node scripts/results/run.mjs [--data DIR] [--sets made,snips,hwu64,wnut17,clinc150,mixed] [--seeds 0,1,2] [--epochs 3]
//        [--max-steps N] [--dtypes float32] [--only ours|reference] [--again] [--curve] [--venv DIR]
//   --data: a folder that holds the public data sets; without it the one set is `made`, sentences that the benchmark makes
//   --curve: 100 steps without dropout, loss by loss      --venv: a Python environment with the packages of bench/peers
import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Explained, main, note, step } from '../support/console.mjs'
import { inRoot } from '../support/paths.mjs'
import { capture } from '../support/process.mjs'
import { makeJoint } from '../../bench/data.mjs'
import { benchFolder, preparePython } from '../../bench/environment.mjs'
import { getModel } from '../model.mjs'
import { setup } from '../setup.mjs'

const require = createRequire(import.meta.url)
const PUBLIC = ['snips', 'hwu64', 'wnut17', 'clinc150', 'mixed']

const { values: options } = parseArgs({
  options: {
    venv: { type: 'string' },
    data: { type: 'string' },
    sets: { type: 'string' },
    seeds: { type: 'string', default: '0,1,2' },
    epochs: { type: 'string', default: '3' },
    'max-steps': { type: 'string' },
    dtypes: { type: 'string', default: 'float32' },
    only: { type: 'string' },
    again: { type: 'boolean' },
    curve: { type: 'boolean' },
  },
})

await main(async () => {
  const sets = options.sets?.split(',') ?? (options.data ? PUBLIC : ['made'])
  for (const set of sets) {
    if (set !== 'made' && !PUBLIC.includes(set)) throw new Explained(`The data sets are: made, ${PUBLIC.join(', ')}; there is no "${set}".`)
    if (set !== 'made' && !options.data) throw new Explained(`${set} is read from a folder that holds the public data sets: --data DIR.`)
  }
  if (options.data && !fs.existsSync(options.data)) throw new Explained(`--data names a folder; ${options.data} does not exist.`)
  await setup()
  const made = makeJoint(benchFolder())
  const rootOf = (set) => (set === 'made' ? made : path.resolve(options.data))
  const model = await getModel()
  const { cacheFolder } = require(inRoot('dist/libtorch/find.js'))
  const kept = path.join(cacheFolder(), 'results')
  fs.mkdirSync(kept, { recursive: true })
  const wanted = ['reference', 'sentorch'].filter((side) => !options.only || (options.only === 'ours') === (side === 'sentorch'))
  const python = wanted.includes('reference') || options.curve ? await preparePython(options.venv) : undefined
  const sides = {
    reference: [python, inRoot('bench/peers/train.py')],
    sentorch: [process.execPath, inRoot('scripts/results/train.mjs')],
  }

  if (options.curve) return followCurve(sets, python, model, rootOf, kept)

  const { epochs, 'max-steps': most } = options
  const length = ['--epochs', epochs, ...(most ? ['--max-steps', most] : [])]
  for (const set of sets) {
    const found = {}
    for (const dtype of options.dtypes.split(',')) {
      for (const seed of options.seeds.split(',')) {
        for (const side of wanted) {
          const file = path.join(kept, `${side}-${set}-${dtype}-seed${seed}-epochs${epochs}${most ? `-steps${most}` : ''}.txt`)
          const [command, program] = sides[side]
          if (options.again || !fs.existsSync(file)) {
            await step(`${set}, seed ${seed}, ${dtype}: ${side}`, async () => {
              const output = await outputOf(command, [program, model, rootOf(set), set, '--seed', seed, ...length, '--dtype', dtype])
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
    `${os.cpus()[0].model}, ${os.availableParallelism()} processors; Node ${process.versions.node}; seeds ${options.seeds}, ${most ? `at most ${most} steps` : `${epochs} epochs`}`,
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

async function followCurve(sets, python, model, rootOf, kept) {
  for (const set of sets) {
    const file = path.join(kept, `curve-${set}.json`)
    if (options.again || !fs.existsSync(file)) {
      await step(`${set}: the reference's 100 steps without dropout`, () =>
        outputOf(python, [inRoot('bench/peers/train.py'), model, rootOf(set), set, '--curve', file]),
      )
    }
    await step(`${set}: ours`, async () =>
      console.log(await outputOf(process.execPath, [inRoot('scripts/results/curve.mjs'), model, rootOf(set), file])),
    )
  }
}
