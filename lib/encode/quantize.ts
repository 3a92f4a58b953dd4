import { types } from 'node:util'
import { reading, refusal } from '../base/arguments'
import { integerIn, invalid, oneOf } from '../base/check'

export const PRECISIONS = ['float32', 'int8', 'uint8', 'binary', 'ubinary'] as const

/**
 * Data type of the elements of a result, as defined by sentence-transformers:
 * `int8`, `uint8`: one byte per dimension, with 256 steps over the range of that dimension;
 * `binary`, `ubinary`: one bit per dimension, eight dimensions per byte.
 */
export type Precision = (typeof PRECISIONS)[number]

interface Vectors {
  float32: Float32Array
  int8: Int8Array
  uint8: Uint8Array
  binary: Int8Array
  ubinary: Uint8Array
}

/** The typed array that stores a result of precision `P`. */
export type VectorOf<P extends Precision> = Vectors[P]

/** The smallest and the largest value of each dimension. */
export interface Ranges {
  min: Float32Array
  max: Float32Array
}

/** Minimum number of vectors for computing int8 and uint8 ranges from the result itself, as in Python. Stable ranges need hundreds. */
const MIN_ROWS_FOR_RANGES = 2

export function needsRanges(precision: Precision): precision is 'int8' | 'uint8' {
  return precision === 'int8' || precision === 'uint8'
}

/** Number of elements of a quantized vector: bits are packed, and the last byte is filled with zeros. */
export function quantizedDimension(dimension: number, precision: Precision): number {
  return precision === 'binary' || precision === 'ubinary' ? Math.ceil(dimension / 8) : dimension
}

/**
 * The smallest and the largest value of each dimension of `data` [rows, dimension].
 * Throws if `data` has no rows or contains a value that is not finite.
 */
export function rangesOf(calibration: { readonly data: Float32Array; readonly dimension: number }): Ranges {
  const { data, dimension } = calibration
  const rows = rowsOf(data, dimension)
  if (rows === 0) throw invalid('calibration', 'at least one vector', data)
  const min = data.slice(0, dimension)
  const max = data.slice(0, dimension)
  for (let i = 0; i < data.length;) {
    for (let d = 0; d < dimension; d++, i++) {
      const x = data[i]!
      if (!Number.isFinite(x)) throw invalid(`calibration.data[${i}]`, 'a finite number', x)
      if (x < min[d]!) min[d] = x
      if (x > max[d]!) max[d] = x
    }
  }
  return { min, max }
}

/**
 * Converts `data` [rows, dimension] to another precision, bit for bit as `quantize_embeddings` of sentence-transformers 6.2 does.
 * The result is [rows, quantizedDimension(dimension, precision)]; for `float32` it is `data` itself.
 *
 * `int8`, `uint8`: floor((x − min) / step) with step = (max − min) / 255, or 1 if that is 0. Values outside the ranges saturate
 * at 0 and 255, as in Python. `int8` is the same number minus 128. Without `ranges`, those of `data` are used, which must then have two rows or more.
 * `binary`, `ubinary`: a bit is 1 if x > 0; dimension 0 is the highest bit of byte 0. `binary` is that byte minus 128.
 */
export function quantize<P extends Precision>(data: Float32Array, dimension: number, precision: P, ranges?: Ranges): VectorOf<P>
export function quantize(data: Float32Array, dimension: number, precision: Precision, ranges?: Ranges): VectorOf<Precision> {
  return reading('The arguments of quantize', () => {
    const rows = rowsOf(data, dimension)
    switch (oneOf('precision', precision, PRECISIONS)) {
      case 'float32':
        return data
      case 'uint8':
        return scale(data, dimension, ranges ?? ownRanges(data, dimension, rows), new Uint8Array(data.length), 0)
      case 'int8':
        return scale(data, dimension, ranges ?? ownRanges(data, dimension, rows), new Int8Array(data.length), 128)
      case 'ubinary':
        return packBits(data, rows, dimension)
      case 'binary': {
        const bytes = packBits(data, rows, dimension)
        // In eight bits, b − 128 is b with its highest bit inverted.
        for (let i = 0; i < bytes.length; i++) bytes[i]! ^= 0x80
        return new Int8Array(bytes.buffer)
      }
    }
  })
}

function rowsOf(data: Float32Array, dimension: number): number {
  if (!types.isFloat32Array(data)) throw invalid('data', 'a Float32Array', data)
  integerIn('dimension', dimension, 1, Number.MAX_SAFE_INTEGER)
  const rows = data.length / dimension
  if (!Number.isInteger(rows)) throw invalid('data', `whole vectors of ${dimension} numbers`, `${data.length} numbers`)
  return rows
}

function ownRanges(data: Float32Array, dimension: number, rows: number): Ranges {
  if (rows === 0) return { min: new Float32Array(dimension), max: new Float32Array(dimension) }
  if (rows < MIN_ROWS_FOR_RANGES) {
    throw invalid('ranges', `ranges or a calibration set (a range cannot be computed from a single vector)`, undefined)
  }
  return rangesOf({ data, dimension })
}

