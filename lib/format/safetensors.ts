import { basename } from 'node:path'
import { SentorchError } from '../base/errors'
import { openRegular, readExactly, refuseLfsPointer } from '../files/read'
import { parseHeaderJson, type HeaderValue } from './header-json'
import { printable } from '../base/printable'

/** One tensor of a safetensors file. */
export interface StoredTensor {
  dtype: string
  shape: number[]
  /** Of its first byte, from the start of the file. */
  offset: number
  bytes: number
}

export interface SafetensorsHeader {
  tensors: Map<string, StoredTensor>
  metadata: Map<string, string>
}

/** Of the format's definition. */
const MAX_HEADER_BYTES = 100_000_000
const MAX_RANK = 16

export const BITS: Readonly<Record<string, number>> = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  F64: 64,
  I64: 64,
  U64: 64,
  C64: 64,
}

/**
 * Reads and checks the header of one file; no byte of a tensor is read.
 * Stricter than the reference reader: the tensors cover everything behind the header exactly once, in any order, and no name is there twice.
 * Rejects with ERR_MODEL_FORMAT (or ERR_UNSAFE_MODEL where `file` is no regular file), naming `name`, the tensor and the reason.
 */
export async function readSafetensorsHeader(file: string, name = basename(file)): Promise<SafetensorsHeader> {
  const { handle, size } = await openRegular(file, name)
  try {
    if (size === 0) throw broken(name, 'it is empty')
    const start = await readExactly(handle, 0, Math.min(size, 64), name)
    refuseLfsPointer(start, name)
    if (size < 8) throw broken(name, `it ends after ${size} bytes, inside the length of its header`)
    const length = start.readBigUInt64LE(0)
    if (length > MAX_HEADER_BYTES) throw broken(name, `its header would have ${length} bytes; at most ${MAX_HEADER_BYTES} are allowed`)
    const end = 8 + Number(length)
    if (end > size)
      throw broken(name, `its header would end at byte ${end}, the file ends at ${size}: it is cut off, or not a safetensors file`)
    return parseHeader(await readExactly(handle, 8, Number(length), name), size - end, end, name)
  } finally {
    await handle.close()
  }
}

function parseHeader(header: Buffer, dataBytes: number, dataStart: number, name: string): SafetensorsHeader {
  let entries: Map<string, HeaderValue>
  try {
    entries = parseHeaderJson(decode(header))
  } catch (error) {
    throw broken(name, `its header is refused, ${(error as Error).message}`, undefined, error)
  }
  const metadata = new Map<string, string>()
  const tensors = new Map<string, StoredTensor>()
  for (const [key, value] of entries) {
    if (key === '__metadata__') {
      if (!(value instanceof Map)) throw broken(name, '__metadata__ is not an object')
      for (const [k, v] of value) {
        if (typeof v !== 'string') throw broken(name, `__metadata__ holds something else than a string for ${printable(k)}`)
        metadata.set(k, v)
      }
    } else {
      tensors.set(key, parseTensor(key, value, dataBytes, name))
    }
  }
  checkCoverage(tensors, dataBytes, name)
  for (const tensor of tensors.values()) tensor.offset += dataStart
  return { tensors, metadata }
}

function decode(header: Buffer): string {
  if (header[0] !== 0x7b) throw new Error("it does not begin with '{'")
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(header)
  } catch {
    throw new Error('it is not UTF-8')
  }
}

function parseTensor(tensor: string, value: HeaderValue, dataBytes: number, name: string): StoredTensor {
  if (!(value instanceof Map)) throw broken(name, 'its entry is not an object', tensor)
  for (const key of value.keys()) {
    if (key !== 'dtype' && key !== 'shape' && key !== 'data_offsets')
      throw broken(name, `its entry has an unknown key ${printable(key)}`, tensor)
  }
  const dtype = value.get('dtype')
  const shape = value.get('shape')
  const offsets = value.get('data_offsets')
  if (typeof dtype !== 'string' || !Object.hasOwn(BITS, dtype))
    throw broken(name, `its dtype ${printable(String(dtype))} is unknown`, tensor)
  if (!isCounts(shape) || shape.length > MAX_RANK) throw broken(name, 'its shape is not a list of sizes', tensor)
  if (!isCounts(offsets) || offsets.length !== 2) throw broken(name, 'its data_offsets are not two positions', tensor)
  const [begin, end] = offsets as [number, number]
  if (begin > end) throw broken(name, `it would end at byte ${end}, before its beginning at ${begin}`, tensor)
  if (end > dataBytes) throw broken(name, `it would end at byte ${end} of the data, the file has ${dataBytes}: the file is cut off`, tensor)
  const bits = product([...shape, BITS[dtype]!])
  if (bits === undefined) throw broken(name, `its shape [${shape.join(', ')}] overflows`, tensor)
  if (bits !== (end - begin) * 8) {
    throw broken(name, `its shape [${shape.join(', ')}] of ${dtype} needs ${bits / 8} bytes, its place has ${end - begin}`, tensor)
  }
  return { dtype, shape, offset: begin, bytes: end - begin }
}

function checkCoverage(tensors: Map<string, StoredTensor>, dataBytes: number, name: string): void {
  const sorted = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes)
  let at = 0
  let before: string | undefined
  for (const [tensor, { offset, bytes }] of sorted) {
    if (offset < at) throw broken(name, `its bytes overlap those of ${printable(before ?? '')}`, tensor)
    if (offset > at) throw broken(name, `there is a hole of ${offset - at} bytes before it`, tensor)
    at = offset + bytes
    before = tensor
  }
  if (at < dataBytes) throw broken(name, `${dataBytes - at} bytes at its end belong to no tensor`)
}

function isCounts(value: HeaderValue | undefined): value is number[] {
  return Array.isArray(value) && value.every((x) => Number.isSafeInteger(x) && (x as number) >= 0)
}

/** Undefined where it is beyond what a double counts exactly. A zero does not hide an overflow before it. */
function product(sizes: readonly number[]): number | undefined {
  let result = 1
  for (const size of sizes) {
    if (size !== 0) result *= size
    if (result > Number.MAX_SAFE_INTEGER) return undefined
  }
  return sizes.includes(0) ? 0 : result
}

function broken(name: string, reason: string, tensor?: string, cause?: unknown): SentorchError {
  const where = tensor === undefined ? name : `${name}: tensor ${printable(tensor)}`
  return new SentorchError('ERR_MODEL_FORMAT', `${where}: ${reason}.`, { cause, detail: { file: name, tensor, reason } })
}
