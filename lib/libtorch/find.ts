import { execFile } from 'node:child_process'
import { dirname, join, parse, resolve } from 'node:path'
import { SentorchError } from '../base/errors'
import { homeFolder, platformName } from '../base/platform'
import { inspect, type Inspection, type Installation } from './inspect'
import { TORCH_VERSION } from './versions'

export interface Libtorch extends Installation {
  source: 'option' | 'environment' | 'cache' | 'python'
}

/** A location that was searched, and a description of what was found there. */
export interface Place {
  place: string
  found: string
}

export const INSTALL_COMMAND = 'npx sentorch install-libtorch'

/**
 * Finds libtorch: at `path`, otherwise through the environment variable SENTORCH_LIBTORCH, in the cache, or in the torch of `python3`.
 * A location that was given explicitly is never replaced by another one. No library is opened, and Python runs only if the other locations fail.
 *
 * Rejects with ERR_LIBTORCH_MISSING or, if only other versions were found, ERR_LIBTORCH_VERSION; `detail.places` lists what was found.
 */
export async function findLibtorch(options: { path?: string } = {}): Promise<Libtorch> {
  const search = new Search()
  if (options.path !== undefined) return (await search.look('option', options.path)) ?? search.fail(`libtorch: '${options.path}'`)
  search.note('option libtorch', 'not given')

  const named = process.env.SENTORCH_LIBTORCH
  if (named) return (await search.look('environment', named)) ?? search.fail('SENTORCH_LIBTORCH')
  search.note('SENTORCH_LIBTORCH', 'not set')

  return (await search.lookInCache()) ?? (await search.lookInPython()) ?? search.fail(null)
}

class Search {
  private readonly places: Place[] = []
  private wrongVersion = false

  note(place: string, found: string): void {
    this.places.push({ place, found })
  }

  async look(source: Libtorch['source'], folder: string, place: string = folder): Promise<Libtorch | null> {
    const inspection: Inspection = await inspect(folder)
    if (inspection.installation) return { ...inspection.installation, source }
    this.note(place, inspection.found)
    if (inspection.version !== undefined) this.wrongVersion = true
    return null
  }

  async lookInCache(): Promise<Libtorch | null> {
    let folder: string
    try {
      folder = installedFolder()
    } catch (error) {
      this.note('cache of sentorch', (error as Error).message)
      return null
    }
    return this.look('cache', folder)
  }

  async lookInPython(): Promise<Libtorch | null> {
    const { executable, folder } = await askPython()
    if (folder !== null) return await this.look('python', folder, `${folder} (torch of ${executable})`)
    this.note('python3', executable === null ? 'does not respond' : `${executable} has no torch`)
    return null
  }

  /** `chosen`: the setting that named the only location searched, if any. */
  fail(chosen: string | null): never {
    const width = Math.max(...this.places.map(({ place }) => place.length))
    const lines = this.places.map(({ place, found }) => `  ${place.padEnd(width)}  ${found}`)
    const remedy = chosen
      ? `${chosen} must be a folder that contains libtorch ${TORCH_VERSION}: site-packages, its torch folder, or an unzipped libtorch. ` +
        `Or omit it and run: ${INSTALL_COMMAND}`
      : `To install it: ${INSTALL_COMMAND}`
    const head = this.wrongVersion
      ? `sentorch needs libtorch ${TORCH_VERSION} but found another version. Searched:`
      : `sentorch needs libtorch ${TORCH_VERSION} but found none. Searched:`
    throw new SentorchError(this.wrongVersion ? 'ERR_LIBTORCH_VERSION' : 'ERR_LIBTORCH_MISSING', [head, ...lines, remedy].join('\n'), {
      detail: { places: this.places, needed: TORCH_VERSION, command: INSTALL_COMMAND },
    })
  }
}

/** The cache folder of sentorch: `SENTORCH_CACHE`, or `sentorch` in the platform's cache folder. Throws ERR_FILE if that has no default. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  if (env.SENTORCH_CACHE) return resolve(env.SENTORCH_CACHE)
  if (platform === 'win32') return join(env.LOCALAPPDATA || join(homeFolder('SENTORCH_CACHE'), 'AppData', 'Local'), 'sentorch', 'Cache')
  if (platform === 'darwin') return join(homeFolder('SENTORCH_CACHE'), 'Library', 'Caches', 'sentorch')
  return join(env.XDG_CACHE_HOME || join(homeFolder('SENTORCH_CACHE'), '.cache'), 'sentorch')
}

/** The folder for `install-libtorch`, in the layout of site-packages. */
export function installedFolder(cache: string = cacheFolder(), platform: string = platformName()): string {
  return join(cache, 'libtorch', `${TORCH_VERSION}-${platform}`)
}

// find_spec of a top-level name does not import the module: importing torch takes seconds.
const SCRIPT = `
import importlib.util, json, sys
spec = importlib.util.find_spec('torch')
print(json.dumps({'executable': sys.executable, 'origin': spec.origin if spec else None}))
`

export interface PythonTorch {
  /** The interpreter that was queried; null if there is none or it did not respond. */
  executable: string | null
  /** The `torch` folder that it would import; null if it has none. */
  folder: string | null
}

/** The commands that may start `python3` here, in the order in which they are tried. */
export function pythonNames(platform: NodeJS.Platform = process.platform): string[] {
  return platform === 'win32' ? ['python', 'py'] : ['python3']
}

/** Asks Python for the location of its torch, without importing it. Never rejects. */
export async function askPython(env: NodeJS.ProcessEnv = process.env): Promise<PythonTorch> {
  for (const name of pythonNames()) {
    const answer = await run(name, env)
    if (answer) return answer
  }
  return { executable: null, folder: null }
}

function run(name: string, env: NodeJS.ProcessEnv): Promise<PythonTorch | null> {
  // `python -c` puts the working directory first on its path. In the root folder it does not pick up a `torch/` or `json.py` by accident.
  const options = { env, cwd: parse(process.cwd()).root, timeout: 10_000, windowsHide: true }
  return new Promise((resolve) => {
    execFile(name, ['-c', SCRIPT], options, (error, stdout) => {
      if (error) return resolve(null)
      try {
        const { executable, origin } = JSON.parse(stdout) as { executable: string; origin: string | null }
        resolve({ executable, folder: origin === null ? null : dirname(origin) })
      } catch {
        resolve(null)
      }
    })
  })
}
