import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isSentorchError, SentorchError, throwIfAborted } from '../base/errors'
import { isMusl, platformName } from '../base/platform'
import { recoverFolder, Staging, sweep, targetOf } from '../files/staging'
import { cacheFolder, installedFolder, type Libtorch } from './find'
import { inspect } from './inspect'
import { withLock } from '../files/folders'
import { findPip } from './pip'
import { fromFolder, fromPip, fromRanges, type Source } from './sources'
import type { OnInstallEvent } from './unpack'
import { PLATFORMS, TORCH_VERSION, type PlatformRow } from './versions'
import { keptLibraries, type Member } from './wheel-reader'

export interface InstallOptions {
  /** Keep the CUDA libraries too. */
  cuda?: boolean
  /** Download only the needed parts of the wheels, without pip. */
  ranges?: boolean
  /** A folder that contains the wheels. Nothing is downloaded. */
  offline?: string
  /** Replace an existing installation. */
  force?: boolean
  onEvent?: OnInstallEvent
  /** Stops the installation and removes partial files; rejects with ERR_ABORTED. */
  signal?: AbortSignal
  /** Defaults to `cacheFolder()`. */
  cache?: string
  /** Defaults to the platform of this machine. */
  platform?: string
  /** What to install. Defaults to the platform's entry in the table. */
  row?: PlatformRow
}

/**
 * Installs libtorch in the cache, atomically, and returns its location. An existing, undamaged installation is kept.
 * Processes that install at the same time wait for the first one.
 *
 * Rejects with ERR_DOWNLOAD (download failed, wrong content, cache not writable), ERR_LIBTORCH_MISSING (no libtorch for this platform),
 * ERR_INVALID_ARGUMENT (CUDA on a platform without CUDA wheels) or ERR_ABORTED.
 */
export async function installLibtorch(options: InstallOptions = {}): Promise<Libtorch> {
  const { cuda = false, onEvent = () => {}, signal } = options
  const platform = options.platform ?? platformName()
  const row = options.row ?? rowOf(platform)
  if (cuda && !row.cudaWheels) {
    throw new SentorchError(
      'ERR_INVALID_ARGUMENT',
      `CUDA libraries are not available for ${platform}. A Python torch ${TORCH_VERSION} with CUDA can be used through SENTORCH_LIBTORCH.`,
    )
  }
  const cache = options.cache ?? cacheFolder()
  const target = installedFolder(cache, platform)
  const present = async (): Promise<Libtorch | null> => {
    const libtorch = await undamaged(target, platform, cuda)
    if (libtorch) onEvent({ type: 'present', folder: target })
    return libtorch
  }

  try {
    const before = options.force ? null : await present()
    if (before) return before
    const onWait = (pid: number | undefined) => onEvent({ type: 'waiting', pid })
    return await withLock(`${target}.lock`, { signal, onWait }, async (waited) => {
      const real = await targetOf(target)
      await recoverFolder(real)
      const meanwhile = options.force && !waited ? null : await present()
      if (meanwhile) return meanwhile
      await sweep(real)
      const stage = await Staging.create(real)
      try {
        const source = await chooseSource(options, row, stage.path, signal)
        const bytes = await fill(stage.fresh, source, { row, cuda, platform, onEvent, signal, target })
        throwIfAborted(signal)
        stage.place(true)
        onEvent({ type: 'installed', folder: target, bytes })
      } finally {
        await stage.remove()
      }
      const libtorch = await undamaged(target, platform, cuda)
      if (!libtorch) throw new SentorchError('ERR_INTERNAL', `libtorch was installed in ${target} but cannot be found there.`)
      return libtorch
    })
  } catch (error) {
    throw explain(error, cache)
  }
}

function rowOf(platform: string): PlatformRow {
  const row = PLATFORMS[platform]
  if (row && !isMusl()) return row
  const why = row
    ? `libtorch needs glibc, but this system uses musl (Alpine). Use an image with glibc, such as node:24-slim`
    : `libtorch ${TORCH_VERSION} cannot be installed on ${platform}; supported platforms are ${Object.keys(PLATFORMS).join(', ')}`
  throw new SentorchError('ERR_LIBTORCH_MISSING', `${why}.`, { detail: { platform } })
}

