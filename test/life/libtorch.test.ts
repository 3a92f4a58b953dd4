import { copyFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brokenLibtorch } from '../support/broken-libtorch'
import { runProgram } from '../support/child'
import { FIXTURES } from '../support/variant'
import { scratch } from '../support/scratch'

const model = join(FIXTURES, 'models', 'bert')

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
  const root = await brokenLibtorch('libc10.so', (from, to) => {
    copyFileSync(from, to)
    truncateSync(to, Math.floor(statSync(from).size * share))
  })
  const ending = await load(root)
  expect(ending).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(ending.stdout).toMatch(/^ERR_LIBTORCH_MISSING .*libc10\.so/)
})

test('a file that is no library', async () => {
  const root = await brokenLibtorch('libtorch_cpu.so', (_, to) =>
    writeFileSync(to, 'version https://git-lfs.github.com/spec/v1\n'.repeat(9)),
  )
  const ending = await load(root)
  expect(ending).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(ending.stdout).toMatch(/^ERR_LIBTORCH_MISSING .*libtorch_cpu\.so/)
})

test('another version', async () => {
  const root = await brokenLibtorch('', () => {})
  writeFileSync(join(root, 'torch', 'version.py'), "__version__ = '2.10.0+cpu'\n")
  const ending = await load(root)
  expect(ending).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(ending.stdout).toMatch(/^ERR_LIBTORCH_VERSION (.*\n)*.*2\.10\.0/)
})

test('libraries that do not fit are told apart by what is wrong, and the right ones can be opened afterwards', async () => {
  const ending = await runProgram('opens-wrongly', {})
  expect(ending).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(ending.stdout.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^ERR_LIBTORCH_MISSING .*libsentorch_core\.so cannot be opened: /),
    expect.stringMatching(/^ERR_LIBTORCH_VERSION .*libsentorch_core\.so cannot be loaded with the libtorch that was opened: /),
    expect.stringMatching(/^ERR_ADDON_MISSING .*libc10\.so is not the core of this package/),
    'opened',
  ])
})
