import type { FileHandle } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { invalid } from '../base/check'
import { isSentorchError, SentorchError } from '../base/errors'
import { openRegular } from '../files/read'
import { StagedFile } from '../files/staged-file'
import { readSafetensorsHeader } from '../format/safetensors'
import { elementType, npyHeader, readNpyHeader, type VectorLayout } from './npy'
import { PRECISIONS, type Precision, type VectorOf } from './quantize'
import type { EmbeddingsSource } from './source'

const VECTOR_FORMATS = ['.npy', '.safetensors'] as const
export type VectorFormat = (typeof VECTOR_FORMATS)[number]

/** The format that a file's name implies. Throws ERR_INVALID_ARGUMENT for any other name. */
function vectorFormat(path: unknown): VectorFormat {
  const extension = typeof path === 'string' && !path.includes('\0') ? extname(path).toLowerCase() : ''
  const format = VECTOR_FORMATS.find((each) => each === extension)
  if (format === undefined) throw invalid('path', `a file name that ends in ${VECTOR_FORMATS.join(' or ')}`, path)
  return format
}

/** Rows of `dimension` elements; an element of a binary precision is a byte. */
export interface VectorShape {
  dimension: number
  precision: Precision
  /** What the file records of the vectors' source; `.npy` has no place for it. */
  source?: EmbeddingsSource
}

/** The part of `Embeddings` that is written. */
export interface VectorRows extends Iterable<VectorOf<Precision>> {
  readonly data: VectorOf<Precision>
  readonly dimension: number
  readonly length: number
  readonly source?: EmbeddingsSource | undefined
}

export interface VectorWriter {
  write(rows: VectorRows): Promise<void>
  /** Call once, after the last rows. The file appears under its name only now. */
  finish(): Promise<void>
  /** Removes everything that was written. */
  discard(): Promise<void>
}

/** Writes rows as they arrive. Their number is written into the header at the end. */
export async function openVectorFile(path: string, format: VectorFormat, shape: VectorShape): Promise<VectorWriter> {
  const header = format === '.npy' ? npyHeader : safetensorsHeader
  const file = await StagedFile.create(path)
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
    discard: () => file.discard(),
  }
}

const SAFETENSORS_TYPES: Record<Precision, string> = { float32: 'F32', int8: 'I8', uint8: 'U8', binary: 'I8', ubinary: 'U8' }
const TENSOR = 'embeddings'

/** A header for one tensor. Spaces after the JSON are allowed, so its length does not depend on the row count. */
function safetensorsHeader(rows: number, shape: VectorShape): Buffer {
  const longest = Buffer.byteLength(safetensorsJson(Number.MAX_SAFE_INTEGER, shape))
  const length = Math.ceil(longest / 64) * 64
  const header = Buffer.alloc(8 + length, ' ')
  header.writeBigUInt64LE(BigInt(length), 0)
  header.write(safetensorsJson(rows, shape), 8)
  return header
}

function safetensorsJson(rows: number, { dimension, precision, source }: VectorShape): string {
  const bytes = rows * dimension * elementType(precision).BYTES_PER_ELEMENT
  const tensor = { dtype: SAFETENSORS_TYPES[precision], shape: [rows, dimension], data_offsets: [0, bytes] }
  const { model, fingerprint, dtype, prompt } = source ?? {}
  // A lone surrogate, which the tokenizer also replaces, is not allowed in a header.
  return JSON.stringify({ __metadata__: { precision, model, fingerprint, dtype, prompt: prompt?.toWellFormed() }, [TENSOR]: tensor })
}

/** Writes all vectors, or leaves an existing file as it was. */
export async function saveVectors(path: string, embeddings: VectorRows): Promise<void> {
  const format = vectorFormat(path)
  const { data, dimension, source } = embeddings
  const precision = source?.precision ?? precisionOf(data)
  const writer = await openVectorFile(path, format, { dimension, precision, source })
  try {
    await writer.write(embeddings)
    await writer.finish()
  } catch (error) {
    await writer.discard()
    throw error
  }
}

