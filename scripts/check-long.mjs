// npm run check:long: the checks that take hours: kills, injected errors, fuzzing, soak, sanitizers. Prints what each counted and keeps it in
// docs/tested.md. Each stage is a program of scripts/check-long/, `node FILE [COUNT] [SEED]`, whose last line says what it counted.
// usage: node scripts/check-long.mjs [--only STAGE[,STAGE]] [--minutes N] [--seed N] [--quick] [--no-write]
//   --minutes: of the soak (30)      --quick: a hundredth of the counts, a minute of soak and not the suite, to see that everything runs; nothing is written
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import { parseArgs } from 'node:util'
import { preparePython } from '../bench/environment.mjs'
import { Explained, green, main, red, seconds, step } from './support/console.mjs'
import { inRoot, root } from './support/paths.mjs'
import { capture } from './support/process.mjs'
import { writeOutcomes, writeSizes } from './support/tested.mjs'
import { getModel } from './model.mjs'
import { setup } from './setup.mjs'

/**
 * Counts of a whole run; undefined: it takes none. The count of the soak is minutes, that of the sanitizers wrong requests,
 * that of the threads models.
 */
const STAGES = {
  suite: undefined,
  kills: 600,
  errnos: 800,
  'native-surface': 20_000,
  sanitizers: 2_000,
  threads: 100_000,
  'tokenizer-json': 5_000,
  safetensors: 100_000,
  folders: 20_000,
  soak: 30,
}
const LIMIT_MINUTES = 90
const document = inRoot('docs/tested.md')

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    minutes: { type: 'string' },
    seed: { type: 'string', default: '1' },
    quick: { type: 'boolean' },
    'no-write': { type: 'boolean' },
  },
})

await main(async () => {
  const wanted = options.only?.split(',') ?? Object.keys(STAGES).filter((stage) => !(options.quick && stage === 'suite'))
  const unknown = wanted.filter((stage) => !Object.hasOwn(STAGES, stage))
  if (unknown.length > 0) throw new Explained(`The stages are: ${Object.keys(STAGES).join(', ')}; there is no "${unknown[0]}".`)
  for (const name of ['minutes', 'seed'])
    if (options[name] !== undefined && !(Number(options[name]) > 0)) throw new Explained(`--${name} takes a number above 0.`)
  await setup()
  await getModel()
  process.env.SENTORCH_TEST_PYTHON ??= await preparePython()
  const commit = await commitNow()
  const failed = []
  for (const stage of wanted) {
    const outcome = await step(stage, () => run(stage))
    console.log(`${outcome.passed ? green('✓') : red('✗')} ${stage}: ${outcome.summary}`)
    if (!outcome.passed) failed.push(stage)
    if (options.quick || options['no-write']) continue
    const date = new Date().toISOString().slice(0, 10)
    const machine = `${os.cpus()[0].model}, ${os.availableParallelism()} processors`
    // After every stage, so that an interrupted run keeps its results.
    writeOutcomes(document, Object.keys(STAGES), [{ stage, ...outcome, commit, date, machine }])
    writeSizes(document, root)
  }
  if (failed.length > 0) throw new Explained(`Not passed: ${failed.join(', ')}.`)
})

function argumentsOf(stage) {
  const count = stage === 'soak' && options.minutes ? Number(options.minutes) : STAGES[stage]
  if (count === undefined) return []
  const quick = stage === 'soak' ? 1 : Math.ceil(count / 100)
  return [options.quick ? quick : count, options.seed].map(String)
}

async function run(stage) {
  const file = inRoot('scripts/check-long', `${stage}.mjs`)
  const began = performance.now()
  if (!fs.existsSync(file)) return { passed: false, summary: 'its program does not exist', took: '0 s' }
  const { code, signal, last, late } = await follow([file, ...argumentsOf(stage)])
  const passed = code === 0 && last !== ''
  const ending = late ? `did not end within ${LIMIT_MINUTES} minutes` : `ended with ${signal ?? `exit code ${code}`}`
  return { passed, summary: last || ending, took: seconds(performance.now() - began) }
}

/** Runs a program in its own process group, shows its output, and returns the last line of stdout. */
function follow(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
    const stop = () => process.kill(-child.pid, 'SIGKILL')
    let late = false
    const timer = setTimeout(() => {
      late = true
      stop()
    }, LIMIT_MINUTES * 60_000)
    const interrupted = () => {
      stop()
      process.exit(130)
    }
    process.once('SIGINT', interrupted)
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part) => {
      process.stdout.write(part)
      text = (text + part).slice(-10_000)
    })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      process.off('SIGINT', interrupted)
      resolve({ code, signal, late, last: text.trimEnd().split('\n').at(-1) })
    })
  })
}

/** The commit that is checked out, with a mark if files differ from it. */
async function commitNow() {
  const git = async (...args) => (await capture('git', args)).stdout.trim()
  const changed = await git('status', '--porcelain', '--', '.', ':!docs/tested.md')
  return `${await git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`
}
