import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const root = path.resolve(__dirname, '../..')
let folder: string

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentorch-scripts-'))
})

afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
    fs.writeFileSync(path.join(folder, name), text)
  }
}

function node(args: string[], env: NodeJS.ProcessEnv = {}): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1', ...env } })
}

/** A clone as git leaves it: nothing installed, nothing built. */
function bareClone(): void {
  fs.cpSync(path.join(root, 'scripts'), path.join(folder, 'scripts'), { recursive: true })
  for (const name of ['package.json', 'package-lock.json', 'tsconfig.json']) fs.copyFileSync(path.join(root, name), path.join(folder, name))
}

describe('check-layers', () => {
  const check = () => node([path.join(root, 'scripts/check-layers.mjs'), folder])

  test('is content with what keeps to the borders', () => {
    write({
      'native/core/a.h': '#include <ATen/ATen.h>\n',
      'native/binding/a.cc': '#include <napi.h>\n',
      'lib/index.ts': "export * from './metrics/f1'\n",
      'lib/native/addon.ts': 'export const addon = 1\n',
      'lib/metrics/f1.ts': "import type { addon } from '../native/addon'\nimport { x } from '../base/pure'\n",
      'lib/base/pure.ts': "import type { y } from './other'\nexport const x = 1\n",
      'lib/base/other.ts': "import type { x } from './pure'\nexport const y = 1\n",
      'lib/base/long.ts': '\n'.repeat(400),
    })
    expect(check()).toMatchObject({ status: 0, stderr: '' })
  })

  test.each([
    ['Node in the core', { 'native/core/a.cc': '\n#include <napi.h>\n' }, 'native/core/a.cc:2  the core knows no Node'],
    ['torch in the binding', { 'native/binding/a.cc': '#include <ATen/ATen.h>\n' }, 'native/binding/a.cc:1  the binding knows no torch'],
    ['a torch type in the binding', { 'native/binding/x/a.h': 'c10::Device d;\n' }, 'native/binding/x/a.h:1  the binding knows no torch'],
    [
      'the core in the binding',
      { 'native/binding/a.cc': '#include "core/model.h"\n' },
      'native/binding/a.cc:1  the binding knows the core by',
    ],
    [
      'a module of dist/ that is not in lib/',
      { 'lib/base/there.ts': '', 'scripts/x.mjs': "require('../dist/base/there.js')\nrequire('dist/base/gone.js')\n" },
      'scripts/x.mjs  opens dist/base/gone.js, but lib/base/gone.ts does not exist',
    ],
    ['torch in the border', { 'native/engine/a.h': 'at::Tensor t;\n' }, 'native/engine/a.h:1  the border knows no torch'],
    ['torch in the common part', { 'native/common/a.h': 'at::Tensor t;\n' }, 'native/common/a.h:1'],
    ['the addon in the metrics', { 'lib/metrics/f1.ts': "import load from 'node-gyp-build'\n" }, 'lib/metrics/f1.ts → node-gyp-build'],
    [
      'the addon behind another module',
      {
        'lib/data/csv.ts': "export * from '../files/mid'\n",
        'lib/files/mid.ts': "import { a } from '../native/addon'\n",
        'lib/native/addon.ts': '',
      },
      'lib/data/csv.ts → lib/files/mid.ts → lib/native/addon.ts',
    ],
    ['a long file', { 'lib/base/a.ts': '\n'.repeat(401) }, 'lib/base/a.ts  401 lines'],
    ['a loose file', { 'lib/a.ts': '' }, 'lib/a.ts  belongs into a room'],
    ['a room without a floor', { 'lib/attic/a.ts': '' }, "lib/attic/a.ts  the room 'attic' stands on no floor"],
    [
      'an import of a room above',
      { 'lib/base/a.ts': "import { b } from '../files/b'\n", 'lib/files/b.ts': '' },
      'lib/base/a.ts  imports upwards: base is not above files',
    ],
    [
      'an import of a room on the same floor',
      { 'lib/hub/a.ts': "export { b } from '../data/b'\n", 'lib/data/b.ts': '' },
      'lib/hub/a.ts  imports upwards: hub is not above data',
    ],
    [
      'a circle of imports',
      { 'lib/base/a.ts': "import './b'\n", 'lib/base/b.ts': "import { c } from './c'\n", 'lib/base/c.ts': "import { a } from './a'\n" },
      'lib/base/a.ts  a circle of imports: lib/base/a.ts → lib/base/b.ts → lib/base/c.ts → lib/base/a.ts',
    ],
    [
      'a third circle of types',
      Object.fromEntries(
        [1, 2, 3].flatMap((i) => [
          [`lib/base/a${i}.ts`, `import type { b } from './b${i}'\n`],
          [`lib/base/b${i}.ts`, `import { type a } from './a${i}'\n`],
        ]),
      ),
      'more than 2 circles of types: lib/base/a1.ts → lib/base/b1.ts → lib/base/a1.ts',
    ],
  ])('refuses %s', (_, files, message) => {
    write(files)
    const { status, stderr } = check()
    expect(status).toBe(1)
    expect(stderr).toContain(message)
  })
})

