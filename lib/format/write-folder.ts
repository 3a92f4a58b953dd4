import { open, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ParameterValue, WriteRequest, WriteSource } from '../../binding'
import { isSentorchError, SentorchError } from '../base/errors'
import { makeFolder, syncFolder } from '../files/folders'
import { recoverFolder, Staging, sweep, targetOf } from '../files/staging'
import { BITS, type LocatedTensor } from './safetensors'

/** Files that identify a model folder, which may be replaced. */
const MARKS = ['config.json', 'modules.json', 'sentorch.json']

export interface StagingOptions {
  /** Whether an existing folder may be replaced. */
  overwrite: boolean
  /** A folder is replaced only if it contains one of these files, so that documents are never mistaken for an old model. */
  marks?: readonly string[]
}

/**
 * A folder that appears under its name only when it is complete: it is written next to its target (see `Staging`), every file and folder is
 * flushed to the disk, and then it takes the target's name, in one step if the system supports that. Any failure until then is ERR_FILE and
 * leaves the target unchanged; after that nothing can fail. If the process ends early, the partial folder is removed; after a kill, by the next save.
 */
export class StagedFolder {
  readonly #staging: Staging
  readonly #shown: string
  readonly #target: string
  readonly #options: StagingOptions
  readonly #folders: string[] = []
  #isPlaced = false

  private constructor(staging: Staging, shown: string, target: string, options: StagingOptions) {
    this.#staging = staging
    this.#shown = shown
    this.#target = target
    this.#options = options
  }

  /** Rejects a target that is not a folder, a non-empty one that may not be replaced, and one that contains something other than a model. */
  static async create(folder: string, options: StagingOptions): Promise<StagedFolder> {
    return attempt(folder, async () => {
      const target = await targetOf(folder)
      await recoverFolder(target)
      await refuseTarget(target, folder, options)
      await sweep(target)
      return new StagedFolder(await Staging.create(target), folder, target, options)
    })
  }

  /** Absolute path of the folder being written. */
  get path(): string {
    return this.#staging.fresh
  }

  /** Absolute path that it will have. */
  get target(): string {
    return this.#target
  }

  /** Whether the folder has its name, or will be given it by the next load or save. */
  get isPlaced(): boolean {
    return this.#isPlaced || this.#staging.isInterrupted
  }

  /** Creates a folder inside, by its path from the top, with '/'. */
  async folder(name: string): Promise<void> {
    await attempt(this.#shown, () => makeFolder(join(this.path, name)))
    this.#folders.push(name)
  }

  async write(name: string, content: string | Uint8Array): Promise<void> {
    await attempt(this.#shown, async () => {
      const handle = await open(join(this.path, name), 'wx')
      try {
        await handle.writeFile(content)
        await handle.sync()
      } finally {
        await handle.close()
      }
    })
  }

  async json(name: string, value: unknown): Promise<void> {
    await this.write(name, `${JSON.stringify(value, null, 2)}\n`)
  }

  /** Rejects only if the folder did not get its name. */
  async commit(): Promise<void> {
    await attempt(this.#shown, async () => {
      for (const name of this.#folders) await syncFolder(join(this.path, name))
      await syncFolder(this.path)
      // Another process may have written to the target in the meantime.
      await refuseTarget(this.#target, this.#shown, this.#options)
      this.#place()
    })
    await syncFolder(dirname(this.#target)).catch(() => {})
    await this.#staging.remove()
  }

  /** Removes what was written. Does nothing after `commit`. Never rejects. */
  async discard(): Promise<void> {
    await this.#staging.remove()
  }

  #place(): void {
    try {
      this.#staging.place(this.#options.overwrite)
      this.#isPlaced = true
    } catch (error) {
      const message = `${(error as Error).message}.`
      if (!this.#staging.isInterrupted) throw unwritable(this.#shown, message, error)
      const { path } = this.#staging
      throw unwritable(
        this.#shown,
        `${message} The previous folder is in ${join(path, 'old')} and the new one in ${this.path}; the next load or save moves the new one into place.`,
        error,
      )
    }
  }
}

async function refuseTarget(target: string, shown: string, { overwrite, marks = MARKS }: StagingOptions): Promise<void> {
  const names = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw unwritable(shown, error.code === 'ENOTDIR' ? 'It is a file, not a folder.' : `${error.message}.`, error)
  })
  if (names.length === 0) return
  if (!overwrite) throw unwritable(shown, 'It already exists. Choose another folder, or pass overwrite: true to replace it.')
  if (names.some((name) => marks.includes(name))) return
  throw unwritable(shown, `It has ${names.length} entries but none of ${marks.join(', ')}; only an earlier save can be replaced.`)
}

async function attempt<T>(shown: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isSentorchError(error)) throw error
    throw unwritable(shown, `${(error as Error).message}.`, error)
  }
}

function unwritable(folder: string, reason: string, cause?: unknown): SentorchError {
  return new SentorchError('ERR_FILE', `Cannot write the folder ${folder}. ${reason}`, { cause, detail: { folder } })
}

/** A tensor to be written: its type, its shape and where its bytes come from. */
export interface TensorToWrite {
  dtype: string
  shape: readonly number[]
  from: WriteSource
}

/** The current float32 value of a parameter in the native model. */
export function valueOf(parameter: string, shape: readonly number[], value: ParameterValue = 'value'): TensorToWrite {
  return { dtype: 'F32', shape, from: { value, parameter } }
}

/** The bytes as stored. `files`: the files that the tensor refers to by index. */
export function storedBytes({ dtype, shape, file, offset, bytes }: LocatedTensor, files: readonly string[]): TensorToWrite {
  return { dtype, shape, from: { file: files[file]!, offset, bytes } }
}

/**
 * The request for writing a safetensors file. Tensors are contiguous, the widest types first and then by name, as in Python's library,
 * so each begins at a multiple of its element size.
 */
export function safetensorsFile(path: string, tensors: ReadonlyMap<string, TensorToWrite>): WriteRequest {
  const sorted = [...tensors].sort(([a, x], [b, y]) => BITS[y.dtype]! - BITS[x.dtype]! || (a < b ? -1 : 1))
  // transformers rejects a file without a 'format' entry.
  const entries: [string, object][] = [['__metadata__', { format: 'pt' }]]
  let at = 0
  for (const [name, { dtype, shape }] of sorted) {
    const end = at + (shape.reduce((product, size) => product * size, 1) * BITS[dtype]!) / 8
    entries.push([name, { dtype, shape, data_offsets: [at, end] }])
    at = end
  }
  return { path, header: headerBytes(entries), parts: sorted.map(([, { from }]) => from) }
}

/** The length as 64 bits little-endian, and the JSON, padded with spaces to a multiple of 8. */
function headerBytes(entries: readonly [string, object][]): Uint8Array {
  const json = Buffer.from(`{${entries.map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(',')}}`)
  const length = Math.ceil(json.length / 8) * 8
  const bytes = Buffer.alloc(8 + length, ' ')
  bytes.writeBigUInt64LE(BigInt(length))
  json.copy(bytes, 8)
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}
