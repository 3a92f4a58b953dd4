import type { FileHandle } from 'node:fs/promises'
import { printable } from '../base/text'
import { PRECISIONS, type Precision } from './quantize'

const NUMPY_TYPES: Record<Precision, string> = { float32: '<f4', int8: '|i1', uint8: '|u1', binary: '|i1', ubinary: '|u1' }
const ARRAYS = { '<f4': Float32Array, '|i1': Int8Array, '|u1': Uint8Array }
const MAGIC = '\x93NUMPY'
const HEADER_BYTES = 128
const MAX_HEADER_BYTES = 2 ** 16

/** The typed array for the elements of a precision. */
export function elementType(precision: Precision): (typeof ARRAYS)[keyof typeof ARRAYS] {
  return ARRAYS[NUMPY_TYPES[precision] as keyof typeof ARRAYS]
}

/** A header in version 1.0 of NumPy's format. It is padded with spaces, so its length does not depend on the row count. */
export function npyHeader(rows: number, { dimension, precision }: { dimension: number; precision: Precision }): Buffer {
  const text = `{'descr': '${NUMPY_TYPES[precision]}', 'fortran_order': False, 'shape': (${rows}, ${dimension}), }`
  const header = Buffer.alloc(HEADER_BYTES, ' ')
  header.write(`${MAGIC}\x01\x00`, 'latin1')
  header.writeUInt16LE(HEADER_BYTES - 10, 8)
  header.write(text, 10, 'latin1')
  header.write('\n', HEADER_BYTES - 1, 'latin1')
  return header
}

/** Where the vectors of a file are, from its header. */
export interface VectorLayout {
  rows: number
  dimension: number
  /** Precisions that the type of the elements can represent. */
  precisions: readonly Precision[]
  /** Position of the first element. */
  offset: number
}

/** Reads the header of a `.npy` file of any version. Throws an Error with the reason if the file is not a whole matrix of a supported type. */
export async function readNpyHeader(handle: FileHandle, size: number): Promise<VectorLayout> {
  const start = await readStart(handle, Math.min(size, 12))
  if (start.toString('latin1', 0, 6) !== MAGIC || size < 12) throw new Error('it is not a file in NumPy’s format')
  const [begin, length] = start[6]! < 2 ? [10, start.readUInt16LE(8)] : [12, start.readUInt32LE(8)]
  const offset = begin + length
  if (length > MAX_HEADER_BYTES || offset > size) throw new Error(`its header has ${length} bytes, but the file ${size}`)
  const header = (await readStart(handle, offset)).toString('latin1', begin)
  const { rows, dimension, precisions } = parse(header)
  const bytes = rows * dimension * elementType(precisions[0]!).BYTES_PER_ELEMENT
  if (offset + bytes !== size) {
    throw new Error(`${rows} rows of ${dimension} elements need ${bytes} bytes, but ${size - offset} follow the header`)
  }
  return { rows, dimension, precisions, offset }
}

function parse(header: string): Omit<VectorLayout, 'offset'> {
  const type = /'descr':\s*'([^']*)'/.exec(header)?.[1]
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1]
  const shape = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1]
  if (order === undefined || shape === undefined) throw new Error('its header names no order or no shape')
  const precisions = PRECISIONS.filter((each) => NUMPY_TYPES[each] === type)
  if (precisions.length === 0) {
    const found = type === undefined ? 'structured' : printable(type)
    throw new Error(`its elements are ${found}; supported are <f4, |i1 and |u1. In Python: numpy.save(path, vectors.astype('float32'))`)
  }
  if (order === 'True') {
    throw new Error('it is in Fortran order. In Python: numpy.save(path, numpy.ascontiguousarray(vectors))')
  }
  const sizes = shape.split(',').filter((part) => part.trim() !== '')
  const [rows, dimension] = sizes.map(Number)
  if (sizes.length !== 2 || !Number.isSafeInteger(rows! * dimension!) || dimension! < 1) {
    throw new Error(`its shape is (${shape}) instead of (rows, dimension)`)
  }
  return { rows: rows!, dimension: dimension!, precisions }
}

async function readStart(handle: FileHandle, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  const { bytesRead } = await handle.read(bytes, 0, length, 0)
  return bytes.subarray(0, bytesRead)
}
