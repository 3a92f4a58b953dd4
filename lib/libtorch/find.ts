import { SentorchError } from '../base/errors'
import { installedFolder } from './cache'
import { inspect, type Inspection, type Installation } from './inspect'
import { askPython } from './python'
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
