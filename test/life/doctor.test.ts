import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { brokenLibtorch } from '../support/broken-libtorch'
import { requireFreshDist } from '../support/dist'
import { scratch } from '../support/scratch'

const root = resolve(__dirname, '../..')

function doctor(env: NodeJS.ProcessEnv, packageRoot = root) {
  const { NODE_OPTIONS: _, ...inherited } = process.env
  const args = [join(packageRoot, 'bin', 'sentorch.js'), 'doctor', '--json']
  requireFreshDist()
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env: { ...inherited, ...env }, encoding: 'utf8' })
  return { status, stderr, diagnosis: JSON.parse(stdout) }
}

test('a whole libtorch: encode works, with kernels and a device', async () => {
  const { status, stderr, diagnosis } = doctor({ SENTORCH_LIBTORCH: await brokenLibtorch('', () => {}) })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(diagnosis).toMatchObject({ ok: true, devices: ['cpu'], libtorch: { found: { source: 'environment' } } })
  expect(diagnosis.cpuProbe.library.torchVersion).toMatch(/^2\.11\.0/)
})

const cut = (from: string, to: string): void => {
  copyFileSync(from, to)
  truncateSync(to, Math.floor(statSync(from).size / 2))
}

test.each([
  ['a truncated library', 'libc10.so', cut],
  ['a library that is text', 'libtorch_cpu.so', (_: string, to: string) => writeFileSync(to, 'text')],
])('%s is reported, and doctor lives', async (_, library, replace) => {
  const { status, stderr, diagnosis } = doctor({ SENTORCH_LIBTORCH: await brokenLibtorch(library, replace) })
  expect({ status, stderr }).toEqual({ status: 1, stderr: '' })
  expect(diagnosis.problems).toEqual([expect.objectContaining({ severity: 'error', problem: expect.stringContaining(library) })])
})

test('no libtorch, and one of another version', async () => {
  const missing = doctor({ SENTORCH_LIBTORCH: join(scratch(), 'nowhere') })
  expect(missing).toMatchObject({ status: 1, diagnosis: { ok: false, libtorch: { found: null } } })
  const other = await brokenLibtorch('', () => {})
  writeFileSync(join(other, 'torch', 'version.py'), "__version__ = '2.10.0'\n")
  const { status, diagnosis } = doctor({ SENTORCH_LIBTORCH: other })
  expect(status).toBe(1)
  expect(diagnosis.libtorch.places.at(-1).found).toBe('torch 2.10.0')
})

test('a package without its addon', async () => {
  const copy = scratch()
  for (const name of ['bin', 'dist', 'package.json']) cpSync(join(root, name), join(copy, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  const { status, stderr, diagnosis } = doctor({ SENTORCH_LIBTORCH: await brokenLibtorch('', () => {}) }, copy)
  expect({ status, stderr }).toEqual({ status: 1, stderr: '' })
  expect(diagnosis.addon.path).toBeNull()
  expect(diagnosis.problems).toEqual([
    expect.objectContaining({ severity: 'error', problem: expect.stringContaining('no native library') }),
  ])
  expect(diagnosis.cpu.features).toEqual(expect.objectContaining({ avx2: expect.any(Boolean) }))
})
