import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import nodeGypBuild from 'node-gyp-build'
import type { Addon } from '../../binding'
import { SentorchError } from '../base/errors'
import { isMusl, platformName } from '../base/platform'

const CORE: Partial<Record<NodeJS.Platform, string>> = { darwin: 'libsentorch_core.dylib', win32: 'sentorch_core.dll' }

export const packageRoot = join(__dirname, '..', '..')
let loaded: { addon: Addon; core: string } | undefined

/** Opens `sentorch.node`; needs no libtorch. Throws ERR_ADDON_MISSING if this platform has no addon or it cannot be loaded. */
export function loadAddon(): Addon {
  return load().addon
}

/** Path of the addon for this platform, without opening it. Throws ERR_ADDON_MISSING if the platform has none. */
export function addonFile(): string {
  return nodeGypBuild.resolve(packageRoot)
}

/** The addon, and the path of the core that it opens. */
export function load(): { addon: Addon; core: string } {
  if (loaded) return loaded
  let file: string
  try {
    file = addonFile()
  } catch (cause) {
    throw addonMissing(`sentorch has no native library for ${platform()} in ${packageRoot}.`, cause)
  }
  let addon: Addon
  try {
    addon = require(file) as Addon
  } catch (cause) {
    throw addonMissing(`${file} cannot be loaded: ${(cause as Error).message}`, cause)
  }
  // process.exit(), uncaught exceptions and unhandled rejections do not run the addon's cleanup hooks, but they do run static destructors.
  process.on('exit', () => addon.shutdown())
  loaded = { addon, core: join(unpacked(dirname(file)), CORE[process.platform] ?? 'libsentorch_core.so') }
  return loaded
}

/** Electron loads the addons of an asar archive from the unpacked folder next to it. Files that we open ourselves need the path in that folder. */
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
      : 'Reinstall sentorch, or build it from a clone of its repository with `npm run build:native`.'
  return new SentorchError('ERR_ADDON_MISSING', `${what} ${remedy}`, { cause, detail: { platform: platform(), packageRoot } })
}
