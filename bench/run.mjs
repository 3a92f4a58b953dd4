// npm run bench: sentorch and its peers on the same work in the same run; prints the tables, writes docs/benchmarks.md and the summary in README.md.
// usage: node bench/run.mjs [--venv DIR] [--quick] [--no-write]      --quick: a quarter of the work, nothing written
import { parseArgs } from 'node:util'
import path from 'node:path'
import { Explained, main, step } from '../scripts/support/console.mjs'
import { inRoot } from '../scripts/support/paths.mjs'
import { capture } from '../scripts/support/process.mjs'
import { getModel } from '../scripts/model.mjs'
import { preparePeers } from './peers.mjs'
import { median } from './programs/figures.mjs'
import { PARTS, writePart } from './report.mjs'

const { values: options } = parseArgs({
  options: {
    venv: { type: 'string' },
    only: { type: 'string' },
    quick: { type: 'boolean' },
    'no-write': { type: 'boolean' },
  },
})

/** Runs a program and reads the JSON line it prints; `seconds` is the whole process's time. */
async function measure(command, args, { cwd } = {}) {
  const began = performance.now()
  const { code, stdout, output } = await capture(command, args, { cwd: cwd ?? inRoot() })
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${output}`)
  const line = stdout.trim().split('\n').at(-1)
  return { ...(line.startsWith('{') ? JSON.parse(line) : {}), seconds: (performance.now() - began) / 1e3 }
}

/** Contenders in turn, round after round, so that a drift of the machine meets all of them; medians of each figure. */
async function inTurn(contenders, rounds) {
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

await main(async () => {
  const wanted = options.only ? [options.only] : Object.keys(PARTS)
  if (!wanted.every((name) => PARTS[name])) throw new Explained(`--only takes one of ${Object.keys(PARTS).join(', ')}.`)
  const model = await getModel()
  const peers = await preparePeers(model, { venv: options.venv })
  const versions = await measure(peers.python, [inRoot('bench/programs/versions.py')])
  const measures = { encode: encodeFigures, training: trainingFigures }
  for (const name of wanted) {
    const figures = await measures[name]({ model, peers })
    console.log(`\n${PARTS[name].text(figures, versions)}\n`)
    if (!options.quick && !options['no-write']) writePart(name, figures, versions)
  }
})

/** Vectors beside sentence-transformers and transformers.js. */
async function encodeFigures({ model, peers }) {
  const node = process.execPath
  const ours = (texts, dtype, limit) => () => measure(node, [inRoot('bench/programs/encode.mjs'), model, texts, dtype, limit])
  const python = (texts, dtype, limit) => () =>
    measure(peers.python, [path.join(peers.reference, 'encode_reference.py'), model, texts, '--dtype', dtype, '--limit', limit])
  const javascript = (texts, dtype, limit) => () =>
    measure(node, ['encode_transformersjs.mjs', peers.models, peers.name, texts, dtype, limit], { cwd: peers.transformersJs })
  const { short, long } = peers.texts
  const [shorts, longs, rounds] = options.quick ? ['512', '128', 1] : ['2048', '512', 2]
  const figures = {}
  const bulk = (key, title, contenders) => step(title, async () => (figures[key] = await inTurn(contenders, rounds)))

  await bulk('short32', 'Short sentences, float32', {
    ours: ours(short, 'float32', shorts),
    python: python(short, 'float32', shorts),
    javascript: javascript(short, 'fp32', shorts),
  })
  await bulk('long32', 'Long passages, float32', {
    ours: ours(long, 'float32', longs),
    python: python(long, 'float32', longs),
    javascript: javascript(long, 'fp32', longs),
  })
  await bulk('short16', 'Short sentences, bfloat16', { ours: ours(short, 'bfloat16', shorts), python: python(short, 'bfloat16', shorts) })
  await bulk('long16', 'Long passages, bfloat16', { ours: ours(long, 'bfloat16', longs), python: python(long, 'bfloat16', longs) })
  await step('From process start to the first vector', async () => {
    const first = {
      ours: () => measure(node, [inRoot('bench/programs/first.mjs'), model]),
      python: () => measure(peers.python, [inRoot('bench/programs/first.py'), model]),
      javascript: () => measure(node, ['first-transformersjs.mjs', peers.models, peers.name], { cwd: peers.transformersJs }),
    }
    figures.first = await inTurn(first, 5)
  })
  await step('How late JavaScript is meanwhile', async () => {
    figures.responsive = await measure(node, [inRoot('bench/programs/responsive.mjs'), model, short])
  })
  await step('Memory of a stream of 200,000 texts', async () => {
    figures.stream = await measure(node, [
      inRoot('bench/programs/stream.mjs'),
      model,
      short,
      'bfloat16',
      options.quick ? '40000' : '200000',
    ])
  })
  return figures
}

/** Joint training on SNIPS beside plain PyTorch at its fastest. */
async function trainingFigures({ model, peers }) {
  const [steps, rounds] = options.quick ? ['40', 1] : ['80', 3]
  const figures = {}
  const snips = path.join(peers.data, 'snips')
  const ours = (dtype) => () => measure(process.execPath, [inRoot('bench/programs/train.mjs'), model, snips, dtype, steps])
  const reference = path.join(peers.reference, 'joint_reference.py')
  const python = (dtype) => () =>
    measure(peers.python, [inRoot('bench/programs/joint.py'), reference, model, snips, '--strong', '--dtype', dtype, '--max-steps', steps])
  for (const [key, dtype] of [
    ['train32', 'float32'],
    ['train16', 'bfloat16'],
  ]) {
    await step(`Joint training, ${dtype}`, async () => (figures[key] = await inTurn({ ours: ours(dtype), python: python(dtype) }, rounds)))
  }
  await step('Epochs of a frozen encoder', async () => {
    figures.frozen = await measure(process.execPath, [inRoot('bench/programs/train-frozen.mjs'), model, snips])
  })
  return figures
}
