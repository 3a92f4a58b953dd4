import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import nodeGypBuild from 'node-gyp-build'
import type { Addon, Library } from '../../binding'
import { ERROR_CODES, isSentorchError, SentorchError, type ErrorCode } from '../base/errors'
import { isMusl } from '../base/libc'
import { findLibtorch, type Libtorch } from '../libtorch/find'
import { platformName } from '../libtorch/versions'

export interface Native {
  addon: Addon
  library: Library
  libtorch: Libtorch
}

const CORE: Partial<Record<NodeJS.Platform, string>> = { darwin: 'libsentorch_core.dylib', win32: 'sentorch_core.dll' }

export const packageRoot = join(__dirname, '..', '..')
let loaded: { addon: Addon; core: string } | undefined

/** Opens `sentorch.node`; needs no libtorch. Throws ERR_ADDON_MISSING where there is none for this platform, or it does not load. */
export function loadAddon(): Addon {
  return load().addon
}

/** The addon's file for this platform; nothing is opened. Throws where there is none. */
export function addonFile(): string {
  return nodeGypBuild.resolve(packageRoot)
}

function load(): { addon: Addon; core: string } {
  if (loaded) return loaded
  let file: string
  try {
    file = addonFile()
  } catch (cause) {
    throw addonMissing(`There is no addon for ${platform()} in ${packageRoot}.`, cause)
  }
  let addon: Addon
  try {
    addon = require(file) as Addon
  } catch (cause) {
    throw addonMissing(`${file} does not load: ${(cause as Error).message}`, cause)
  }
  // process.exit(), an uncaught throw and an unhandled rejection run no cleanup hook of the addon, but they do run static destructors.
  process.on('exit', () => addon.shutdown())
  loaded = { addon, core: join(unpacked(dirname(file)), CORE[process.platform] ?? 'libsentorch_core.so') }
  return loaded
}

/** Electron opens addons of an asar archive from the folder next to it; what we open ourselves must be named there. */
function unpacked(folder: string): string {
  return folder.replace(/\.asar(?=[\\/])/, '.asar.unpacked')
}

function platform(): string {
  return platformName() + (isMusl() ? ' with musl' : '')
}

function addonMissing(what: string, cause: unknown): SentorchError {
  const remedy = isMusl()
    ? 'libtorch needs glibc: use a Debian-based image (node:24-slim) instead of an Alpine one.'
    : existsSync(join(packageRoot, 'native'))
      ? 'Build it with `npm run build:native`.'
      : 'Install sentorch again, or build it from a clone of its repository with `npm run build:native`.'
  return new SentorchError('ERR_ADDON_MISSING', `${what} ${remedy}`, { cause, detail: { platform: platform(), packageRoot } })
}

/**
 * Finds libtorch and opens it with the core, off the JavaScript thread; the first time takes about a third of a second.
 * `cuda`: the CUDA libraries too, where there are any; `path`: the place to look at instead of the usual ones.
 * Rejects with ERR_ADDON_MISSING, ERR_LIBTORCH_MISSING, ERR_LIBTORCH_VERSION.
 */
export async function openNative(options: { path?: string; cuda?: (libtorch: Libtorch) => boolean } = {}): Promise<Native> {
  const { addon, core } = load()
  const libtorch = await findLibtorch({ path: options.path })
  const libraries = options.cuda?.(libtorch) ? [...libtorch.libraries, ...libtorch.cudaLibraries] : libtorch.libraries
  const library = await fromNative(addon.open({ libraries, core }))
  return { addon, library, libtorch }
}

/** Errors of the addon carry a code; they become `SentorchError`s here. */
export async function fromNative<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise
  } catch (error) {
    if (isSentorchError(error)) throw error
    const { code, message } = error as { code?: string; message: string }
    const known = ERROR_CODES.includes(code as ErrorCode) ? (code as ErrorCode) : 'ERR_INTERNAL'
    throw new SentorchError(known, message, { cause: error })
  }
}
