import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { unlessOutOfFiles } from '../files/file-errors'
import { readNeeded } from './elf'
import { PLATFORMS, TORCH_VERSION, baseVersion } from './versions'
import { platformName } from '../base/platform'

/** The part of a `Libtorch` that does not depend on how it was found. */
export interface Installation {
  /** The folder that holds `lib` and `include`. */
  root: string
  libraryDir: string
  /** With its local suffix: `2.11.0+cu130`. */
  version: string
  /** Absolute, in the order of opening for use on the CPU. */
  libraries: string[]
  /** What CUDA needs beyond that, in the order of opening; empty where it is absent. */
  cudaLibraries: string[]
  /** For the compiler; empty where the headers are absent. */
  includeDirs: string[]
}

/** Either an installation that fits, or in words what is there instead. `version` is set where a torch of a wrong version is there. */
export type Inspection = { installation: Installation } | { installation: null; found: string; version?: string }

/**
 * Looks at one folder: a site-packages folder, a `torch` folder in one, or an unzipped libtorch.
 * Reads a version file and directory entries; opens no library.
 */
export async function inspect(folder: string, platform: string = platformName()): Promise<Inspection> {
  const nothing = (found: string, version?: string): Inspection => ({ installation: null, found, version })
  if (!(await exists(folder))) return nothing('nothing there')
  const torch = await identify(resolve(folder))
  if (torch === null) return nothing('no torch/version.py, no version.py and no build-version in it')
  if (baseVersion(torch.version) !== TORCH_VERSION) return nothing(`torch ${torch.version}`, torch.version)

  const row = PLATFORMS[platform]
  if (row === undefined) return nothing(`torch ${torch.version}, but sentorch knows no libtorch for ${platform}`)
  const libraryDir = join(torch.root, 'lib')
  const missing = row.open.slice(-2).filter((name) => !torch.libraries.includes(name))
  if (missing.length > 0) return nothing(`torch ${torch.version} without ${missing.join(' and ')}`)

  const folders = [libraryDir, ...(await nvidiaFolders(torch.root))]
  const elf = platform.startsWith('linux-')
  const libraries = await inOpeningOrder(row.open, folders, elf)
  const hasCuda = row.openCuda.length > 0 && row.openCuda.every((name) => torch.libraries.includes(name))
  const cuda = hasCuda ? await inOpeningOrder(row.openCuda, folders, elf) : []
  const includeDirs = [join(torch.root, 'include'), join(torch.root, 'include', 'torch', 'csrc', 'api', 'include')]
  return {
    installation: {
      root: torch.root,
      libraryDir,
      version: torch.version,
      libraries,
      // libtorch_nvshmem uses symbols of libc10_cuda without naming it, so it cannot be opened on its own: libtorch_cuda brings it along.
      cudaLibraries: cuda.filter((path) => !libraries.includes(path) && basename(path) !== 'libtorch_nvshmem.so'),
      includeDirs: (await exists(join(includeDirs[0]!, 'ATen', 'ATen.h'))) ? includeDirs : [],
    },
  }
}

async function identify(folder: string): Promise<{ root: string; version: string; libraries: string[] } | null> {
  for (const [root, file] of [
    [join(folder, 'torch'), 'version.py'],
    [folder, 'version.py'],
    [folder, 'build-version'],
  ] as const) {
    const version = await readVersion(join(root, file))
    if (version !== null) return { root, version, libraries: await readdir(join(root, 'lib')).catch(unlessOutOfFiles(root, [])) }
  }
  return null
}

async function readVersion(path: string): Promise<string | null> {
  const info = await stat(path).catch(() => null)
  if (!info?.isFile() || info.size > 65_536) return null
  const text = await readFile(path, 'utf8').catch(unlessOutOfFiles(path, ''))
  if (basename(path) === 'build-version') return /^\d+\.\d+\.\d+\S*$/.exec(text.trim())?.[0] ?? null
  return /^__version__[ \t]*(?::[^=\n]*)?=[ \t]*['"]([^'"\n]+)['"]/m.exec(text)?.[1] ?? null
}

/** The CUDA runtime comes in wheels of its own, beside torch: nvidia/cu13/lib, nvidia/cudnn/lib, … */
async function nvidiaFolders(root: string): Promise<string[]> {
  const nvidia = join(dirname(root), 'nvidia')
  const names = await readdir(nvidia).catch(unlessOutOfFiles(nvidia, []))
  return names.sort().map((name) => join(nvidia, name, 'lib'))
}

/**
 * The libraries and, before each, those of `folders` that it needs. The dynamic linker then matches what is open already by SONAME,
 * so RPATH does not matter. What lies elsewhere (libc, the CUDA driver) is left to it.
 */
async function inOpeningOrder(names: readonly string[], folders: string[], elf: boolean): Promise<string[]> {
  const ordered: string[] = []
  const seen = new Set<string>()
  const visit = async (name: string): Promise<void> => {
    if (seen.has(name)) return
    seen.add(name)
    const path = await firstExisting(folders.map((folder) => join(folder, name)))
    if (path === null) return
    for (const other of (elf && (await readNeeded(path))) || []) await visit(other)
    ordered.push(path)
  }
  for (const name of names) await visit(name)
  return ordered
}

async function firstExisting(paths: string[]): Promise<string | null> {
  for (const path of paths) if (await exists(path)) return path
  return null
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null
}
