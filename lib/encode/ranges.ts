import { types } from 'node:util'
import { invalid } from '../base/check'
import { MIN_ROWS_FOR_RANGES, needsRanges, type Precision, type Ranges, rangesOf } from './quantize'
import { refusal } from '../base/option-checks'

/** What the numbers of an int8 or uint8 result stand for. */
export interface RangeOptions {
  /**
   * For `int8` and `uint8`: the smallest and the largest value of each dimension, `[min, max]`, each of the result's dimension.
   * Without `ranges` and `calibration` they are taken from the vectors of this call, which then needs at least two texts
   * (a hundred or more give stable ranges); a stream needs one of the two.
   */
  ranges?: readonly [ArrayLike<number>, ArrayLike<number>]
  /** For `int8` and `uint8`: float32 vectors whose range is used. Excludes `ranges`. */
  calibration?: { readonly data: Float32Array; readonly dimension: number }
}

/** The ranges of an int8 or uint8 result of `dimension`; undefined: they are taken from the vectors of the call. */
export function rangesFor(precision: Precision, options: RangeOptions, dimension: number, texts: number | 'streamed'): Ranges | undefined {
  const { ranges, calibration } = options
  if (!needsRanges(precision)) {
    const given = ranges !== undefined ? 'ranges' : calibration !== undefined ? 'calibration' : undefined
    if (given) throw refusal(`'${given}' is for precision 'int8' and 'uint8'; the precision is '${precision}'.`)
    return undefined
  }
  if (ranges !== undefined && calibration !== undefined) throw refusal(`'ranges' and 'calibration' were both given. Leave one out.`)
  if (ranges !== undefined) return givenRanges(ranges, dimension)
  if (calibration !== undefined) return calibrationRanges(calibration, dimension)
  if (texts === 'streamed') {
    throw refusal(`Precision '${precision}' of a stream needs 'ranges' or 'calibration': the range of vectors to come is not known.`)
  }
  if (texts > 0 && texts < MIN_ROWS_FOR_RANGES) {
    throw refusal(`Precision '${precision}' of a single text needs 'ranges' or 'calibration': one vector has no range of its own.`)
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
