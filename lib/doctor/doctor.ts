import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { dirname, join } from 'node:path'
import type { CpuFeatures, Library } from '../../binding'
import { isSentorchError } from '../base/errors'
import { glibcVersion, isMusl, libraryVersion, platformName } from '../base/platform'
import { folderBytes } from '../files/folders'
import { hubSettings } from '../hub/settings'
import { cacheFolder, findLibtorch, INSTALL_COMMAND, type Libtorch, type Place } from '../libtorch/find'
import { damagedLibraries, readManifest } from '../libtorch/install'
import { TORCH_VERSION } from '../libtorch/versions'
import { addonFile, packageRoot } from '../native/addon'
import type { ProbeStep } from './probe'

/** The result of an attempt in a child process. */
export interface ProbeResult {
  features?: CpuFeatures
  library?: Library
  /** Why the attempt stopped early. `ended`: the signal or exit code that ended the process, if it did not end normally. */
  failure?: { code?: string; message: string; ended?: string }
}

/** The facts that doctor collects; serializable. */
export interface Facts {
  sentorch: { version: string; folder: string }
  node: { version: string; platform: string; glibc: string | null; musl: boolean }
  addon: { path: string | null }
  libtorch: {
    needed: string
    found: Pick<Libtorch, 'version' | 'root' | 'source' | 'cudaLibraries' | 'includeDirs'> | null
    /** If libtorch was not found: the locations that were searched, and the error message. */
    places: Place[]
    error: string | null
    /** Libraries in the cache that differ from what was installed. */
    damaged: string[]
  }
  cpu: { model: string; processors: number; features: CpuFeatures | null }
  cpuProbe: ProbeResult
  /** Null if the CUDA libraries are not installed. */
  cudaProbe: ProbeResult | null
  caches: { what: string; folder: string; bytes: number | null }[]
}

export interface Problem {
  /** `error`: encode cannot work. `note`: encode works, with this limitation. */
  severity: 'error' | 'note'
  problem: string
  fix: string | null
}

export interface Diagnosis extends Facts {
  devices: string[]
  problems: Problem[]
  /** Whether encode can work. */
  ok: boolean
}

/** Derives devices, problems and their fixes from the facts. */
export function diagnose(facts: Facts): Diagnosis {
  const problems = [...systemProblems(facts), ...addonProblems(facts), ...libtorchProblems(facts), ...cpuNotes(facts), ...cudaNotes(facts)]
  const ok = !problems.some(({ severity }) => severity === 'error')
  return { ...facts, devices: ok ? ['cpu', ...(facts.cudaProbe?.library?.cudaDevices ?? [])] : [], problems, ok }
}

function systemProblems({ node }: Facts): Problem[] {
  if (!node.musl) return []
  const problem = 'This system uses musl instead of glibc (Alpine), for which libtorch does not exist.'
  return [{ severity: 'error', problem, fix: 'Use an image with glibc, such as node:24-slim.' }]
}

function addonProblems({ addon, cpuProbe, node }: Facts): Problem[] {
  const { failure } = cpuProbe
  if (cpuProbe.features || node.musl) return []
  const problem = failure ? describe(failure, 'The addon') : `The addon ${addon.path ?? `for ${node.platform}`} cannot be loaded.`
  return [{ severity: 'error', problem, fix: 'Install sentorch again; in a clone of its repository: npm run build:native' }]
}

function libtorchProblems({ libtorch, cpuProbe, node }: Facts): Problem[] {
  if (node.musl) return []
  if (!libtorch.found) {
    const lines = libtorch.error?.split('\n') ?? []
    const problem = lines.at(0)?.replace(/ Searched:$/, '') ?? `libtorch ${libtorch.needed} was not found.`
    return [{ severity: 'error', problem, fix: lines.at(-1)?.replace(/^To install it: /, '') ?? INSTALL_COMMAND }]
  }
  const problems: Problem[] = []
  const { source, root } = libtorch.found
  const fix =
    source === 'cache'
      ? `${INSTALL_COMMAND} --force`
      : `Reinstall it in that location, or use sentorch's own copy (unset SENTORCH_LIBTORCH, then run ${INSTALL_COMMAND}).`
  if (libtorch.damaged.length > 0) {
    problems.push({ severity: 'error', problem: `Damaged files in ${root}: ${libtorch.damaged.join(', ')}`, fix })
  }
  const { failure } = cpuProbe
  if (cpuProbe.features && !cpuProbe.library && libtorch.damaged.length === 0) {
    const problem = `libtorch in ${root} cannot be opened. ${failure ? describe(failure, 'It') : ''}`.trimEnd()
    problems.push({ severity: 'error', problem, fix })
  }
  return problems
}

function cpuNotes({ cpu, node, cpuProbe }: Facts): Problem[] {
  const notes: Problem[] = []
  const note = (problem: string): number => notes.push({ severity: 'note', problem, fix: null })
  if (cpu.features && !cpu.features.avx2 && node.platform.endsWith('-x64')) {
    note('This CPU has no AVX2: encode works, but with the slower portable kernels.')
  }
  if (cpuProbe.library && !cpuProbe.library.fastBfloat16) {
    note("This CPU has no instructions for bfloat16 products: dtype 'bfloat16' saves memory but not time.")
  }
  return notes
}

