import { constants, type Stats } from 'node:fs'
import { open, readlink, realpath, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { describe } from '../base/check'
import { SentorchError } from '../base/errors'
import { fileError, jsonProblem } from './file-errors'

/** JSON files of a model are small: even an index of thousands of tensors is below 1 MB. */
const MAX_JSON_BYTES = 16 * 1024 * 1024

export interface OpenFile {
  handle: FileHandle
  /** Size in bytes when the file was opened. */
  size: number
}

/**
 * Opens a regular file. A FIFO or a device is rejected without waiting for its other end. The caller closes the file.
 * Throws ERR_UNSAFE_MODEL if it is not a regular file, and ERR_FILE if the operating system cannot open it.
 */
export async function openRegular(file: string, name = file): Promise<OpenFile> {
  try {
    refuseIrregular(await stat(file), name)
    // O_NONBLOCK and the second check cover a file that is replaced between the two calls.
    const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    try {
      const status = await handle.stat()
      refuseIrregular(status, name)
      return { handle, size: status.size }
    } catch (error) {
      await handle.close()
      throw error
    }
  } catch (error) {
    if (error instanceof SentorchError) throw error
    throw fileError(name, error)
  }
}

/** Reads exactly `length` bytes from `position`. Throws ERR_MODEL_FORMAT if the file has fewer, ERR_FILE if they cannot be read. */
export async function readExactly(handle: FileHandle, position: number, length: number, name: string): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, position + done).catch((error: unknown) => {
      throw fileError(name, error)
    })
    if (bytesRead === 0)
      throw new SentorchError('ERR_MODEL_FORMAT', `${name} is shorter than expected: it is still being written, or it is truncated.`)
    done += bytesRead
  }
  return buffer
}

/** Rejects Git LFS pointers: a clone without git-lfs contains small text files in place of the large ones. */
export function refuseLfsPointer(start: Buffer, name: string): void {
  if (!start.subarray(0, 64).toString('latin1').startsWith('version https://git-lfs')) return
  throw new SentorchError(
    'ERR_MODEL_FORMAT',
    `${name} is a Git LFS pointer, not the file itself. Run 'git lfs install' and 'git lfs pull' in the repository, or download the file.`,
    { detail: { file: name } },
  )
}

/** The parsed JSON of a file of the model, or undefined if it does not exist. A byte order mark is skipped. */
export async function readJson(root: ModelRoot, path: string): Promise<unknown> {
  const file = await resolveFile(root, path)
  if (file === undefined) return undefined
  const name = `${path} in ${root.shown}`
  const { handle, size } = await openRegular(file, name)
  try {
    if (size > MAX_JSON_BYTES) {
      throw new SentorchError('ERR_MODEL_FORMAT', `${name} has ${size} bytes; the limit is ${MAX_JSON_BYTES}.`, {
        detail: { file: path },
      })
    }
    const bytes = await readExactly(handle, 0, size, name)
    if (size === 0) throw new SentorchError('ERR_MODEL_FORMAT', `${name} is empty.`, { detail: { file: path } })
    refuseLfsPointer(bytes, name)
    // TextDecoder drops the byte order mark.
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    if (error instanceof SentorchError) throw error
    throw new SentorchError('ERR_MODEL_FORMAT', `${name} is not JSON: ${jsonProblem(error)}`, { detail: { file: path } })
  } finally {
    await handle.close()
  }
}

function refuseIrregular(status: Stats, name: string): void {
  if (status.isFile()) return
  const kind = status.isDirectory() ? 'a folder' : status.isFIFO() ? 'a FIFO' : status.isSocket() ? 'a socket' : 'a device'
  throw new SentorchError('ERR_UNSAFE_MODEL', `${name} is ${kind}, not a regular file.`, { detail: { file: name } })
}

/** The folder of a model. Every file of the model is opened through `resolveFile`, which rejects paths that leave the folder. */
export interface ModelRoot {
  /** The path as the caller wrote it, for error messages. */
  shown: string
  /** The absolute path, without symbolic links. */
  real: string
  /** For a snapshot in a hub cache (`models--x--y/snapshots/<commit>`): the repository's blobs, which links may point to. They may lead on into the cache's store. */
  blobs?: string
}

