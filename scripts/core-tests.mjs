// Builds and runs the program that tests the native core without Node (test/core/).
// usage: node scripts/core-tests.mjs [--sanitize] [-- ARGUMENTS OF DOCTEST]
//   --sanitize   under AddressSanitizer and UndefinedBehaviorSanitizer
import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { buildCoreTests } from './build-native.mjs'
import { Explained, main, note, step } from './support/console.mjs'
import { finder } from './support/libtorch.mjs'
import { run } from './support/process.mjs'

const HEADER = 'doctest/doctest.h'
const FOLDERS = ['/usr/include', '/usr/local/include', '/opt/homebrew/include']

/** If doctest's header is missing: prints a note and does nothing, or fails in CI. */
export async function testCore({ sanitize = false, args = [] } = {}) {
  if (!FOLDERS.some((folder) => fs.existsSync(path.join(folder, HEADER)))) {
    const how = 'The tests of the native core need doctest (Debian: apt-get install doctest-dev)'
    if (process.env.CI) throw new Explained(`${how}.`)
    return note(`${how}: they are skipped.`)
  }
  const program = await step(`Building the tests of the core${sanitize ? ', instrumented' : ''}`, () => buildCoreTests(sanitize))
  const libtorch = await finder().findLibtorch()
  const folders = [...new Set(libtorch.libraries.map((file) => path.dirname(file)))]
  const env = {
    ...process.env,
    [process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH']: folders.join(':'),
    // libtorch is not instrumented, and keeps memory until the process ends.
    ASAN_OPTIONS: 'detect_leaks=0',
    UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
  }
  await step('Testing the core', () => run(program, args, { env }))
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [options, args] = split(process.argv.slice(2))
  await main(() => testCore({ sanitize: options.includes('--sanitize'), args }))
}

function split(all) {
  const at = all.indexOf('--')
  return at < 0 ? [all, []] : [all.slice(0, at), all.slice(at + 1)]
}
