import { realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, extname } from 'node:path'
import type { Writable } from 'node:stream'
import { SentorchError } from '../base/errors'
import type { Embeddings } from '../encode/embeddings'
import type { Precision, VectorOf } from '../encode/quantize'
import { keepAtExit, openLocked, removeAtExit, syncFolder, type LockedFile } from '../files/folders'
import { hiddenName, sweep } from '../files/staging'

export const OUTPUT_FORMATS = ['.npy', '.jsonl', '.safetensors'] as const
export type OutputFormat = (typeof OUTPUT_FORMATS)[number]

/** The format that a file's name implies, or undefined. `-`, the standard output, means JSON lines. */
export function outputFormat(path: string): OutputFormat | undefined {
  if (path === '-') return '.jsonl'
  const extension = extname(path).toLowerCase()
  return OUTPUT_FORMATS.find((format) => format === extension)
}

/** Shape of the output: rows of `dimension` numbers (of bytes, for binary precisions). */
export interface VectorShape {
  dimension: number
  precision: Precision
}

export interface VectorWriter {
  write(rows: Embeddings<VectorOf<Precision>>): Promise<void>
  /** Call once, after the last rows. The file appears under its name only now. */
  finish(): Promise<void>
  /** Removes everything that was written. */
  discard(): Promise<void>
}

/** Writes rows as they arrive. The row count of `.npy` and `.safetensors` is written into the header at the end. */
export async function openWriter(path: string, format: OutputFormat, shape: VectorShape, stdout: Writable): Promise<VectorWriter> {
  if (path === '-') return jsonLinesWriter((text) => writeText(stdout, text), shape)
  const file = await StagedFile.create(path)
  const end = { finish: () => file.commit(), discard: () => file.discard() }
  if (format === '.jsonl') return jsonLinesWriter((text) => file.write(Buffer.from(text)), shape, end)
  const header = format === '.npy' ? npyHeader : safetensorsHeader
  let count = 0
  // Until the file is finished it starts with zeros, which are not a valid header.
  await file.write(new Uint8Array(header(0, shape).length))
  return {
    async write({ data, length }) {
      count += length
      await file.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    },
    async finish() {
      await file.writeStart(header(count, shape))
      await file.commit()
    },
    discard: end.discard,
  }
}

const NUMPY_TYPES: Record<Precision, string> = { float32: '<f4', int8: '|i1', uint8: '|u1', binary: '|i1', ubinary: '|u1' }
const NPY_HEADER_BYTES = 128

/** A header in version 1.0 of NumPy's format. It is padded with spaces, so its length does not depend on the row count. */
function npyHeader(rows: number, { dimension, precision }: VectorShape): Buffer {
  const text = `{'descr': '${NUMPY_TYPES[precision]}', 'fortran_order': False, 'shape': (${rows}, ${dimension}), }`
  const header = Buffer.alloc(NPY_HEADER_BYTES, ' ')
  header.write('\x93NUMPY\x01\x00', 'latin1')
  header.writeUInt16LE(NPY_HEADER_BYTES - 10, 8)
  header.write(text, 10, 'latin1')
  header.write('\n', NPY_HEADER_BYTES - 1, 'latin1')
  return header
}

const SAFETENSORS_TYPES: Record<Precision, string> = { float32: 'F32', int8: 'I8', uint8: 'U8', binary: 'I8', ubinary: 'U8' }
const SAFETENSORS_HEADER_BYTES = 256

/** A header for one tensor named `embeddings`. Spaces after the JSON are allowed, so its length does not depend on the row count. */
function safetensorsHeader(rows: number, { dimension, precision }: VectorShape): Buffer {
  const bytes = rows * dimension * (precision === 'float32' ? 4 : 1)
  const tensor = { dtype: SAFETENSORS_TYPES[precision], shape: [rows, dimension], data_offsets: [0, bytes] }
  const header = Buffer.alloc(SAFETENSORS_HEADER_BYTES, ' ')
  header.writeBigUInt64LE(BigInt(SAFETENSORS_HEADER_BYTES - 8), 0)
  header.write(JSON.stringify({ __metadata__: { precision }, embeddings: tensor }), 8, 'latin1')
  return header
}

/** One array per line; row i is the vector of text i. Nine significant digits represent every float32 exactly. */
function jsonLinesWriter(
  append: (text: string) => Promise<void>,
  { precision }: VectorShape,
  end: Pick<VectorWriter, 'finish' | 'discard'> = { finish: async () => {}, discard: async () => {} },
): VectorWriter {
  const digits = precision === 'float32' ? (x: number) => Number(x.toPrecision(9)) : (x: number) => x
  return {
    async write(rows) {
      let text = ''
      for (const row of rows) text += `[${Array.from(row, digits).join(',')}]\n`
      await append(text)
    },
    ...end,
  }
}

/** Resolves when the stream has accepted the text, so that a slow reader slows down the writer. */
export function writeText(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => stream.write(text, (error) => (error ? reject(error) : resolve())))
}

/**
 * A file that appears under its name only when it is complete: it is written next to its target, flushed and renamed. Until then an existing
 * target is unchanged. If the process ends first, the partial file is removed; after a kill, the next writer of the same file removes it.
 */
export class StagedFile {
  readonly #target: string
  readonly #temporary: string
  readonly #handle: LockedFile['handle']

  private constructor(target: string, temporary: string, { handle }: LockedFile) {
    this.#target = target
    this.#temporary = temporary
    this.#handle = handle
  }

  /** Rejects a target that is not a regular file (a rename would replace a device or a pipe), and one whose folder does not exist. */
  static async create(target: string): Promise<StagedFile> {
    const path = await realpath(target).catch(() => target)
    const found = await stat(path).catch(() => undefined)
    if (found && !found.isFile())
      throw unwritable(target, found.isDirectory() ? 'It is a folder, not a file.' : 'It is not a regular file.')
    await sweep(path)
    const temporary = hiddenName(path)
    removeAtExit(temporary)
    const file = await openLocked(temporary, 'wx').catch((cause: NodeJS.ErrnoException) => {
      keepAtExit(temporary)
      throw unwritable(
        target,
        cause.code === 'ENOENT' ? 'Its folder does not exist.' : `Its folder cannot be written to (${cause.code}).`,
        cause,
      )
    })
    if (file) return new StagedFile(path, temporary, file)
    // Another process mistook it for a leftover before it was locked, and removes it.
    keepAtExit(temporary)
    return StagedFile.create(target)
  }

  /** Appends bytes. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#handle.writeFile(bytes)
  }

  /** Overwrites bytes at the start. */
  async writeStart(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += (await this.#handle.write(bytes, at, bytes.length - at, at)).bytesWritten
  }

  /** Rejects only if the file did not get its name. */
  async commit(): Promise<void> {
    await this.#handle.sync()
    // The rename happens under the lock: otherwise another process would take the file for a leftover.
    await rename(this.#temporary, this.#target)
    keepAtExit(this.#temporary)
    await this.#handle.close().catch(() => {})
    await syncFolder(dirname(this.#target)).catch(() => {})
  }

  /** Removes what was written. Does nothing after `commit`. Never rejects. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {})
    await rm(this.#temporary, { force: true }).catch(() => {})
    keepAtExit(this.#temporary)
  }
}

function unwritable(target: string, reason: string, cause?: unknown): SentorchError {
  return new SentorchError('ERR_FILE', `Cannot write ${target}. ${reason}`, { cause, detail: { file: target } })
}