test('check-api refuses a changed signature, and nothing else, until the report is written again', () => {
  const check = (...args: string[]) => node([path.join(root, 'scripts/check-api.mjs'), ...args, folder])
  const double = 'export function double(value: number): number {\n  return 2 * value\n}\n'
  const kinds = "const KINDS = ['a', 'b'] as const\nexport type Kind = (typeof KINDS)[number]\n"
  write({
    'package.json': '{ "name": "sentorch", "version": "0.0.0" }',
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        target: 'es2023',
        module: 'node20',
        declaration: true,
        stripInternal: true,
        skipLibCheck: true,
        types: [],
        rootDir: 'lib',
      },
      include: ['lib/**/*.ts', 'binding.d.ts'],
    }),
    'binding.d.ts': 'export interface Native {}\n',
    'lib/index.ts': double + kinds,
  })
  expect(check('--write')).toMatchObject({ status: 0, stderr: '' })

  write({
    'lib/index.ts': `/** Twice. */\n${double.replace('2 * value', 'value + value')}${kinds}/** @internal */\nexport const hidden = 1\n`,
  })
  expect(check()).toMatchObject({ status: 0, stderr: '' })

  write({ 'lib/index.ts': double.replace('value: number', 'value: number | string') + kinds.replace("'b'", "'c'") })
  const { status, stderr } = check()
  expect(status).toBe(1)
  expect(stderr).toContain('-export function double(value: number): number;\n+export function double(value: number | string): number;')
  expect(stderr).toContain('+const KINDS: readonly ["a", "c"];')
  expect(stderr).toContain('run `npm run api` and say in CHANGELOG.md')
  expect(fs.readdirSync(path.join(folder, 'build'))).toEqual([])
})

test('prepare without the development packages says one line and is no failure', () => {
  bareClone()
  expect(node(['scripts/prepare.mjs'])).toEqual(
    expect.objectContaining({
      status: 0,
      stderr: '',
      stdout: 'sentorch: nothing is built here, the development packages are not installed.\n',
    }),
  )
})

test.each(['quickstart', 'test', 'setup'])(
  '%s on a machine without tools names all that is missing before anything is downloaded',
  (name) => {
    bareClone()
    const { status, stdout, stderr } = node([`scripts/${name}.mjs`], { PATH: folder, CXX: '' })
    expect(status).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain('needs CMake and a C++20 compiler and make or ninja')
    expect(stderr).not.toContain('    at ')
  },
)

test('the command that installs the missing tools fits the machine', () => {
  bareClone()
  write({ 'bin/apt-get': '', 'bin/make': '' })
  const { stderr } = node(['scripts/setup.mjs'], { PATH: path.join(folder, 'bin'), CXX: '' })
  expect(stderr).toContain('sudo apt-get install -y cmake g++\n')
})

test('packages are stale when the lock file names another version', () => {
  bareClone()
  const program = "import('./scripts/support/packages.mjs').then(({ packagesAreStale }) => console.log(packagesAreStale()))"
  const lock = JSON.parse(fs.readFileSync(path.join(folder, 'package-lock.json'), 'utf8'))
  const stale = () => node(['-e', program]).stdout.trim()
  expect(stale()).toBe('true')
  const installed = structuredClone(lock)
  delete installed.packages['']
  write({ 'node_modules/.package-lock.json': JSON.stringify(installed) })
  expect(stale()).toBe('false')
  installed.packages['node_modules/typescript'].version = '1.0.0'
  write({ 'node_modules/.package-lock.json': JSON.stringify(installed) })
  expect(stale()).toBe('true')
})

test('prebuilds take the libraries that are built already; without them, or with newer sources, they are built', () => {
  bareClone()
  write({ 'CMakeLists.txt': '', 'native/a.cc': '', 'build/Release/sentorch.node': 'addon', 'build/Release/libsentorch_core.so': 'core' })
  write({ 'build/.built': '', 'work/here': '' })
  const shim = () =>
    spawnSync(process.execPath, [path.join(folder, 'scripts/cmake-shim.mjs'), 'rebuild'], {
      cwd: path.join(folder, 'work'),
      encoding: 'utf8',
      env: { PATH: folder, CXX: '' },
    })
  const made = (name: string) => fs.readFileSync(path.join(folder, 'work/build/Release', name), 'utf8')
  expect(shim()).toMatchObject({ status: 0, stdout: '', stderr: '' })
  expect([made('sentorch.node'), made('libsentorch_core.so')]).toEqual(['addon', 'core'])

  fs.utimesSync(path.join(folder, 'native/a.cc'), new Date(), new Date(Date.now() + 5000))
  const { status, stderr } = shim()
  expect(status).toBe(1)
  expect(stderr).toContain('sentorch is built from source here')
})
