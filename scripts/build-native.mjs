// Builds build/Release/sentorch.node and libsentorch_core from native/ with cmake-js.
// usage: node scripts/build-native.mjs [--force | --sanitize]
//   --sanitize  builds into build/sanitize/build/Release with AddressSanitizer and UndefinedBehaviorSanitizer; SENTORCH_PREBUILD=build/sanitize
//               makes the package load it (scripts/check-long/sanitizers.mjs)
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { Explained, main, note, ready } from './support/console.mjs'
import { modified, newest, stamp } from './support/freshness.mjs'
import { finder } from './support/libtorch.mjs'
import { inRoot, root } from './support/paths.mjs'
import { capture } from './support/process.mjs'
import { requireBuildTools } from './support/tools.mjs'
import { buildTypeScript, typescriptIsStale } from './support/typescript.mjs'

const build = inRoot('build')
const stampFile = path.join(build, '.built')
const log = path.join(build, 'build.log')
const CORE = { linux: 'libsentorch_core.so', darwin: 'libsentorch_core.dylib', win32: 'sentorch_core.dll' }

const SANITIZE = ['--CDSENTORCH_SANITIZE=ON']

const names = ['sentorch.node', CORE[process.platform] ?? CORE.linux]

/** The folder of the instrumented build, as SENTORCH_PREBUILD takes it. */
export const sanitized = path.join(build, 'sanitize')

export const outputs = filesOf(build)

function filesOf(folder) {
  return names.map((name) => path.join(folder, 'Release', name))
}

export function nativeIsStale() {
  return !outputs.every((file) => fs.existsSync(file)) || newest(inRoot('native'), inRoot('CMakeLists.txt')) > modified(stampFile)
}

export async function buildNative() {
  const began = Date.now()
  dropForeignBuild()
  await compile(build)
  stamp(stampFile, began)
}

export async function buildSanitized() {
  await compile(path.join(sanitized, 'build'), { definitions: SANITIZE })
}

/** Builds the test program of the core (scripts/core-tests.mjs) in the addon's build tree or in the instrumented one. Returns its path. */
export async function buildCoreTests(sanitize) {
  const folder = sanitize ? path.join(sanitized, 'build') : build
  if (!sanitize) dropForeignBuild()
  const program = path.join(folder, process.platform === 'win32' ? 'Release/sentorch_core_test.exe' : 'sentorch_core_test')
  await compile(folder, { definitions: sanitize ? SANITIZE : [], target: 'sentorch_core_test', made: [program] })
  return program
}

/** Builds the program and the substitute for the core that scripts/check-long/threads.mjs runs under ThreadSanitizer. Returns their paths. */
export async function buildRuntimeTest() {
  dropForeignBuild()
  const program = path.join(build, 'sentorch_runtime_test')
  const core = path.join(build, 'libsentorch_stub_core.so')
  await compile(build, { target: 'sentorch_runtime_test', made: [program, core] })
  return { program, core }
}

async function compile(folder, { definitions: more = [], target, made = filesOf(folder) } = {}) {
  requireBuildTools()
  const libtorch = await finder().findLibtorch()
  if (libtorch.includeDirs.length === 0) {
    throw new Explained(
      `The libtorch in ${libtorch.root} has no headers, which the build needs.\n  Set SENTORCH_LIBTORCH to one with headers, or unset it and run: npx sentorch install-libtorch`,
    )
  }
  note(`libtorch ${libtorch.version} from ${libtorch.root}`)
  const out = ['--out', folder]
  const definitions = [`--CDSENTORCH_TORCH_INCLUDE=${libtorch.includeDirs.join(';')}`, `--CDSENTORCH_TORCH_LIB=${libtorch.libraryDir}`]
  // Not `compile`, which would start a second, clean build after a compiler error.
  await cmake(['configure', ...out, ...definitions, ...more])
  await cmake(['build', ...out, ...(target ? ['--target', target] : []), '--parallel', String(jobs())])
  for (const file of made)
    if (!fs.existsSync(file)) throw new Explained(`The build succeeded, but did not produce ${path.relative(root, file)}.`)
}

/** CMake rejects a build tree that was configured in another folder, as after a checkout was moved or copied. */
function dropForeignBuild() {
  const cache = path.join(build, 'CMakeCache.txt')
  if (!fs.existsSync(cache)) return
  const home = /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(fs.readFileSync(cache, 'utf8'))?.[1]
  if (home === undefined || path.resolve(home) !== root) fs.rmSync(build, { recursive: true })
}

/** A compiler process that reads torch's headers needs more than a gigabyte. */
function jobs() {
  return Math.max(1, Math.min(os.availableParallelism(), Math.floor(os.totalmem() / 1.5e9)))
}

async function cmake(args) {
  const cli = inRoot('node_modules/cmake-js/bin/cmake-js')
  const { code, output } = await capture(process.execPath, [cli, ...args, '--config', 'Release'], { onText: progress() })
  fs.mkdirSync(build, { recursive: true })
  fs.writeFileSync(log, output, { flag: args[0] === 'configure' ? 'w' : 'a' })
  if (code === 0) return
  console.log(output.trimEnd().split('\n').slice(-60).join('\n'))
  throw new Explained(`The native build failed at \`cmake-js ${args[0]}\` (above; all of it in ${path.relative(root, log)}).`)
}

/** Shows the build tool's percentage: on a terminal in one line that is rewritten, elsewhere in steps of ten. */
function progress() {
  let last = -1
  return (text) => {
    for (const line of text.split('\n')) {
      const match = /^\[\s*(?:(\d+)%|(\d+)\/(\d+))\]\s*(.*)/.exec(line)
      if (!match) continue
      const percent = match[1] ? Number(match[1]) : Math.round((100 * match[2]) / match[3])
      const file = match[4]
        .replace(/^(?:Building|Linking) CXX (?:object|shared library|shared module) /, '')
        .replace(/^.*\//, '')
        .replace(/\.o$/, '')
      if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K  ${String(percent).padStart(3)} %  ${percent < 100 ? file : '\n'}`)
      else if (percent >= last + 10) {
        note(`${String(percent).padStart(3)} %`)
        last = percent
      }
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    if (typescriptIsStale()) await buildTypeScript()
    if (process.argv.includes('--sanitize')) await buildSanitized()
    else if (process.argv.includes('--force') || nativeIsStale()) await buildNative()
    ready(`${process.argv.includes('--sanitize') ? 'build/sanitize' : 'build/Release'} is up to date`)
  })
}
