// Runs the binding's runtime (threads, queues, promises, opening libraries) under ThreadSanitizer, with substitutes for Node and for the core
// (test/runtime/): models that are created and disposed of on several JavaScript threads, then processes that exit while models work.
// usage: node scripts/check-long/threads.mjs [MODELS] [SEED]      Linux with GCC or Clang
import { buildRuntimeTest } from '../build-native.mjs'
import { Explained, main, note } from '../support/console.mjs'
import { capture } from '../support/process.mjs'

const [models = 100_000, seed = 1] = process.argv.slice(2).map(Number)
const ends = Math.ceil(models / 100)
const REPORT = /WARNING: ThreadSanitizer/

await main(async () => {
  const { program, core } = await buildRuntimeTest()
  const env = { ...process.env, TSAN_OPTIONS: 'exitcode=66 atexit_sleep_ms=20 second_deadlock_stack=1' }
  const runs = (...args) => capture(program, args, { env, timeout: 10 * 60_000 })

  const race = await runs('race')
  if (!REPORT.test(race.output)) throw new Explained(`ThreadSanitizer does not report a deliberate data race.\n${race.output}`)
  note('a deliberate data race is reported')

  let failed = 0
  const check = async (name, ...args) => {
    const { code, signal, output } = await runs(...args)
    if (code === 0 && output === '') return
    failed++
    console.error(`${name}: ${signal ?? `exit code ${code}`}\n${output.slice(0, 8000)}`)
  }
  await check('models', core, 'lives', String(models), String(seed))
  note(`${models} models`)
  for (let i = 0; i < ends; i++) await check(`exit, seed ${seed + i}`, core, 'exit', String(seed + i))
  note(`${ends} ends of a process`)
  console.log(`${models} models and ${ends} ends of a process under ThreadSanitizer (seed ${seed}): ${failed} runs with findings`)
  if (failed > 0) process.exitCode = 1
})
