import { copyFileSync, mkdirSync, readdirSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { findLibtorch } from '../../lib/libtorch/find'
import { runProgram } from '../support/child'
import { FIXTURES } from '../support/variant'
import { scratch } from '../support/scratch'

const model = join(FIXTURES, 'models', 'bert')

/** The libtorch in use, file by file as links, with one library replaced. */
async function broken(library: string, replace: (from: string, to: string) => void): Promise<string> {
  const { libraryDir, libraries, version } = await findLibtorch()
  const root = scratch('sentorch-libtorch')
  const lib = join(root, 'torch', 'lib')
  mkdirSync(lib, { recursive: true })
  writeFileSync(join(root, 'torch', 'version.py'), `__version__ = '${version}'\n`)
  for (const name of readdirSync(libraryDir).filter((name) => statSync(join(libraryDir, name)).isFile())) {
    if (name === library) replace(join(libraryDir, name), join(lib, name))
    else symlinkSync(join(libraryDir, name), join(lib, name))
  }
  for (const file of libraries.filter((file) => dirname(file) !== libraryDir)) {
    const place = join(root, 'nvidia', 'cu13', 'lib')
    mkdirSync(place, { recursive: true })
    symlinkSync(file, join(place, basename(file)))
  }
  return root
}

async function load(root: string) {
  return runProgram('without-libtorch', { SENTORCH_LIBTORCH: root, SENTORCH_LIFE_MODEL: model })
}

test('require works without libtorch; the first use says where it looked', async () => {
  const ending = await load(join(scratch(), 'nowhere'))
  expect(ending).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(ending.stdout).toMatch(/^ERR_LIBTORCH_MISSING .*\n(.*\n)*.*nowhere.*\n(.*\n)*.*npx sentorch install-libtorch/)
})

test.each([
  ['half a library', 0.5],
  ['all but its last page', 0.999],
  ['an empty file', 0],
])('%s is an error, not the end of the process', async (_, share) => {
  const root = await broken('libc10.so', (from, to) => {
    copyFileSync(from, to)
    truncateSync(to, Math.floor(statSync(from).size * share))
  })
  const ending = await load(root)
  expect(ending).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(ending.stdout).toMatch(/^ERR_LIBTORCH_MISSING .*libc10\.so/)
})

test('a file that is no library', async () => {
  const root = await broken('libtorch_cpu.so', (_, to) => writeFileSync(to, 'version https://git-lfs.github.com/spec/v1\n'.repeat(9)))
  const ending = await load(root)
  expect(ending).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(ending.stdout).toMatch(/^ERR_LIBTORCH_MISSING .*libtorch_cpu\.so/)
})

test('another version', async () => {
  const root = await broken('', () => {})
  writeFileSync(join(root, 'torch', 'version.py'), "__version__ = '2.10.0+cpu'\n")
  const ending = await load(root)
  expect(ending).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(ending.stdout).toMatch(/^ERR_LIBTORCH_VERSION (.*\n)*.*2\.10\.0/)
})
