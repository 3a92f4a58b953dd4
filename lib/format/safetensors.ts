import { visit } from 'jsonc-parser'
import { basename } from 'node:path'
import { SentorchError } from '../base/errors'
import { printable } from '../base/text'
import { openRegular, readExactly, refuseLfsPointer } from '../files/read'

/** One tensor of a safetensors file. */
export interface StoredTensor {
  dtype: string
  shape: number[]
  /** Position of its first byte in the file. */
  offset: number
  bytes: number
}

/** A tensor and the index in `files` of the file that contains it. */
export interface LocatedTensor extends StoredTensor {
  file: number
}

export interface Weights {
  /** The name in messages: the file, or the index of the shards. */
  name: string
  tensors: Map<string, LocatedTensor>
}

export interface SafetensorsHeader {
  tensors: Map<string, StoredTensor>
  metadata: Map<string, string>
}

/** Limits from the definition of the format. */
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
 * Reads and checks the header of one file, without reading tensor data.
 * Stricter than the reference reader: the tensors must cover all bytes after the header exactly once, in any order, and names must be unique.
 * Rejects with ERR_MODEL_FORMAT, naming `name`, the tensor and the reason, or with ERR_UNSAFE_MODEL if `file` is not a regular file.
 */
export async function readSafetensorsHeader(file: string, name = basename(file)): Promise<SafetensorsHeader> {
  const { handle, size } = await openRegular(file, name)
  try {
    if (size === 0) throw broken(name, 'it is empty')
    const start = await readExactly(handle, 0, Math.min(size, 64), name)
    refuseLfsPointer(start, name)
    if (size < 8) throw broken(name, `it ends after ${size} bytes, inside the length of its header`)
    const length = start.readBigUInt64LE(0)
    if (length > MAX_HEADER_BYTES) throw broken(name, `its header has ${length} bytes; the limit is ${MAX_HEADER_BYTES}`)
    const end = 8 + Number(length)
    if (end > size)
      throw broken(name, `its header ends at byte ${end}, but the file at ${size}: it is truncated, or not a safetensors file`)
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
    throw broken(name, `its header is invalid: ${(error as Error).message}`, undefined, error)
  }
  const metadata = new Map<string, string>()
  const tensors = new Map<string, StoredTensor>()
  for (const [key, value] of entries) {
    if (key === '__metadata__') {
      if (!(value instanceof Map)) throw broken(name, '__metadata__ is not an object')
      for (const [k, v] of value) {
        if (typeof v !== 'string') throw broken(name, `the value of ${printable(k)} in __metadata__ is not a string`)
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
  if (begin > end) throw broken(name, `it ends at byte ${end}, before it begins at ${begin}`, tensor)
  if (end > dataBytes)
    throw broken(name, `it ends at byte ${end} of the data, but the file has ${dataBytes}: the file is truncated`, tensor)
  const bits = product([...shape, BITS[dtype]!])
  if (bits === undefined) throw broken(name, `its shape [${shape.join(', ')}] overflows`, tensor)
  if (bits !== (end - begin) * 8) {
    throw broken(name, `its shape [${shape.join(', ')}] of ${dtype} needs ${bits / 8} bytes, but data_offsets span ${end - begin}`, tensor)
  }
  return { dtype, shape, offset: begin, bytes: end - begin }
}

function checkCoverage(tensors: Map<string, StoredTensor>, dataBytes: number, name: string): void {
  const sorted = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes)
  let at = 0
  let before: string | undefined
  for (const [tensor, { offset, bytes }] of sorted) {
    if (offset < at) throw broken(name, `its bytes overlap those of ${printable(before ?? '')}`, tensor)
    if (offset > at) throw broken(name, `it is preceded by ${offset - at} unused bytes`, tensor)
    at = offset + bytes
    before = tensor
  }
  if (at < dataBytes) throw broken(name, `${dataBytes - at} bytes at its end belong to no tensor`)
}

function isCounts(value: HeaderValue | undefined): value is number[] {
  return Array.isArray(value) && value.every((x) => Number.isSafeInteger(x) && (x as number) >= 0)
}

/** Undefined if the result is not an exact integer in a double. A zero does not hide an overflow before it. */
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

/** A JSON value whose objects are Maps, so that every key is data, including `__proto__`. */
export type HeaderValue = string | number | boolean | null | HeaderValue[] | Map<string, HeaderValue>

/** The only numbers allowed in a header. The reference reader also rejects `2.0`, `1e0` and `-0` as a size. */
const INTEGER = /^(?:0|[1-9]\d*)$/

/** Limits for shapes and nesting, which no valid header reaches. */
const MAX_DEPTH = 3
const MAX_ARRAY = 64
const MAX_BLANKS = 4096

/**
 * A strict JSON parser that detects what JSON.parse hides: duplicate keys, and numbers that are not written as integers (returned as NaN).
 * Strings must be valid Unicode: an escaped half of a surrogate pair is rejected, as in the reference reader. Throws an Error with the reason.
 * It stops at the first problem without building a result, so a malicious header of 100 MB costs little.
 */
export function parseHeaderJson(text: string): Map<string, HeaderValue> {
  // The scanner concatenates white space character by character, at 32 bytes each. Real writers pad only at the end.
  const body = text.slice(0, endOfText(text))
  for (const [blanks] of body.matchAll(/[ \t]{2,}/g)) {
    if (blanks.length > MAX_BLANKS) throw new Error(`it contains more than ${MAX_BLANKS} consecutive blanks`)
  }
  let root: HeaderValue | undefined
  const open: (HeaderValue[] | Map<string, HeaderValue>)[] = []
  let key = ''

  const put = (value: HeaderValue, offset: number): void => {
    const parent = open.at(-1)
    if (parent === undefined) root = value
    else if (parent instanceof Map) parent.set(key, value)
    else if (parent.push(value) > MAX_ARRAY) throw new Error(`an array has more than ${MAX_ARRAY} numbers at character ${offset}`)
  }
  const begin = (value: HeaderValue[] | Map<string, HeaderValue>, offset: number): void => {
    put(value, offset)
    if (open.push(value) > MAX_DEPTH) throw new Error(`it is nested deeper than ${MAX_DEPTH} levels at character ${offset}`)
  }
  visit(
    body,
    {
      onObjectBegin: (offset) => begin(new Map(), offset),
      onArrayBegin: (offset) => begin([], offset),
      onObjectEnd: () => void open.pop(),
      onArrayEnd: () => void open.pop(),
      onObjectProperty: (name, offset) => {
        refuseHalfPair(name, offset)
        if ((open.at(-1) as Map<string, HeaderValue>).has(name))
          throw new Error(`the key ${JSON.stringify(name.slice(0, 200))} occurs twice`)
        key = name
      },
      onLiteralValue: (value, offset, length) => {
        if (typeof value === 'string') refuseHalfPair(value, offset)
        const size = typeof value !== 'number' || INTEGER.test(body.slice(offset, offset + length))
        put(size ? (value as HeaderValue) : NaN, offset)
      },
      onError: (_error, offset) => {
        throw new Error(`it is not JSON at character ${offset}`)
      },
    },
    { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false },
  )
  if (!(root instanceof Map)) throw new Error('it is not a JSON object')
  return root
}

/** The end of the text without trailing white space. `trimEnd` would also remove characters that are not white space in JSON: U+00A0, U+FEFF, form feeds. */
function endOfText(text: string): number {
  let end = text.length
  while (end > 0 && ' \t\n\r'.includes(text[end - 1]!)) end--
  return end
}

function refuseHalfPair(text: string, offset: number): void {
  if (!text.isWellFormed()) throw new Error(`a string contains half of a surrogate pair at character ${offset}`)
}
