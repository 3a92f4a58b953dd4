// Wrong requests to the native surface, drawn from the seed: one to three places of a request get a value that may be of a wrong type, size or
// sign. Each call resolves or rejects with a known code; nothing crashes, hangs or throws.
// usage: node scripts/check-long/native-surface.mjs [COUNT] [SEED]
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { main } from '../support/console.mjs'
import { inRoot } from '../support/paths.mjs'
import { randomFrom } from '../support/random.mjs'

const { openSurface, modelBefore, call, places, changed } = createRequire(import.meta.url)('../../test/support/native-surface.cjs')
const FAMILIES = ['bert', 'distilbert', 'mpnet', 'roberta']
const CASES_A_CHILD = 2000
const CASE_MS = 60_000
const self = fileURLToPath(import.meta.url)

/** Valid sizes cost memory and time, so none is larger than this, unless it is so large that it must be rejected. */
const NUMBERS = [-(2 ** 53), -(2 ** 31), -1000, -1, 0, 1, 2, 3, 7, 15, 64, 1000, 2 ** 40, 2 ** 53 - 1, 2 ** 53, 0.5, 1e-300, NaN, Infinity]
const THREADS = [-1, 0, 1, 2, 2 ** 31, 2 ** 53 - 1]
const OTHERS = [
  undefined,
  null,
  true,
  false,
  'x',
  '',
  'normalize',
  'bce',
  'cpu',
  'cuda:0',
  '\0',
  {},
  [],
  [0],
  ['mean', 'max'],
  [1, 2, 3],
  1n,
]
const ARRAYS = [Int32Array, Float32Array, Float64Array, Uint8Array, BigInt64Array]

function drawn(random, { at, value }) {
  const number = () => random.pick(at.at(-1) === 'threads' ? THREADS : NUMBERS)
  if (ArrayBuffer.isView(value) && random.below(4) > 0) return drawnArray(random, value)
  if (Array.isArray(value) && random.below(3) > 0) {
    const kept = value.filter(() => random.below(3) > 0)
    return random.below(2) > 0 ? [...kept, ...value.slice(0, 2)] : kept
  }
  if (typeof value === 'number' && random.below(4) > 0) return number()
  return random.below(3) > 0 ? random.pick(OTHERS) : random.below(2) > 0 ? number() : new (random.pick(ARRAYS))(random.below(40))
}

function drawnArray(random, value) {
  const wrong = Array.from(value)
  for (let i = random.below(4); i >= 0; i--) {
    const change = random.below(4)
    if (change === 0) wrong.splice(random.below(wrong.length + 1), 1)
    else if (change === 1) wrong.push(random.pick(wrong) ?? 0)
    else if (wrong.length > 0) wrong[random.below(wrong.length)] = random.pick([-(2 ** 31), -100, -1, 0, 1, 2, 5, 8, 1000, 2 ** 31 - 1])
  }
  return value.constructor.from(wrong, value instanceof BigInt64Array ? BigInt : Number)
}

function drawnArguments(random, args) {
  for (let i = random.below(3); i >= 0; i--) {
    const place = random.pick(places(args))
    if (place === undefined) return args
    args = changed(args, place.at, drawn(random, place))
  }
  return args
}

/** Prints the number of each case before it runs, and each fault. */
async function child(seed, from, to) {
  const { ERROR_CODES } = await import('../../dist/index.js')
  let refused = 0
  for (let i = from; i < to; i++) {
    const random = randomFrom(seed * 1_000_003 + i)
    surfaces[i % FAMILIES.length] ??= await openSurface(inRoot('test/fixtures/models', FAMILIES[i % FAMILIES.length]))
    const surface = surfaces[i % FAMILIES.length]
    const step = random.below(surface.steps.length)
    const [method, args] = surface.steps[step]
    const wrong = drawnArguments(random, args)
    process.send({ begins: i, method })
    const model = await modelBefore(surface, step)
    const outcome = await call(model, method, wrong)
    if (outcome !== 'ok' && !ERROR_CODES.includes(outcome)) process.send({ fault: `case ${i}, ${method}: ${outcome}` })
    if (outcome !== 'ok') refused++
    // Objects from accepted requests are used once more.
    const after = await call(model, ...surface.steps[1])
    if (step > 0 && after !== 'ok' && after !== 'ERR_INTERNAL') process.send({ fault: `case ${i}, encode after ${method}: ${after}` })
    await model.dispose()
  }
  process.send({ refused })
  process.disconnect()
}
const surfaces = []

/** Runs the cases from `from` in a separate process, in `folder`, since an invalid path may be relative. Resolves with the last case reached. */
function run(seed, from, to, tally, folder) {
  return new Promise((resolve) => {
    const process_ = spawn(process.execPath, [self, '--child', seed, from, to], {
      cwd: folder,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    let last = { begins: from, method: 'start' }
    let timer
    process_.on('message', (message) => {
      clearTimeout(timer)
      timer = setTimeout(() => process_.kill('SIGKILL'), CASE_MS)
      if (message.begins !== undefined) last = message
      if (message.fault) tally.faults.push(message.fault)
      if (message.refused !== undefined) tally.refused += message.refused
    })
    process_.on('close', (code, signal) => {
      clearTimeout(timer)
      if (code === 0) return resolve(to)
      tally.faults.push(`case ${last.begins}, ${last.method}: the process ended with ${signal ?? code}`)
      resolve(last.begins + 1)
    })
  })
}

if (process.argv[2] === '--child') await child(...process.argv.slice(3).map(Number))
else {
  await main(async () => {
    const [count = 20_000, seed = 1] = process.argv.slice(2).map(Number)
    const tally = { refused: 0, faults: [] }
    const folder = mkdtempSync(join(tmpdir(), 'sentorch-surface-'))
    try {
      for (let next = 0; next < count;) next = await run(seed, next, Math.min(count, next + CASES_A_CHILD), tally, folder)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
    for (const fault of tally.faults) console.error(fault)
    console.log(`${count} wrong requests to the native surface, seed ${seed}: ${tally.refused} refused, ${tally.faults.length} faults`)
    if (tally.faults.length > 0) process.exitCode = 1
  })
}
