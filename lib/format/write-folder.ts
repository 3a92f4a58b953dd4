import { open, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ParameterValue, WriteRequest, WriteSource } from '../../binding'
import { isSentorchError, SentorchError } from '../base/errors'
import { makeFolder, syncFolder } from '../files/folders'
import { recoverFolder, Staging, sweep, targetOf } from '../files/staging'
import { BITS } from './safetensors'
import type { LocatedTensor } from './weights'

/** A folder with one of these is a model's: what may be replaced. */
const MARKS = ['config.json', 'modules.json', 'sentorch.json']

export interface StagingOptions {
  /** Whether a folder that is there already may be replaced. */
  overwrite: boolean
  /** Files of which one must lie in a folder that is replaced: nobody's documents are taken for an old model. */
  marks?: readonly string[]
}

/**
 * A folder that appears under its name only when it is whole: it is written next to its target (see `Staging`), every file and folder is
 * flushed to the disk, then it takes the name, in one step where the system has one. Whatever fails until then is ERR_FILE and leaves the
 * target as it is; afterwards nothing fails. When the process ends first, what was written is removed; after a kill the next save does that.
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

  /** Refuses a target that is no folder, one that holds something and may not be replaced, and one that holds something else than a model. */
  static async create(folder: string, options: StagingOptions): Promise<StagedFolder> {
    return attempt(folder, async () => {
      const target = await targetOf(folder)
      await recoverFolder(target)
      await refuseTarget(target, folder, options)
      await sweep(target)
      return new StagedFolder(await Staging.create(target), folder, target, options)
    })
  }

  /** Absolute; where it is written. */
  get path(): string {
    return this.#staging.fresh
  }

  /** Absolute; where it will be. */
  get target(): string {
    return this.#target
  }

  /** Whether the folder has the name, or will be given it by the next load or save. */
  get isPlaced(): boolean {
    return this.#isPlaced || this.#staging.isInterrupted
  }

  /** Makes a folder inside, by its name from the top, with '/'. */
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

  /** Rejects only where the folder did not take the name. */
  async commit(): Promise<void> {
    await attempt(this.#shown, async () => {
      for (const name of this.#folders) await syncFolder(join(this.path, name))
      await syncFolder(this.path)
      // Somebody may have put something there meanwhile.
      await refuseTarget(this.#target, this.#shown, this.#options)
      this.#place()
    })
    await syncFolder(dirname(this.#target)).catch(() => {})
    await this.#staging.remove()
  }

  /** Removes what was written; nothing happens after `commit`. Never rejects. */
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
        `${message} What was there lies in ${join(path, 'old')} and the new one in ${this.path}: the next load or save puts the new one in place.`,
        error,
      )
    }
  }
}

async function refuseTarget(target: string, shown: string, { overwrite, marks = MARKS }: StagingOptions): Promise<void> {
  const names = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw unwritable(shown, error.code === 'ENOTDIR' ? 'It is a file; name a folder.' : `${error.message}.`, error)
  })
  if (names.length === 0) return
  if (!overwrite) throw unwritable(shown, 'It is there already. Name another folder, or replace it with overwrite: true.')
  if (names.some((name) => marks.includes(name))) return
  throw unwritable(shown, `It holds ${names.length} entries but none of ${marks.join(', ')}: only an earlier save is replaced.`)
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

/** A tensor of a file that is written: its type, its shape and where its bytes come from. */
export interface TensorToWrite {
  dtype: string
  shape: readonly number[]
  from: WriteSource
}

/** What the native model has now, float32. */
export function valueOf(parameter: string, shape: readonly number[], value: ParameterValue = 'value'): TensorToWrite {
  return { dtype: 'F32', shape, from: { value, parameter } }
}

/** The bytes as they are stored. `files`: those that the tensor names by place. */
export function storedBytes({ dtype, shape, file, offset, bytes }: LocatedTensor, files: readonly string[]): TensorToWrite {
  return { dtype, shape, from: { file: files[file]!, offset, bytes } }
}

/**
 * The request for a safetensors file. Tensors lie one behind the other, the widest types first and then by name, as Python's library writes
 * them: so each begins at a multiple of its element's size.
 */
export function safetensorsFile(path: string, tensors: ReadonlyMap<string, TensorToWrite>): WriteRequest {
  const sorted = [...tensors].sort(([a, x], [b, y]) => BITS[y.dtype]! - BITS[x.dtype]! || (a < b ? -1 : 1))
  // transformers refuses a file that does not say where it comes from.
  const entries: [string, object][] = [['__metadata__', { format: 'pt' }]]
  let at = 0
  for (const [name, { dtype, shape }] of sorted) {
    const end = at + (shape.reduce((product, size) => product * size, 1) * BITS[dtype]!) / 8
    entries.push([name, { dtype, shape, data_offsets: [at, end] }])
    at = end
  }
  return { path, header: headerBytes(entries), parts: sorted.map(([, { from }]) => from) }
}

/** Length, 64 bits little-endian, and JSON, filled up with spaces to a multiple of 8. */
function headerBytes(entries: readonly [string, object][]): Uint8Array {
  const json = Buffer.from(`{${entries.map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(',')}}`)
  const length = Math.ceil(json.length / 8) * 8
  const bytes = Buffer.alloc(8 + length, ' ')
  bytes.writeBigUInt64LE(BigInt(length))
  json.copy(bytes, 8)
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}
