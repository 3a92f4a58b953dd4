import { open, readdir, readFile, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { platformName } from '../base/platform'
import { unlessOutOfFiles } from '../files/file-errors'
import { baseVersion, PLATFORMS, TORCH_VERSION } from './versions'

/** The part of a `Libtorch` that does not depend on how it was found. */
export interface Installation {
  /** The folder that contains `lib` and `include`. */
  root: string
  libraryDir: string
  /** With its local suffix: `2.11.0+cu130`. */
  version: string
  /** Absolute paths, in opening order, for use on the CPU. */
  libraries: string[]
  /** Additional libraries for CUDA, in opening order; empty if they are not installed. */
  cudaLibraries: string[]
  /** For the compiler; empty if the headers are not installed. */
  includeDirs: string[]
}

/** A suitable installation, or a description of what was found instead. `version` is set if the folder contains torch of another version. */
export type Inspection = { installation: Installation } | { installation: null; found: string; version?: string }

/**
 * Inspects one folder: a site-packages folder, a `torch` folder in one, or an unzipped libtorch.
 * Reads a version file and directory entries, and opens no library.
 */
export async function inspect(folder: string, platform: string = platformName()): Promise<Inspection> {
  const nothing = (found: string, version?: string): Inspection => ({ installation: null, found, version })
  if (!(await exists(folder))) return nothing('does not exist')
  const torch = await identify(resolve(folder))
  if (torch === null) return nothing('contains no torch/version.py, version.py or build-version')
  if (baseVersion(torch.version) !== TORCH_VERSION) return nothing(`torch ${torch.version}`, torch.version)

  const row = PLATFORMS[platform]
  if (row === undefined) return nothing(`torch ${torch.version}, but sentorch does not support libtorch on ${platform}`)
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
      // libtorch_nvshmem uses symbols of libc10_cuda without declaring the dependency, so it cannot be opened alone; libtorch_cuda loads it.
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

/** The CUDA runtime is in separate wheels, in folders next to torch: nvidia/cu13/lib, nvidia/cudnn/lib, … */
async function nvidiaFolders(root: string): Promise<string[]> {
  const nvidia = join(dirname(root), 'nvidia')
  const names = await readdir(nvidia).catch(unlessOutOfFiles(nvidia, []))
  return names.sort().map((name) => join(nvidia, name, 'lib'))
}

/**
 * The libraries, each preceded by those in `folders` that it needs. The dynamic linker then finds open libraries by SONAME, so RPATH does not
 * matter. It resolves all other libraries (libc, the CUDA driver) itself.
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

const PT_LOAD = 1
const PT_DYNAMIC = 2
const DT_NEEDED = 1n
const DT_STRTAB = 5n

/**
 * The shared libraries that a 64-bit little-endian ELF file needs; null if the file is not ELF or is truncated.
 * Reads only a few kilobytes of the file.
 */
export async function readNeeded(path: string): Promise<string[] | null> {
  const file = await open(path, 'r').catch(unlessOutOfFiles(path, null))
  if (file === null) return null
  try {
    return await needed(file)
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  } finally {
    await file.close()
  }
}

async function needed(file: FileHandle): Promise<string[]> {
  const header = await bytes(file, 0n, 64)
  if (header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1) throw new RangeError('not an ELF file')
  const entrySize = header.readUInt16LE(54)
  const count = header.readUInt16LE(56)
  const programHeaders = await bytes(file, header.readBigUInt64LE(32), entrySize * count)

  const loads: { offset: bigint; address: bigint; size: bigint }[] = []
  let dynamic: Buffer | undefined
  for (let i = 0; i < count; i++) {
    const entry = programHeaders.subarray(i * entrySize, (i + 1) * entrySize)
    const [offset, address, size] = [entry.readBigUInt64LE(8), entry.readBigUInt64LE(16), entry.readBigUInt64LE(32)]
    if (entry.readUInt32LE(0) === PT_LOAD) loads.push({ offset, address, size })
    if (entry.readUInt32LE(0) === PT_DYNAMIC) dynamic = await bytes(file, offset, Number(size))
  }
  if (dynamic === undefined) return []

  const nameOffsets: bigint[] = []
  let stringTable = 0n
  for (let i = 0; i + 16 <= dynamic.length; i += 16) {
    const [tag, value] = [dynamic.readBigUInt64LE(i), dynamic.readBigUInt64LE(i + 8)]
    if (tag === 0n) break
    if (tag === DT_NEEDED) nameOffsets.push(value)
    if (tag === DT_STRTAB) stringTable = value
  }
  const load = loads.find(({ address, size }) => stringTable >= address && stringTable < address + size)
  if (load === undefined) throw new RangeError('the string table is outside all segments')
  const base = stringTable - load.address + load.offset
  return await Promise.all(nameOffsets.map((offset) => name(file, base + offset)))
}

async function name(file: FileHandle, position: bigint): Promise<string> {
  const buffer = Buffer.alloc(256)
  const { bytesRead } = await file.read(buffer, 0, buffer.length, Number(position))
  const end = buffer.subarray(0, bytesRead).indexOf(0)
  if (end < 0) throw new RangeError('a name is not terminated')
  return buffer.toString('latin1', 0, end)
}

async function bytes(file: FileHandle, position: bigint, length: number): Promise<Buffer> {
  if (length > 1 << 20) throw new RangeError('a header of more than a megabyte')
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, Number(position))
  if (bytesRead < length) throw new RangeError('the file is truncated')
  return buffer
}