/** Throws ERR_MODEL_NOT_FOUND if `folder` is not a folder. */
export async function openRoot(folder: string): Promise<ModelRoot> {
  let real: string
  try {
    real = await realpath(folder)
  } catch (error) {
    if (codeOf(error) === 'ELOOP') throw loop(folder, error)
    throw new SentorchError('ERR_MODEL_NOT_FOUND', `The folder ${folder} does not exist.`, { cause: error, detail: { folder } })
  }
  if (!(await stat(real)).isDirectory()) {
    throw new SentorchError('ERR_MODEL_NOT_FOUND', `${folder} is a file. Pass the path of the model's folder.`, { detail: { folder } })
  }
  const blobs = blobsOf(real)
  return { shown: folder, real, ...(blobs && { blobs }) }
}

/**
 * The real path of a file or folder of the model, or undefined if it does not exist. `path` uses '/'; '' is the model's folder.
 * Throws ERR_UNSAFE_MODEL if the path or a symbolic link on it leads out of the folder. `namedBy`: the file that contains `path`.
 */
export async function resolveFile(root: ModelRoot, path: string, namedBy?: string): Promise<string | undefined> {
  checkRelative(root, path, namedBy)
  let real: string
  try {
    real = await realpath(join(root.real, path))
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    if (code === 'ELOOP') throw loop(`${path} in ${root.shown}`, error)
    throw fileError(`${path} in ${root.shown}`, error)
  }
  if (inside(root.real, real) || (root.blobs !== undefined && inside(root.blobs, real))) return real
  if (root.blobs !== undefined && (await isSharedBlob(root, root.blobs, path, real))) return real
  throw new SentorchError(
    'ERR_UNSAFE_MODEL',
    `${path} in ${root.shown} is a symbolic link that leads out of the model's folder, to ${real}. Replace the link with the file itself.`,
    { detail: { file: path, target: real } },
  )
}

/** Rejects a path from a model's metadata that is absolute, contains '..', or uses the syntax of another system. */
export function checkRelative(root: ModelRoot, path: string, namedBy?: string): void {
  const parts = path.split('/')
  if (!isAbsolute(path) && !/^[A-Za-z]:|[\\\0]/.test(path) && !path.startsWith('/') && !parts.includes('..')) return
  throw new SentorchError(
    'ERR_UNSAFE_MODEL',
    `${namedBy ?? 'The model'} in ${root.shown} names the path ${describe(path)}: only paths inside the model's folder are allowed.`,
    { detail: { file: namedBy, path } },
  )
}

/** A path inside the model, with '/'; '' is the model's folder. */
export function joinPath(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

function blobsOf(real: string): string | undefined {
  for (let folder = real; dirname(folder) !== folder; folder = dirname(folder)) {
    const parent = dirname(folder)
    if (basename(folder) === 'snapshots' && folder !== real && basename(parent).startsWith('models--')) return join(parent, 'blobs')
  }
  return undefined
}

/**
 * huggingface_hub may store equal contents once for all repositories of a cache: `snapshots/<commit>/<path>` then links to the repository's
 * `blobs/<etag>`, which links to `<cache>/blobs/<first two digits>/<64 hexadecimal digits>`. True only for exactly these two links, since
 * huggingface_hub creates neither a direct link from a snapshot to the store nor a longer chain.
 */
async function isSharedBlob(root: ModelRoot, blobs: string, path: string, real: string): Promise<boolean> {
  const store = join(dirname(dirname(blobs)), 'blobs')
  const [prefix, hash = '', ...rest] = relative(store, real).split(sep)
  if (!/^[0-9a-f]{64}$/.test(hash) || prefix !== hash.slice(0, 2) || rest.length > 0) return false
  const pointer = join(root.real, path)
  const folder = await realpath(dirname(pointer))
  const blob = await followLink(join(folder, basename(pointer)))
  if (!inside(root.real, folder) || blob === undefined || dirname(blob) !== blobs || (await realpath(blobs)) !== blobs) return false
  return (await followLink(blob)) === real
}

/** The target of the link `file`, or undefined if it is not a link. */
async function followLink(file: string): Promise<string | undefined> {
  const target = await readlink(file).catch(() => undefined)
  return target === undefined ? undefined : resolve(dirname(file), target)
}

function inside(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way === '' || (!isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`))
}

function loop(what: string, cause: unknown): SentorchError {
  return new SentorchError('ERR_UNSAFE_MODEL', `${what} is a loop of symbolic links.`, { cause })
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code
}
