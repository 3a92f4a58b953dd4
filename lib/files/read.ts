import { constants } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import { SentorchError } from '../base/errors'
import { fileError } from './file-errors'
import { jsonProblem } from './json-problem'
import { resolveFile, type ModelRoot } from './paths'

/** JSON files of a model are small; an index of thousands of tensors is below 1 MB. */
const MAX_JSON_BYTES = 16 * 1024 * 1024

export interface OpenFile {
  handle: FileHandle
  /** Bytes, at the time of opening. */
  size: number
}

/**
 * Opens a regular file and nothing else: a FIFO or a device is refused without waiting for its other end. The caller closes.
 * ERR_UNSAFE_MODEL for what is not a file; ERR_FILE where the operating system does not open it.
 */
export async function openRegular(file: string, name = file): Promise<OpenFile> {
  try {
    refuseIrregular(await stat(file), name)
    // The second look and O_NONBLOCK are for a file that is swapped in between.
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

/** Exactly `length` bytes from `position`. ERR_MODEL_FORMAT where there are fewer, ERR_FILE where they cannot be read. */
export async function readExactly(handle: FileHandle, position: number, length: number, name: string): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, position + done).catch((error: unknown) => {
      throw fileError(name, error)
    })
    if (bytesRead === 0) throw new SentorchError('ERR_MODEL_FORMAT', `${name} ended while it was read: it is being written or was cut off.`)
    done += bytesRead
  }
  return buffer
}

/** A clone without git-lfs holds small text files in the place of large ones. */
export function refuseLfsPointer(start: Buffer, name: string): void {
  if (!start.subarray(0, 64).toString('latin1').startsWith('version https://git-lfs')) return
  throw new SentorchError(
    'ERR_MODEL_FORMAT',
    `${name} is a Git LFS pointer, not the file itself. Run 'git lfs install' and 'git lfs pull' in the repository, or download the file.`,
    { detail: { file: name } },
  )
}

/** The parsed JSON of a file of the model, or undefined where there is none. A byte order mark is skipped. */
export async function readJson(root: ModelRoot, path: string): Promise<unknown> {
  const file = await resolveFile(root, path)
  if (file === undefined) return undefined
  const name = `${path} in ${root.shown}`
  const { handle, size } = await openRegular(file, name)
  try {
    if (size > MAX_JSON_BYTES) {
      throw new SentorchError('ERR_MODEL_FORMAT', `${name} has ${size} bytes; at most ${MAX_JSON_BYTES} are read.`, {
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
