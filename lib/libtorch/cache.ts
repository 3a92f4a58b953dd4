import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { TORCH_VERSION, platformName } from './versions'

/** The folder that holds everything sentorch keeps: `SENTORCH_CACHE`, else `sentorch` in the cache folder of the platform. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  if (env.SENTORCH_CACHE) return resolve(env.SENTORCH_CACHE)
  if (platform === 'win32') return join(env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), 'sentorch', 'Cache')
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'sentorch')
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sentorch')
}

/** Where `install-libtorch` puts libtorch and where it is looked for: the shape of a site-packages folder. */
export function installedFolder(cache: string = cacheFolder(), platform: string = platformName()): string {
  return join(cache, 'libtorch', `${TORCH_VERSION}-${platform}`)
}
