import { truncateSync } from 'node:fs'
import { join } from 'node:path'
import type { Library } from '../../binding'
import { diagnosisText } from '../../lib/cli/doctor'
import { diagnose, gatherFacts, probeResult, type Facts, type ProbeResult } from '../../lib/doctor/doctor'
import { installedFolder } from '../../lib/libtorch/find'
import { elf } from '../support/elf'
import { withEnvironment } from '../support/environment'
import { scratch, writeFiles } from '../support/scratch'

const features = { avx2: true, fma: true, avx512: false, avx512Bf16: false, amxBf16: false }
const library: Library = { torchVersion: '2.11.0+cpu', cudaDevices: [], kernels: 'avx2', fastBfloat16: true }
const found: Facts['libtorch']['found'] = {
  version: '2.11.0+cpu',
  root: '/cache/torch',
  source: 'cache',
  cudaLibraries: [],
  includeDirs: [],
}

/** A machine on which all is well. */
function facts(changes: Record<string, unknown> = {}): Facts {
  return {
    sentorch: { version: '1.2.3', folder: '/package' },
    node: { version: '24.0.0', platform: 'linux-x64', glibc: '2.36', musl: false },
    addon: { path: '/package/sentorch.node' },
    libtorch: { needed: '2.11.0', found, places: [], error: null, damaged: [] },
    cpu: { model: 'A CPU', processors: 4, features },
    cpuProbe: { features, library },
    cudaProbe: null,
    caches: [{ what: 'sentorch', folder: '/cache', bytes: 493_000_000 }],
    ...changes,
  }
}

const failing = (failure: ProbeResult['failure'], rest: ProbeResult = { features }): ProbeResult => ({ ...rest, failure })
const libtorch = (changes: object) => ({ libtorch: { ...facts().libtorch, ...changes } })
const error =
  'sentorch needs libtorch 2.11.0 but found none. Searched:\n  a place  does not exist\nTo install it: npx sentorch install-libtorch'

test('all is well', () => {
  expect(diagnose(facts())).toMatchObject({ ok: true, problems: [], devices: ['cpu'] })
})

test.each<[string, Record<string, unknown>, RegExp, RegExp]>([
  ['musl', { node: { ...facts().node, glibc: null, musl: true }, cpuProbe: {} }, /musl/, /image with glibc/],
  ['no addon', { addon: { path: null }, cpuProbe: failing({ message: 'There is no addon.' }, {}) }, /no addon/, /npm run build/],
  [
    'an addon that crashes',
    { cpuProbe: failing({ message: '', ended: 'SIGSEGV' }, {}) },
    /addon ended the process with SIGSEGV/,
    /npm run build/,
  ],
  [
    'no libtorch',
    { ...libtorch({ found: null, error }), cpuProbe: failing({ message: error }) },
    /found none\.$/,
    /^npx sentorch install-libtorch$/,
  ],
  ['a damaged cache', libtorch({ damaged: ['torch/lib/libc10.so'] }), /libc10\.so/, /install-libtorch --force/],
  ['a libtorch that does not open', { cpuProbe: failing({ message: 'x is cut short' }) }, /cannot be opened.*cut short/, /--force/],
  ['a cut libtorch that crashes', { cpuProbe: failing({ message: '', ended: 'SIGBUS' }) }, /SIGBUS: a file is truncated/, /--force/],
  ['an old CPU that crashes', { cpuProbe: failing({ message: '', ended: 'SIGILL' }) }, /SIGILL: the library uses instructions/, /--force/],
  [
    'a libtorch of their own that does not open',
    { ...libtorch({ found: { ...found, source: 'environment' } }), cpuProbe: failing({ message: 'no' }) },
    /cannot be opened/,
    /in that location/,
  ],
])('%s: encode cannot work', (_, changes, problem, fix) => {
  const diagnosis = diagnose(facts(changes))
  expect(diagnosis).toMatchObject({ ok: false, devices: [] })
  expect(diagnosis.problems).toEqual([{ severity: 'error', problem: expect.stringMatching(problem), fix: expect.stringMatching(fix) }])
})

const cuda = (probe: ProbeResult) => ({ ...libtorch({ found: { ...found, cudaLibraries: ['x'] } }), cudaProbe: probe })
test.each<[string, Record<string, unknown>, RegExp]>([
  ['no AVX2', { cpu: { ...facts().cpu, features: { ...features, avx2: false } } }, /no AVX2.*portable kernels/],
  ['no fast bfloat16', { cpuProbe: { features, library: { ...library, fastBfloat16: false } } }, /bfloat16/],
  ['CUDA without a device', cuda({ features, library }), /no CUDA device/],
  ['CUDA that does not open', cuda(failing({ message: 'libcudnn.so.9 is absent' })), /CUDA libraries cannot be opened.*libcudnn/],
])('%s is a note', (_, changes, note) => {
  const diagnosis = diagnose(facts(changes))
  expect(diagnosis).toMatchObject({ ok: true, devices: ['cpu'] })
  expect(diagnosis.problems).toEqual([{ severity: 'note', problem: expect.stringMatching(note), fix: null }])
})

