import { execFile } from 'node:child_process'
import { dirname, join, parse, resolve } from 'node:path'
import { SentorchError } from '../base/errors'
import { homeFolder, platformName } from '../base/platform'
import { inspect, type Inspection, type Installation } from './inspect'
import { TORCH_VERSION } from './versions'

export interface Libtorch extends Installation {
  source: 'option' | 'environment' | 'cache' | 'python'
}

/** One place that was looked at, and what was found there, in words. */
export interface Place {
  place: string
  found: string
}

export const INSTALL_COMMAND = 'npx sentorch install-libtorch'

/**
 * Where libtorch is: `path`, else the environment variable SENTORCH_LIBTORCH, else our cache, else the torch of `python3`.
 * A place that was named on purpose is never passed over for another. Opens no library, starts no Python while an earlier place holds one.
 *
 * Rejects with ERR_LIBTORCH_MISSING or, where only other versions were found, ERR_LIBTORCH_VERSION; `detail.places` lists what was seen.
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
      this.note('our cache', (error as Error).message)
      return null
    }
    return this.look('cache', folder)
  }

  async lookInPython(): Promise<Libtorch | null> {
    const { executable, folder } = await askPython()
    if (folder !== null) return await this.look('python', folder, `${folder} (torch of ${executable})`)
    this.note('python3', executable === null ? 'does not answer' : `${executable} has no torch`)
    return null
  }

  /** `chosen` is what named the only place that was looked at, if something did. */
  fail(chosen: string | null): never {
    const width = Math.max(...this.places.map(({ place }) => place.length))
    const lines = this.places.map(({ place, found }) => `  ${place.padEnd(width)}  ${found}`)
    const remedy = chosen
      ? `${chosen} must name a folder with libtorch ${TORCH_VERSION}: site-packages, its torch folder, or an unzipped libtorch. ` +
        `Or leave it out and run: ${INSTALL_COMMAND}`
      : `To install it: ${INSTALL_COMMAND}`
    const head = this.wrongVersion
      ? `sentorch needs libtorch ${TORCH_VERSION} and found another version. Looked at:`
      : `sentorch needs libtorch ${TORCH_VERSION} and found none. Looked at:`
    throw new SentorchError(this.wrongVersion ? 'ERR_LIBTORCH_VERSION' : 'ERR_LIBTORCH_MISSING', [head, ...lines, remedy].join('\n'), {
      detail: { places: this.places, needed: TORCH_VERSION, command: INSTALL_COMMAND },
    })
  }
}

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

// find_spec of a top-level name imports nothing: torch itself takes seconds to import.
const SCRIPT = `
import importlib.util, json, sys
spec = importlib.util.find_spec('torch')
print(json.dumps({'executable': sys.executable, 'origin': spec.origin if spec else None}))
`

export interface PythonTorch {
  /** The interpreter that was asked; null when there is none or it gave no answer. */
  executable: string | null
  /** The `torch` folder that it would import; null when it has none. */
  folder: string | null
}

/** The interpreters that may be called `python3` here, in the order of asking. */
export function pythonNames(platform: NodeJS.Platform = process.platform): string[] {
  return platform === 'win32' ? ['python', 'py'] : ['python3']
}

/** Asks Python where its torch lies, without importing it. Never rejects. */
export async function askPython(env: NodeJS.ProcessEnv = process.env): Promise<PythonTorch> {
  for (const name of pythonNames()) {
    const answer = await run(name, env)
    if (answer) return answer
  }
  return { executable: null, folder: null }
}

function run(name: string, env: NodeJS.ProcessEnv): Promise<PythonTorch | null> {
  // `python -c` puts the working directory first on its path: at the root nobody's `torch/` or `json.py` is picked up by chance.
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
