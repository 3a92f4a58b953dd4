// Runs an instrumented build of the addon and the core under AddressSanitizer and UndefinedBehaviorSanitizer, with the tests and programs that
// cover most of it. libtorch itself is not instrumented, but its allocations are checked too. soak.mjs looks for leaks instead: here they would be
// hidden by memory that we, Node and libtorch keep on purpose until the process ends.
// usage: node scripts/check-long/sanitizers.mjs [FUZZ_CASES] [SEED]      Linux with GCC
import { execFileSync } from 'node:child_process'
import { buildSanitized, sanitized } from '../build-native.mjs'
import { Explained, main, note } from '../support/console.mjs'
import { inRoot } from '../support/paths.mjs'
import { capture } from '../support/process.mjs'

const [fuzzCases = 2000, seed = 1] = process.argv.slice(2).map(Number)
const FINDING = /runtime error:|ERROR: AddressSanitizer|AddressSanitizer:DEADLYSIGNAL/
const fixture = (name) => inRoot('test/fixtures/models', name)
const jest = (...files) => [
  inRoot('node_modules/jest/bin/jest.js'),
  '--runInBand',
  '--silent',
  ...files.map((file) => `${file}\\.test\\.ts$`),
]

const RUNS = [
  ['wrong requests, bert', [inRoot('test/life/programs/native-surface.cjs'), fixture('bert')]],
  ['wrong requests, mpnet', [inRoot('test/life/programs/native-surface.cjs'), fixture('mpnet')]],
  ['wrong requests, drawn', [inRoot('scripts/check-long/native-surface.mjs'), String(fuzzCases), String(seed)]],
  ['a model that is collected', [inRoot('test/life/programs/held-and-let-go.cjs'), fixture('bert')]],
  ['inference', jest('test/model/executor', 'test/model/golden', 'test/model/heads', 'test/model/predict')],
  ['training', jest('test/model/training-golden', 'test/model/training-golden-variants', 'test/model/training-properties')],
  ['saving', jest('test/model/save', 'test/model/checkpoint')],
]

/** Libraries that must be loaded first if the program is not instrumented. */
function runtimes() {
  return ['libasan.so', 'libubsan.so']
    .map((name) => execFileSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim())
    .join(':')
}

await main(async () => {
  await buildSanitized()
  const env = {
    ...process.env,
    SENTORCH_PREBUILD: sanitized,
    LD_PRELOAD: runtimes(),
    // Requests for very large sizes must fail in the same way as without the sanitizer.
    ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1',
    UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
  }
  const loaded = await capture(process.execPath, ['-p', `require(${JSON.stringify(inRoot('dist/native/addon.js'))}).addonFile()`], { env })
  if (!loaded.output.startsWith(sanitized)) throw new Explained(`The instrumented build is not loaded, but ${loaded.output}`)
  let failed = 0
  for (const [name, args] of RUNS) {
    const { code, output } = await capture(process.execPath, args, { env })
    const sound = code === 0 && !FINDING.test(output)
    note(`${sound ? 'sound' : 'FAILED'}  ${name}`)
    if (sound) continue
    failed++
    console.error(output.slice(-8000))
  }
  console.log(`${RUNS.length} runs under AddressSanitizer and UndefinedBehaviorSanitizer: ${failed} with findings`)
  if (failed > 0) process.exitCode = 1
})