test('no AVX2 is no matter on ARM; CUDA devices are listed', () => {
  const arm = { node: { ...facts().node, platform: 'linux-arm64' }, cpu: { ...facts().cpu, features: { ...features, avx2: false } } }
  expect(diagnose(facts(arm)).problems).toEqual([])
  expect(diagnose(facts(cuda({ features, library: { ...library, cudaDevices: ['A GPU'] } }))).devices).toEqual(['cpu', 'A GPU'])
})

test.each<[string, string, string | null, ProbeResult]>([
  ['', '', null, {}],
  [JSON.stringify({ step: 'addon', features }) + '\n', '', 'SIGBUS', { features, failure: { message: '', ended: 'SIGBUS' } }],
  [`${JSON.stringify({ step: 'addon', features })}\n${JSON.stringify({ step: 'library', library })}\n`, '', null, { features, library }],
  [JSON.stringify({ step: 'failed', code: 'X', message: 'm' }), '', null, { failure: { code: 'X', message: 'm' } }],
  ['', 'a\nlast line\n', 'exit code 134', { failure: { message: 'last line', ended: 'exit code 134' } }],
])('probeResult of %j', (stdout, stderr, ended, expected) => {
  expect(probeResult(stdout, stderr, ended)).toEqual(expected)
})

test('a crash at the end is no success', () => {
  expect(probeResult(JSON.stringify({ step: 'library', library }), '', 'SIGABRT').library).toBeUndefined()
})

test('what a library prints, and half a line of a process that crashed, are no answers', () => {
  expect(probeResult('[W] warning\n{"step":"addon","fea', '', 'SIGSEGV')).toEqual({
    features: undefined,
    failure: { message: '', ended: 'SIGSEGV' },
  })
})

describe('gatherFacts', () => {
  const probe = async (): Promise<ProbeResult> => ({ features, library })
  beforeEach(() => withEnvironment({ SENTORCH_CACHE: scratch(), SENTORCH_LIBTORCH: undefined, PATH: scratch(), HF_HOME: scratch() }))

  test('without libtorch', async () => {
    const facts = await gatherFacts(probe)
    expect(facts.libtorch).toMatchObject({ found: null, needed: '2.11.0', error: expect.stringContaining('install-libtorch') })
    expect(facts.libtorch.places).toHaveLength(4)
    expect(facts.sentorch.version).toMatch(/^\d+\.\d+\.\d+/)
    expect(facts.caches.map(({ what }) => what)).toEqual(['sentorch', 'models (Hugging Face hub)'])
    expect(facts.cudaProbe).toBeNull()
    JSON.stringify(diagnose(facts))
  })

  const linux = process.platform === 'linux' && process.arch === 'x64' ? test : test.skip
  linux('with an installed libtorch, then a damaged one', async () => {
    const libraries = { 'torch/lib/libc10.so': elf([]), 'torch/lib/libtorch_cpu.so': elf([]) }
    const manifest = { libraries: Object.entries(libraries).map(([path, { length }]) => ({ path, bytes: length, sha256: '' })) }
    writeFiles(installedFolder(), { 'torch/version.py': "__version__ = '2.11.0'", 'manifest.json': manifest, ...libraries })
    const good = await gatherFacts(probe)
    expect(good.libtorch).toMatchObject({ found: { source: 'cache', version: '2.11.0' }, damaged: [] })
    expect(good.caches[0]!.bytes).toBeGreaterThan(100)
    truncateSync(join(installedFolder(), 'torch/lib/libtorch_cpu.so'), 10)
    expect((await gatherFacts(probe)).libtorch.damaged).toEqual(['torch/lib/libtorch_cpu.so'])
  })
})

test('the text names everything, what is wrong and the fix', () => {
  const places = [{ place: 'a place', found: 'does not exist' }]
  const text = diagnosisText(diagnose(facts({ ...libtorch({ found: null, error, places }), cpuProbe: failing({ message: '' }) })))
  for (const part of [
    '1.2.3',
    '24.0.0',
    'glibc 2.36',
    'A CPU, 4 threads',
    'AVX2 yes',
    '493 MB',
    'a place  does not exist',
    'cannot work',
  ]) {
    expect(text).toContain(part)
  }
  expect(text).toMatch(/WRONG +sentorch needs libtorch.*\nFIX +npx sentorch install-libtorch/)
  expect(diagnosisText(diagnose(facts()))).toMatch(/2\.11\.0\+cpu \(our cache, CPU only.*Encode works here\.$/s)
})
