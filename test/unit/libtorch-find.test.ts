import { chmodSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { cacheFolder, findLibtorch, installedFolder } from '../../lib/libtorch/find'
import { inspect, readNeeded } from '../../lib/libtorch/inspect'
import { elf } from '../support/elf'
import { withEnvironment } from '../support/environment'
import { scratch, writeFiles } from '../support/scratch'

const linux = process.platform === 'linux' && process.arch === 'x64'
const version = (text: string) => `from typing import Optional\n\n__version__ = '${text}'\ndebug = False\n`
const libraries = (prefix: string): Record<string, Buffer> => ({
  [`${prefix}libc10.so`]: elf(['libc.so.6']),
  [`${prefix}libgomp.so.1`]: elf(['libc.so.6']),
  [`${prefix}libtorch_cpu.so`]: elf(['libc10.so', 'libgomp.so.1', 'libcupti.so.13', 'libm.so.6']),
})
const sitePackages = (torchVersion = '2.11.0+cu130'): Record<string, unknown> => ({
  'torch/version.py': version(torchVersion),
  ...libraries('torch/lib/'),
  'nvidia/cu13/lib/libcupti.so.13': elf([]),
})

function folderOf(files: Record<string, unknown>): string {
  const folder = scratch()
  writeFiles(folder, files)
  return folder
}

/** A `python3` that notes that it was started and answers with this torch folder. */
function fakePython(origin: string | null): string {
  const bin = scratch()
  const answer = JSON.stringify({ executable: '/opt/python3', origin })
  writeFileSync(join(bin, 'python3'), `#!/bin/sh\ntouch "${bin}/started"\npwd > "${bin}/cwd"\necho '${answer}'\n`)
  chmodSync(join(bin, 'python3'), 0o755)
  withEnvironment({ PATH: `${bin}:/usr/bin:/bin` })
  return join(bin, 'started')
}

let cache: string
beforeEach(() => {
  cache = scratch()
  withEnvironment({ SENTORCH_CACHE: cache, SENTORCH_LIBTORCH: undefined })
})

describe('inspect', () => {
  const look = (files: Record<string, unknown>, at = '') => inspect(join(folderOf(files), at), 'linux-x64')

  test.each([
    ['site-packages', sitePackages(), '', 'torch'],
    ['a torch folder', sitePackages(), 'torch', 'torch'],
    ['an unzipped libtorch', { 'libtorch/build-version': '2.11.0+cpu\n', ...libraries('libtorch/lib/') }, 'libtorch', 'libtorch'],
    ['a version with a type', { ...sitePackages(), 'torch/version.py': "__version__: str = '2.11.0'" }, '', 'torch'],
  ])('%s', async (_, files, at, root) => {
    const { installation } = await look(files, at)
    expect(installation!.root.split('/').at(-1)).toBe(root)
    expect(installation!.libraryDir).toBe(join(installation!.root, 'lib'))
    expect(installation!.version).toMatch(/^2\.11\.0/)
  })

  test('what a library needs comes before it, once, and from beside it alone', async () => {
    const { installation } = await look({
      ...sitePackages(),
      'torch/lib/libtorch_cpu.so': elf(['libc10.so', 'libgomp.so.1', 'libcupti.so.13', 'libcudart.so.13', 'libc.so.6']),
      'nvidia/cu13/lib/libcudart.so.13': elf([]),
      'nvidia/cu13/lib/libcupti.so.13': elf(['libcudart.so.13', 'libnvperf.so']),
      'nvidia/other/lib/libnvperf.so': elf([]),
      'nvidia/other/lib/libunused.so': elf([]),
      'libc.so.6': elf([]),
    })
    const names = installation!.libraries.map((path) => path.split('/').at(-1))
    expect(names).toEqual(['libc10.so', 'libgomp.so.1', 'libcudart.so.13', 'libnvperf.so', 'libcupti.so.13', 'libtorch_cpu.so'])
    expect(installation!.cudaLibraries).toEqual([])
    expect(installation!.includeDirs).toEqual([])
  })

  test('CUDA libraries are listed apart; a ring of needs ends', async () => {
    const { installation } = await look({
      ...sitePackages(),
      'torch/lib/libc10_cuda.so': elf(['libc10.so', 'libtorch_cuda.so']),
      'torch/lib/libtorch_cuda.so': elf(['libc10_cuda.so', 'libtorch_cpu.so', 'libtorch_nvshmem.so', 'libcudnn.so.9']),
      'torch/lib/libtorch_nvshmem.so': elf(['libnvshmem_host.so.3']),
      'nvidia/nvshmem/lib/libnvshmem_host.so.3': elf([]),
      'nvidia/cudnn/lib/libcudnn.so.9': elf([]),
      'torch/include/ATen/ATen.h': '',
    })
    const names = installation!.cudaLibraries.map((path) => path.split('/').at(-1))
    expect([...names].sort()).toEqual(['libc10_cuda.so', 'libcudnn.so.9', 'libnvshmem_host.so.3', 'libtorch_cuda.so'])
    expect(names.indexOf('libcudnn.so.9')).toBeLessThan(names.indexOf('libtorch_cuda.so'))
    expect(installation!.includeDirs.map((path) => path.slice(installation!.root.length))).toEqual([
      '/include',
      '/include/torch/csrc/api/include',
    ])
  })

  test.each([
    ['an empty folder', { x: '' }, /no torch\/version\.py/, undefined],
    ['another version', sitePackages('2.9.1+cu128'), /^torch 2\.9\.1\+cu128$/, '2.9.1+cu128'],
    ['a version that only begins alike', sitePackages('2.11.01'), /^torch 2\.11\.01$/, '2.11.01'],
    ['no libraries', { 'torch/version.py': version('2.11.0') }, /without libc10\.so and libtorch_cpu\.so/, undefined],
    ['a version file without one', { 'torch/version.py': 'x = 1' }, /no torch\/version\.py/, undefined],
    ['a folder for a version file', { 'torch/version.py/x': '' }, /no torch\/version\.py/, undefined],
  ])('%s is described', async (_, files, found, wrong) => {
    expect(await look(files)).toEqual({ installation: null, found: expect.stringMatching(found), version: wrong })
  })

  test('a platform that the table lacks is said', async () => {
    expect(await inspect(folderOf(sitePackages()), 'sunos-x64')).toMatchObject({ found: expect.stringContaining('sunos-x64') })
  })

  test.each([
    ['darwin-arm64', ['libc10.dylib', 'libomp.dylib', 'libtorch_cpu.dylib'], ['libomp.dylib', 'libc10.dylib', 'libtorch_cpu.dylib']],
    ['win32-x64', ['c10.dll', 'torch_cpu.dll', 'uv.dll', 'asmjit.dll'], ['uv.dll', 'c10.dll', 'torch_cpu.dll']],
  ])('%s opens by the table', async (platform, there, opened) => {
    const files = Object.fromEntries(there.map((name) => [`torch/lib/${name}`, 'no ELF']))
    const { installation } = await inspect(folderOf({ 'torch/version.py': version('2.11.0'), ...files }), platform)
    expect(installation!.libraries.map((path) => path.split('/').at(-1))).toEqual(opened)
  })
})

;(linux ? describe : describe.skip)('findLibtorch', () => {
  test('the option goes before all else, and is never passed over', async () => {
    const started = fakePython(null)
    const [good, other] = [folderOf(sitePackages()), folderOf(sitePackages())]
    withEnvironment({ SENTORCH_LIBTORCH: other })
    expect(await findLibtorch({ path: good })).toMatchObject({ source: 'option', root: join(good, 'torch') })
    await expect(findLibtorch({ path: '/nowhere' })).rejects.toMatchObject({
      code: 'ERR_LIBTORCH_MISSING',
      detail: { places: [{ place: '/nowhere', found: 'does not exist' }] },
    })
    expect(existsSync(started)).toBe(false)
  })

  test('what is relative comes out absolute', async () => {
    const folder = folderOf(sitePackages())
    const { root, libraries } = await findLibtorch({ path: relative(process.cwd(), folder) })
    expect([root, libraries[0]]).toEqual([join(folder, 'torch'), join(folder, 'torch/lib/libc10.so')])
  })

  test('the environment goes before the cache, and is never passed over', async () => {
    const started = fakePython(null)
    writeFiles(installedFolder(), sitePackages())
    withEnvironment({ SENTORCH_LIBTORCH: folderOf(sitePackages('2.10.0')) })
    await expect(findLibtorch()).rejects.toMatchObject({
      code: 'ERR_LIBTORCH_VERSION',
      message: expect.stringContaining('SENTORCH_LIBTORCH'),
    })
    const chosen = folderOf(sitePackages())
    withEnvironment({ SENTORCH_LIBTORCH: chosen })
    expect(await findLibtorch()).toMatchObject({ source: 'environment', root: join(chosen, 'torch') })
    expect(existsSync(started)).toBe(false)
  })

  test('the cache goes before Python, which is not started', async () => {
    const started = fakePython(null)
    writeFiles(installedFolder(), sitePackages())
    expect(await findLibtorch()).toMatchObject({ source: 'cache', root: join(installedFolder(), 'torch') })
    expect(existsSync(started)).toBe(false)
  })

  test('a Python torch of any suffix will do, asked from the root folder', async () => {
    const folder = folderOf(sitePackages('2.11.0+cpu'))
    const started = fakePython(join(folder, 'torch', '__init__.py'))
    expect(await findLibtorch()).toMatchObject({ source: 'python', version: '2.11.0+cpu', root: join(folder, 'torch') })
    expect(readFileSync(join(dirname(started), 'cwd'), 'utf8')).toBe('/\n')
  })

  test('the real python3 is asked without importing torch', async () => {
    const trap = folderOf({ 'torch/__init__.py': 'raise SystemExit("imported")', ...sitePackages() })
    withEnvironment({ PYTHONPATH: trap })
    expect(await findLibtorch()).toMatchObject({ source: 'python', root: join(trap, 'torch') })
  })

  test('the error lists every place, what is there, and the command', async () => {
    const folder = folderOf(sitePackages('2.9.1+cu128'))
    fakePython(join(folder, 'torch', '__init__.py'))
    const error = await findLibtorch().catch((error: Error) => error)
    expect(error).toMatchObject({ code: 'ERR_LIBTORCH_VERSION' })
    for (const part of [
      '2.11.0',
      'SENTORCH_LIBTORCH',
      installedFolder(),
      'does not exist',
      '2.9.1+cu128',
      'npx sentorch install-libtorch',
    ]) {
      expect((error as Error).message).toContain(part)
    }
    expect((error as any).detail.places).toHaveLength(4)
  })

  test.each([
    ['no torch', null, /\/opt\/python3 has no torch/],
    ['no Python', undefined, /does not respond/],
  ])('%s', async (_, origin, message) => {
    if (origin === undefined) withEnvironment({ PATH: scratch() })
    else fakePython(origin)
    await expect(findLibtorch()).rejects.toMatchObject({ code: 'ERR_LIBTORCH_MISSING', message: expect.stringMatching(message) })
  })
})

describe('readNeeded', () => {
  test('of a small library, and of Node itself', async () => {
    const file = join(scratch(), 'x.so')
    writeFileSync(file, elf(['liba.so', 'libb.so.6']))
    expect(await readNeeded(file)).toEqual(['liba.so', 'libb.so.6'])
    if (process.platform === 'linux') expect(await readNeeded(process.execPath)).toContain('libc.so.6')
  })

  test.each([0, 10, 63, 100, 150, 200])('null where the file ends after %d bytes', async (length) => {
    const file = join(scratch(), 'x.so')
    writeFileSync(file, elf(['liba.so', 'libb.so.6']).subarray(0, length))
    expect(await readNeeded(file)).toBeNull()
  })

  test('null for what is no file', async () => {
    const folder = scratch()
    symlinkSync('loop', join(folder, 'loop'))
    expect(await readNeeded(join(folder, 'loop'))).toBeNull()
    expect(await readNeeded(join(folder, 'absent'))).toBeNull()
  })
})

test.each([
  [{ SENTORCH_CACHE: '/c' }, 'linux', '/c'],
  [{ XDG_CACHE_HOME: '/x' }, 'linux', '/x/sentorch'],
  [{ LOCALAPPDATA: '/l' }, 'win32', '/l/sentorch/Cache'],
] as const)('cacheFolder of %j on %s', (env, platform, folder) => {
  expect(cacheFolder(env as NodeJS.ProcessEnv, platform)).toBe(folder)
})
