import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipArguments } from '../../lib/libtorch/pip'
import { keptMembers, parseRecord, recordPath } from '../../lib/libtorch/wheel-reader'
import { PLATFORMS, TORCH_VERSION, baseVersion } from '../../lib/libtorch/versions'

/** Lines of the RECORDs of the real wheels, and what the libraries in them need, as they were recorded from the files. */
type Listing = Record<string, { record: string[]; needed?: Record<string, string[]> }>
const listingOf = (platform: string) =>
  JSON.parse(readFileSync(join(__dirname, '../fixtures/libtorch', `${platform}.json`), 'utf8')) as Listing

const rows = Object.entries(PLATFORMS).map(([platform, row]) => ({ platform, row, listing: listingOf(platform) }))
const wheels = rows.flatMap(({ platform, row, listing }) =>
  [...row.wheels, ...(row.cudaWheels ?? [])].map((wheel) => ({ platform, wheel, file: wheel.file, recorded: listing[wheel.file] })),
)

test('the table has the four platforms', () => {
  expect(Object.keys(PLATFORMS).sort()).toEqual(['darwin-arm64', 'linux-arm64', 'linux-x64', 'win32-x64'])
})

describe.each(wheels)('$file', ({ wheel, recorded }) => {
  test('is named after its row', () => {
    expect(wheel.file.startsWith(`${wheel.name.replaceAll('-', '_')}-${wheel.version}-`)).toBe(true)
    expect(wheel.record).toMatch(/^[0-9a-f]{64}$/)
    expect(wheel.bytes).toBeGreaterThan(100_000)
    if (wheel.name === 'torch') expect(wheel.version).toBe(TORCH_VERSION)
  })

  test('holds what is kept of it, licences included', () => {
    const members = parseRecord(recorded!.record.join('\n'))
    const { kept, missing } = keptMembers(wheel, true, members)
    expect(missing).toEqual([])
    expect(kept.some(({ path }) => /LICENSE|License/.test(path))).toBe(true)
    expect(kept.filter(({ path }) => /\.(py|a)$/.test(path)).map(({ path }) => path)).toEqual(
      wheel.name === 'torch' ? ['torch/version.py'] : [],
    )
    expect(recorded!.record).toContain(`${recordPath(wheel)},,`)
  })
})

describe.each(rows)('$platform', ({ row, listing }) => {
  const names = (cuda: boolean) => {
    const all = [...row.wheels, ...(cuda ? (row.cudaWheels ?? []) : [])]
    return all.flatMap((wheel) => [...wheel.libraries, ...((cuda && wheel.cudaLibraries) || [])]).map((path) => path.split('/').at(-1)!)
  }

  test('keeps what is opened', () => {
    for (const name of row.open) expect(names(false)).toContain(name)
    if (row.cudaWheels) for (const name of row.openCuda) expect(names(true)).toContain(name)
  })

  const needed = Object.assign({}, ...Object.values(listing).map(({ needed = {} }) => needed)) as Record<string, string[]>
  const fromSystem = /^(lib(c|m|dl|rt|pthread|util|gcc_s|stdc\+\+|z)\.so\.\d|ld-linux.*|libcuda\.so\.1)$/
  // What nvshmem and cufile open when a network of that kind is there.
  const forNetworks = /^lib(ibverbs|mlx5|rdmacm|fabric|ucp|ucs|pmix|mpi|oshmem)\.so/
  const isForeign = (name: string) => fromSystem.test(name) || forNetworks.test(name)
  test.each([false, true].filter((cuda) => !cuda || row.cudaWheels))('keeps what the kept libraries need, CUDA %p', (cuda) => {
    const kept = new Set(names(cuda))
    const lacking = [...kept].flatMap((name) => (needed[name] ?? []).filter((other) => !kept.has(other) && !isForeign(other)))
    expect([...new Set(lacking)]).toEqual([])
  })

  // What a library needs is listed for Linux alone.
  if (Object.keys(needed).length > 0) {
    test('keeps nothing that is not needed', () => {
      const reached = new Set<string>(row.open)
      for (const name of reached) for (const other of needed[name] ?? []) reached.add(other)
      expect(names(false).filter((name) => !reached.has(name) && name !== 'version.py')).toEqual([])
    })
  }

  test('headers for building are kept, those of other languages are not', () => {
    const [torch] = row.wheels
    const paths = keptMembers(torch!, false, parseRecord(listing[torch!.file]!.record.join('\n'))).kept.map(({ path }) => path)
    expect(paths).toEqual(expect.arrayContaining(['torch/include/ATen/ATen.h', 'torch/include/torch/csrc/autograd/variable.h']))
    expect(paths.filter((path) => /google|pybind11|metal/.test(path))).toEqual([])
  })
})

test('parseRecord reads quotes and padding, and leaves out what has no hash', () => {
  const hash = 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0'
  const sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
  const text = `a/b.py,sha256=${hash},3\r\n"a, ""b"".py",sha256=${hash}=,4\nx.dist-info/RECORD,,\n\nc,md5=abc,5\n`
  expect(parseRecord(text)).toEqual([
    { path: 'a/b.py', sha256, bytes: 3 },
    { path: 'a, "b".py', sha256, bytes: 4 },
  ])
})

test('pip is asked for exactly these builds', () => {
  const args = pipArguments(PLATFORMS['linux-x64']!.wheels, '/to').join(' ')
  expect(args).toContain('--implementation cp --python-version 3.11 --abi cp311')
  for (const tag of ['manylinux_2_28_x86_64', 'manylinux_2_25_x86_64', 'manylinux2014_x86_64', 'manylinux_2_17_x86_64']) {
    expect(args).toContain(`--platform ${tag}`)
  }
  expect(args).toMatch(/torch===2\.11\.0 nvidia-cuda-cupti===13\.0\.85 nvidia-cuda-runtime===13\.0\.96$/)
})

test('baseVersion', () => {
  expect(['2.11.0', '2.11.0+cpu', '2.11.0+cu130'].map(baseVersion)).toEqual(['2.11.0', '2.11.0', '2.11.0'])
})
