import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { dirname, join } from 'node:path'
import type { CpuFeatures } from '../../binding'
import type { Facts, ProbeResult } from './doctor'
import { isSentorchError } from '../base/errors'
import { folderBytes } from '../files/folder-bytes'
import { hubSettings } from '../hub/settings'
import { glibcVersion, isMusl } from '../base/platform'
import { cacheFolder } from '../libtorch/cache'
import { findLibtorch, type Place } from '../libtorch/find'
import { damagedLibraries, readManifest } from '../libtorch/manifest'
import { TORCH_VERSION } from '../libtorch/versions'
import { platformName } from '../base/platform'
import { addonFile, packageRoot } from '../native/addon'
import type { ProbeStep } from './probe'
import { libraryVersion } from '../base/version'

/** Looks at everything that doctor reports. Never rejects for want of something; native code runs in child processes only. */
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

/** From what the child printed, and how it ended (null: by itself). */
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
  // A crash on the way out counts as well: a program that loads a model would have it too.
  return { features: result.features, failure: { message: stderr.trim().split('\n').at(-1) ?? '', ended } }
}

/** Libraries may print too, and a crash may cut a line short. */
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

/** Linux's own list, for when the addon cannot be asked. Null elsewhere. */
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

/** Left out where its place cannot be told: without a home folder, say. */
async function cacheOf(what: string, find: () => string | Promise<string>): Promise<Facts['caches']> {
  const folder = await Promise.resolve()
    .then(find)
    .catch(() => undefined)
  return folder === undefined ? [] : [{ what, folder, bytes: await folderBytes(folder) }]
}