/** Every operation is rounded to float32 as in numpy, since a difference in the last bit can change the resulting integer. */
function scale<T extends Int8Array | Uint8Array>(data: Float32Array, dimension: number, ranges: Ranges, out: T, shift: number): T {
  const { min, max } = ranges
  if (min.length !== dimension || max.length !== dimension) {
    throw invalid('ranges', `${dimension} numbers each`, `${min.length} and ${max.length} numbers`)
  }
  const steps = min.map((low, d) => Math.fround(Math.fround(max[d]! - low) / 255) || 1)
  for (let i = 0; i < data.length;) {
    for (let d = 0; d < dimension; d++, i++) {
      const q = Math.floor(Math.fround(Math.fround(data[i]! - min[d]!) / steps[d]!))
      out[i] = (q < 0 ? 0 : q > 255 ? 255 : q) - shift
    }
  }
  return out
}

function packBits(data: Float32Array, rows: number, dimension: number): Uint8Array {
  const width = Math.ceil(dimension / 8)
  const bytes = new Uint8Array(rows * width)
  for (let row = 0, i = 0; row < rows; row++) {
    for (let d = 0; d < dimension; d++, i++) {
      if (data[i]! > 0) bytes[row * width + (d >> 3)]! |= 0x80 >> (d & 7)
    }
  }
  return bytes
}

/** The value ranges that an int8 or uint8 result represents. */
export interface RangeOptions {
  /**
   * For `int8` and `uint8`: the smallest and the largest value of each dimension, `[min, max]`, two arrays of the result's dimension.
   * Without `ranges` and `calibration` they are computed from the vectors of the call, which then needs at least two texts
   * (stable ranges need a hundred or more). A stream requires one of the two options.
   */
  ranges?: readonly [ArrayLike<number>, ArrayLike<number>]
  /** For `int8` and `uint8`: float32 vectors from which the ranges are computed. Cannot be combined with `ranges`. */
  calibration?: { readonly data: Float32Array; readonly dimension: number }
}

/** The ranges of an int8 or uint8 result of `dimension`. If undefined, they are computed from the vectors of the call. */
export function rangesFor(precision: Precision, options: RangeOptions, dimension: number, texts: number | 'streamed'): Ranges | undefined {
  const { ranges, calibration } = options
  if (!needsRanges(precision)) {
    const given = ranges !== undefined ? 'ranges' : calibration !== undefined ? 'calibration' : undefined
    if (given) throw refusal(`'${given}' applies only to precision 'int8' and 'uint8', but the precision is '${precision}'.`)
    return undefined
  }
  if (ranges !== undefined && calibration !== undefined)
    throw refusal(`'ranges' and 'calibration' cannot be combined. Pass only one of them.`)
  if (ranges !== undefined) return givenRanges(ranges, dimension)
  if (calibration !== undefined) return calibrationRanges(calibration, dimension)
  if (texts === 'streamed') {
    throw refusal(`Precision '${precision}' of a stream needs 'ranges' or 'calibration': the range of later vectors is unknown.`)
  }
  if (texts > 0 && texts < MIN_ROWS_FOR_RANGES) {
    throw refusal(`Precision '${precision}' of a single text needs 'ranges' or 'calibration': a range cannot be computed from one vector.`)
  }
  return undefined
}

function givenRanges(ranges: unknown, dimension: number): Ranges {
  if (!Array.isArray(ranges) || ranges.length !== 2) throw invalid('ranges', '[min, max]', ranges)
  const [min, max] = ranges.map((side: unknown, k) => {
    const name = `ranges[${k}]`
    if (!Array.isArray(side) && !types.isTypedArray(side)) throw invalid(name, 'an array of numbers', side)
    if (side.length !== dimension) throw invalid(name, `${dimension} numbers (the dimension of the result)`, `${side.length} numbers`)
    const values = Float32Array.from(side as ArrayLike<number>)
    const wrong = values.findIndex((x, d) => typeof side[d] !== 'number' || !Number.isFinite(x))
    if (wrong >= 0) throw invalid(`${name}[${wrong}]`, 'a finite float32 number', side[wrong])
    return values
  }) as [Float32Array, Float32Array]
  const wrong = min.findIndex((low, d) => low > max[d]!)
  if (wrong >= 0) throw invalid(`ranges[1][${wrong}]`, `at least the smallest value ${min[wrong]}`, max[wrong])
  return { min, max }
}

function calibrationRanges(calibration: unknown, dimension: number): Ranges {
  const set = calibration as NonNullable<RangeOptions['calibration']> | null
  if (!types.isFloat32Array(set?.data)) throw invalid('calibration', 'float32 embeddings', calibration)
  if (set.dimension !== dimension)
    throw invalid('calibration', `vectors of ${dimension} numbers (the dimension of the result)`, `vectors of ${set.dimension}`)
  return rangesOf(set)
}