function cudaNotes({ cudaProbe, cpuProbe }: Facts): Problem[] {
  if (!cudaProbe || !cpuProbe.library) return []
  const note = (problem: string): Problem[] => [{ severity: 'note', problem, fix: null }]
  if (!cudaProbe.library) {
    return note(
      `The CUDA libraries cannot be opened; the CPU is used. ${cudaProbe.failure ? describe(cudaProbe.failure, 'They') : ''}`.trimEnd(),
    )
  }
  return cudaProbe.library.cudaDevices.length > 0
    ? []
    : note('The CUDA libraries are installed, but no CUDA device was found; the CPU is used.')
}

/** Describes why a probe stopped early. `what` names what was being opened. */
function describe({ message, ended }: NonNullable<ProbeResult['failure']>, what: string): string {
  if (ended === undefined) return message
  const hints: Record<string, string> = {
    SIGBUS: ': a file is truncated',
    SIGILL: ': the library uses instructions that this CPU does not have',
    SIGTERM: ', because it did not respond',
  }
  return `${what} ended the process with ${ended}${hints[ended] ?? ''}. ${message}`.trimEnd()
}

/** Collects everything that doctor reports. Never rejects because something is missing; native code runs in child processes only. */
export async function gatherFacts(probe: (cuda: boolean) => Promise<ProbeResult> = runProbe): Promise<Facts> {
  const [libtorch, cpuProbe, caches] = await Promise.all([lookForLibtorch(), probe(false), measureCaches()])
  const { found } = libtorch
  const cudaProbe = found && found.cudaLibraries.length > 0 ? await probe(true) : null
  return {
    sentorch: { version: libraryVersion(), folder: packageRoot },
    node: { version: process.versions.node, platform: platformName(), glibc: glibcVersion(), musl: isMusl() },
    addon: { path: addonPath() },
    libtorch,
    cpu: {
      model: cpus()[0]?.model.trim() ?? 'unknown',
      processors: availableParallelism(),
      features: cpuProbe.features ?? (await cpuInfoFeatures()),
    },
    cpuProbe,
    cudaProbe,
    caches,
  }
}

async function lookForLibtorch(): Promise<Facts['libtorch']> {
  try {
    const { version, root, source, cudaLibraries, includeDirs } = await findLibtorch()
    const folder = dirname(root)
    const manifest = source === 'cache' ? await readManifest(folder) : null
    const damaged = manifest ? await damagedLibraries(folder, manifest) : []
    return { needed: TORCH_VERSION, found: { version, root, source, cudaLibraries, includeDirs }, places: [], error: null, damaged }
  } catch (error) {
    if (!isSentorchError(error)) throw error
    const { places } = error.detail as { places: Place[] }
    return { needed: TORCH_VERSION, found: null, places, error: error.message, damaged: [] }
  }
}

function runProbe(cuda: boolean): Promise<ProbeResult> {
  const args = [join(__dirname, 'probe.js'), ...(cuda ? ['cuda'] : [])]
  // In Electron, execPath is the application.
  const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1' }
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env, timeout: 120_000, windowsHide: true }, (error, stdout, stderr) => {
      resolve(probeResult(stdout, stderr, error && (error.signal ?? `exit code ${error.code}`)))
    })
  })
}

/** Parses the output of the child. `ended`: how the process ended; null if it ended normally. */
export function probeResult(stdout: string, stderr: string, ended: string | null): ProbeResult {
  const result: ProbeResult = {}
  for (const line of stdout.split('\n')) {
    const step = parseStep(line)
    if (!step) continue
    if (step.step === 'addon') result.features = step.features
    if (step.step === 'library') result.library = step.library
    if (step.step === 'failed') result.failure = { code: step.code, message: step.message }
  }
  if (ended === null || result.failure) return result
  // A crash during exit counts as well: a program that loads a model would crash in the same way.
  return { features: result.features, failure: { message: stderr.trim().split('\n').at(-1) ?? '', ended } }
}

/** Skips lines that are not JSON: libraries may print too, and a crash may truncate a line. */
function parseStep(line: string): ProbeStep | null {
  try {
    return JSON.parse(line) as ProbeStep
  } catch {
    return null
  }
}

function addonPath(): string | null {
  try {
    return addonFile()
  } catch {
    return null
  }
}

/** The CPU features that Linux reports, for when the addon cannot be loaded. Null on other systems. */
async function cpuInfoFeatures(): Promise<CpuFeatures | null> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '')
  const flags = /^flags\s*:(.*)$/m.exec(text)?.[1]?.split(/\s+/)
  if (!flags) return null
  const has = (...names: string[]): boolean => names.every((name) => flags.includes(name))
  return {
    avx2: has('avx2'),
    fma: has('fma'),
    avx512: has('avx512f', 'avx512bw', 'avx512vl', 'avx512dq'),
    avx512Bf16: has('avx512_bf16'),
    amxBf16: has('amx_tile', 'amx_bf16'),
  }
}

async function measureCaches(): Promise<Facts['caches']> {
  const ours = cacheOf('sentorch', () => cacheFolder())
  const models = cacheOf('models (Hugging Face hub)', async () => (await hubSettings({})).cacheFolder)
  return (await Promise.all([ours, models])).flat()
}

/** A cache folder and its size. Omitted if its location is unknown, for example without a home folder. */
async function cacheOf(what: string, find: () => string | Promise<string>): Promise<Facts['caches']> {
  const folder = await Promise.resolve()
    .then(find)
    .catch(() => undefined)
  return folder === undefined ? [] : [{ what, folder, bytes: await folderBytes(folder) }]
}