/** The existing installation, unless it is incomplete, damaged, or lacks the CUDA libraries that were requested. */
async function undamaged(folder: string, platform: string, cuda: boolean): Promise<Libtorch | null> {
  const manifest = await readManifest(folder)
  if (!manifest || (cuda && !manifest.cuda) || (await damagedLibraries(folder, manifest)).length > 0) return null
  const { installation } = await inspect(folder, platform)
  return installation && { ...installation, source: 'cache' }
}

async function chooseSource(options: InstallOptions, row: PlatformRow, stage: string, signal?: AbortSignal): Promise<Source> {
  const wheels = [...row.wheels, ...((options.cuda && row.cudaWheels) || [])]
  const cuda = options.cuda ?? false
  if (options.offline !== undefined) return await fromFolder(wheels, options.offline, cuda)
  const python = options.ranges ? null : await findPip()
  return python !== null
    ? fromPip(wheels, python, join(stage, 'wheels'), cuda)
    : await fromRanges(wheels, join(stage, 'wheels'), cuda, signal)
}

interface FillOptions {
  row: PlatformRow
  cuda: boolean
  platform: string
  onEvent: OnInstallEvent
  signal?: AbortSignal
  target: string
}

/** Resolves to the number of bytes written to the empty folder `tree`. */
async function fill(tree: string, source: Source, { row, cuda, platform, onEvent, signal, target }: FillOptions): Promise<number> {
  try {
    const { downloadBytes, wheels } = source
    const installedBytes = source.installedBytes ?? ((cuda && row.installedBytesCuda) || row.installedBytes)
    const files = wheels.map(({ file }) => file)
    onEvent({ type: 'plan', method: source.method, files, downloadBytes, installedBytes, folder: target })
    const kept = await source.place(tree, onEvent, signal)
    const libraries = new Set(wheels.flatMap((wheel) => keptLibraries(wheel, cuda)))
    const bytes = kept.reduce((sum, member) => sum + member.bytes, 0)
    await writeManifest(tree, {
      version: TORCH_VERSION,
      platform,
      cuda,
      wheels: wheels.map(({ file, record }) => ({ file, record })),
      libraries: kept.filter(({ path }) => libraries.has(path)),
      bytes,
    })
    return bytes
  } finally {
    await source.close()
  }
}

function explain(error: unknown, cache: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (isSentorchError(error)) return error
  const remedies: Record<string, string> = {
    EACCES: 'Set SENTORCH_CACHE to a writable folder',
    EPERM: 'Close the programs that use it, or set SENTORCH_CACHE to a writable folder',
    EROFS: 'Set SENTORCH_CACHE to a writable folder',
    ENOTDIR: 'Set SENTORCH_CACHE to a writable folder',
    ENOSPC: 'Free disk space, or set SENTORCH_CACHE to a folder on another disk',
    EDQUOT: 'Free disk space, or set SENTORCH_CACHE to a folder on another disk',
  }
  const remedy = remedies[code ?? '']
  if (remedy === undefined) return error
  return new SentorchError('ERR_DOWNLOAD', `libtorch cannot be installed in ${cache}: ${message}. ${remedy}.`, { cause: error })
}

/** What `install-libtorch` wrote to a folder. Written last, before the folder gets its name. */
export interface Manifest {
  version: string
  platform: string
  cuda: boolean
  /** The wheels that the libraries came from. */
  wheels: { file: string; record: string }[]
  libraries: Member[]
  /** Total bytes of the kept files, headers included. */
  bytes: number
}

const NAME = 'manifest.json'

export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await writeFile(join(folder, NAME), JSON.stringify(manifest, null, 2) + '\n')
}

export async function readManifest(folder: string): Promise<Manifest | null> {
  try {
    return JSON.parse(await readFile(join(folder, NAME), 'utf8')) as Manifest
  } catch {
    return null
  }
}

/** The libraries that are missing or have another size than when they were installed. */
export async function damagedLibraries(folder: string, manifest: Manifest): Promise<string[]> {
  const damaged: string[] = []
  for (const { path, bytes } of manifest.libraries) {
    const info = await stat(join(folder, path)).catch(() => null)
    if (info?.size !== bytes) damaged.push(path)
  }
  return damaged
}