function precisionOf(data: VectorOf<Precision>): Precision {
  return PRECISIONS.find((precision) => data instanceof elementType(precision))!
}

export interface StoredVectors<P extends Precision> {
  data: VectorOf<P>
  dimension: number
  source: EmbeddingsSource | undefined
}

interface Layout extends VectorLayout {
  source?: EmbeddingsSource
}

/** Reads a file that sentorch or Python wrote. Rejects with ERR_FILE, naming the reason, for anything but a matrix of `precision`. */
export async function readVectors<P extends Precision>(path: string, precision: P): Promise<StoredVectors<P>> {
  const format = vectorFormat(path)
  try {
    const { handle, size } = await openRegular(path)
    try {
      const layout: Layout = format === '.npy' ? await readNpyHeader(handle, size) : await safetensorsLayout(path)
      const { rows, dimension, precisions, offset, source } = layout
      if (!precisions.includes(precision)) {
        throw new Error(`its elements are ${precisions.join(' or ')}, not ${precision}: pass precision: '${precisions[0]}'`)
      }
      const data = new (elementType(precision))(rows * dimension)
      await readInto(handle, offset, new Uint8Array(data.buffer))
      return { data: data as VectorOf<P>, dimension, source }
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

async function safetensorsLayout(path: string): Promise<Layout> {
  const { tensors, metadata } = await readSafetensorsHeader(path, basename(path))
  const names = [...tensors.keys()]
  const tensor = tensors.get(TENSOR) ?? (names.length === 1 ? tensors.get(names[0]!) : undefined)
  if (tensor === undefined) throw new Error(`it must contain one tensor, or one named '${TENSOR}', but contains ${names.length}`)
  const [rows, dimension] = tensor.shape
  if (tensor.shape.length !== 2 || dimension! < 1) {
    throw new Error(`its tensor has the shape [${tensor.shape.join(', ')}] instead of [rows, dimension]`)
  }
  const stored = PRECISIONS.filter((each) => SAFETENSORS_TYPES[each] === tensor.dtype)
  if (stored.length === 0) throw new Error(`its tensor is ${tensor.dtype}; supported are F32, I8 and U8. Convert it before it is saved`)
  const source = sourceIn(metadata, stored)
  return {
    rows: rows!,
    dimension: dimension!,
    precisions: source ? [source.precision] : stored,
    offset: tensor.offset,
    source,
  }
}

/** Undefined unless the file says which model computed the vectors. */
function sourceIn(metadata: ReadonlyMap<string, string>, possible: readonly Precision[]): EmbeddingsSource | undefined {
  const precision = possible.find((each) => each === metadata.get('precision'))
  const [model, fingerprint, dtype, prompt] = ['model', 'fingerprint', 'dtype', 'prompt'].map((key) => metadata.get(key))
  const isWhole = model !== undefined && fingerprint !== undefined && dtype !== undefined && prompt !== undefined
  return isWhole && precision ? Object.freeze({ model, fingerprint, dtype, prompt, precision }) : undefined
}

/** Maximum size of one read; the system accepts less than 2 GiB. */
const READ_BYTES = 2 ** 26

async function readInto(handle: FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(READ_BYTES, bytes.length - at), offset + at)
    if (bytesRead === 0) throw new Error('it became shorter while it was read')
    at += bytesRead
  }
}

function unreadable(path: string, cause: unknown): SentorchError {
  const detail = { file: path }
  if (cause instanceof RangeError) {
    return new SentorchError('ERR_OUT_OF_MEMORY', `The vectors in ${path} do not fit into memory.`, { cause, detail })
  }
  const isMissing = isSentorchError(cause) && (cause.detail as { errno?: string } | undefined)?.errno === 'ENOENT'
  const reason = isMissing ? 'the file does not exist' : (cause as Error).message.replace(/\.$/, '')
  return new SentorchError('ERR_FILE', `Cannot read the vectors in ${path}: ${reason}.`, { cause, detail })
}
