import { constants, type Stats } from 'node:fs'
import { open, readdir, readlink, realpath, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { describe } from '../base/check'
import { SentorchError } from '../base/errors'
import { printable, trimEnd } from '../base/text'
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

/** Weight files of other frameworks, recognised by their names, and how to obtain safetensors files instead. */
const FORMATS: readonly { name: string; pattern: RegExp; remedy: (place: Place) => string }[] = [
  { name: 'ONNX', pattern: /\.onnx(_data)?$/i, remedy: original },
  { name: 'OpenVINO', pattern: /(^|\/)openvino[^/]*\.(xml|bin)$/i, remedy: original },
  { name: 'GGUF', pattern: /\.(gguf|ggml)$/i, remedy: original },
  { name: 'TensorFlow', pattern: /\.h5$/i, remedy: (place) => converted(place, 'tensorflow tf-keras', 'from_tf=True') },
  { name: 'Flax', pattern: /\.msgpack$/i, remedy: (place) => converted(place, 'flax', 'from_flax=True') },
  { name: 'rust-bert', pattern: /\.ot$/i, remedy: original },
  { name: 'TensorFlow Lite', pattern: /\.tflite$/i, remedy: original },
  { name: 'Core ML', pattern: /\.(mlmodel|mlpackage)(\/|$)/i, remedy: original },
]

/** The name that Python loads: a folder or a repository id. */
type Place = string

function original(): string {
  return 'This format cannot be converted back. Use the PyTorch model that it was exported from (see its README or model card), with model.safetensors.'
}

function converted(place: Place, packages: string, argument: string): string {
  const [from, to] = [JSON.stringify(place), JSON.stringify(`${trimEnd(place, '\\/')}-safetensors`)]
  return (
    `Convert it once with transformers 4 and load ${to}: pip install "transformers<5" torch ${packages}; ` +
    `python3 -c 'from transformers import AutoModel as M, AutoTokenizer as T; M.from_pretrained(${from}, ${argument}).save_pretrained(${to}); ` +
    `T.from_pretrained(${from}).save_pretrained(${to})'`
  )
}

/** One sentence for each kind of other weights among these paths, with the remedy; undefined if none are found. */
export function otherWeights(paths: readonly string[], place: Place): string | undefined {
  const told = FORMATS.flatMap(({ name, pattern, remedy }) => {
    const found = paths.filter((path) => pattern.test(path))
    return found.length > 0
      ? [`The folder contains weights for ${name} (${shortList(found)}), which sentorch cannot read. ${remedy(place)}`]
      : []
  })
  const renamed = paths.filter(
    (path) => path.endsWith('.safetensors') && !/(^|\/)(model(-\d+-of-\d+)?|heads|adapter_model)\.safetensors$/.test(path),
  )
  if (renamed.length > 0) {
    told.push(
      `The folder contains ${shortList(renamed)}, but weights are read from model.safetensors. Rename the file if it contains the whole model.`,
    )
  }
  return told.length > 0 ? told.join(' ') : undefined
}

function shortList(paths: readonly string[]): string {
  const more = paths.length > 3 ? ` and ${paths.length - 3} more` : ''
  return `${paths.slice(0, 3).map(printable).join(', ')}${more}`
}

/** Limit of the search, which only serves an error message. */
const MAX_DEPTH = 3
const MAX_FILES = 2000

/** Sorted paths of the files below a folder, with '/', a few levels deep. Links to folders are not followed. */
export async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = []
  async function visit(path: string, depth: number): Promise<void> {
    const entries = await readdir(join(folder, path), { withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      if (found.length >= MAX_FILES) return
      const below = path === '' ? entry.name : `${path}/${entry.name}`
      if (!entry.isDirectory()) found.push(below)
      else if (depth < MAX_DEPTH) await visit(below, depth + 1)
    }
  }
  await visit('', 1)
  return found.sort()
}
