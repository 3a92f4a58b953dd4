import { join, resolve } from 'node:path'
import { homeFolder } from '../base/home'
import { TORCH_VERSION } from './versions'
import { platformName } from '../base/platform'

/** The folder that holds everything sentorch keeps: `SENTORCH_CACHE`, else `sentorch` in the cache folder of the platform. Throws ERR_FILE where that has no default. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  if (env.SENTORCH_CACHE) return resolve(env.SENTORCH_CACHE)
  if (platform === 'win32') return join(env.LOCALAPPDATA || join(homeFolder('SENTORCH_CACHE'), 'AppData', 'Local'), 'sentorch', 'Cache')
  if (platform === 'darwin') return join(homeFolder('SENTORCH_CACHE'), 'Library', 'Caches', 'sentorch')
  return join(env.XDG_CACHE_HOME || join(homeFolder('SENTORCH_CACHE'), '.cache'), 'sentorch')
}

/** Where `install-libtorch` puts libtorch and where it is looked for: the shape of a site-packages folder. */
export function installedFolder(cache: string = cacheFolder(), platform: string = platformName()): string {
  return join(cache, 'libtorch', `${TORCH_VERSION}-${platform}`)
}
