import { types } from 'node:util'
import { reading, refusal } from '../base/arguments'
import { integerIn, invalid, oneOf } from '../base/check'
import { SentorchError } from '../base/errors'
import { SIMILARITY_NAMES, type SimilarityName } from '../format/modules'
import type { Embeddings } from './embeddings'

/** The vectors to compare; a single `Float32Array` is one row. */
export type SimilarityInput = Embeddings | Float32Array | readonly Float32Array[] | readonly (readonly number[])[]

/** The similarity of every row of `a` to every row of `b`. */
export class Similarities {
  /** [rows, columns], row-major. */
  readonly data: Float32Array
  /** Number of rows of `a`. */
  readonly rows: number
  /** Number of rows of `b`. */
  readonly columns: number

  constructor(data: Float32Array, rows: number, columns: number) {
    this.data = data
    this.rows = rows
    this.columns = columns
  }

  /** The similarity of row i of `a` and row j of `b`. */
  at(i: number, j: number): number {
    integerIn('i', i, 0, this.rows - 1)
    integerIn('j', j, 0, this.columns - 1)
    return this.data[i * this.columns + j]!
  }

  toArray(): number[][] {
    return Array.from({ length: this.rows }, (_, i) => Array.from(this.data.subarray(i * this.columns, (i + 1) * this.columns)))
  }
}

/** Lower bound for the length that a vector is divided by, so that the cosine of a zero vector is 0, as in PyTorch's `normalize`. */
const SMALLEST_NORM = 1e-12

/**
 * Compares every row of `a` with every row of `b`, like `cos_sim`, `dot_score`, `euclidean_sim` and `manhattan_sim` of sentence-transformers.
 * Sums are accumulated in float64 on the calling thread. Throws for rows of different dimensions and for int8, uint8 and binary embeddings.
 */
export function similarity(a: SimilarityInput, b: SimilarityInput, measure: SimilarityName = 'cosine'): Similarities {
  return reading('The arguments of similarity', () => {
    oneOf('measure', measure, SIMILARITY_NAMES)
    const left = matrixOf('a', a)
    const right = left.source === b ? left : matrixOf('b', b)
    if (left.rows > 0 && right.rows > 0 && left.dimension !== right.dimension) {
      throw refusal(`'b' must have the same dimension as 'a' (${left.dimension}), but has ${right.dimension}.`)
    }
    const out = new Similarities(allocate(left.rows * right.rows), left.rows, right.rows)
    fill(out.data, left, right, measure)
    return out
  })
}

interface Matrix {
  source: SimilarityInput
  data: Float32Array
  rows: number
  dimension: number
}

function matrixOf(name: string, source: SimilarityInput): Matrix {
  if (types.isFloat32Array(source)) return { source, data: source, rows: 1, dimension: source.length }
  if (Array.isArray(source)) return stack(name, source)
  const { data, dimension, length } = (source ?? {}) as Partial<Embeddings>
  if (types.isFloat32Array(data) && dimension !== undefined && length !== undefined) {
    integerIn(`${name}.dimension`, dimension, 0, Number.MAX_SAFE_INTEGER)
    integerIn(`${name}.length`, length, 0, Number.MAX_SAFE_INTEGER)
    if (data.length === length * dimension) return { source, data, rows: length, dimension }
    throw refusal(`'${name}' has ${data.length} numbers, but ${length} vectors of dimension ${dimension} need ${length * dimension}.`)
  }
  throw invalid(name, 'float32 Embeddings, a Float32Array, or an array of vectors', data === undefined ? source : data)
}

function stack(name: string, rows: readonly (Float32Array | readonly number[])[]): Matrix {
  const dimension = rows[0]?.length ?? 0
  const data = allocate(rows.length * dimension)
  for (const [i, row] of rows.entries()) {
    if (!types.isFloat32Array(row) && !(Array.isArray(row) && row.every((x) => typeof x === 'number'))) {
      throw invalid(`${name}[${i}]`, 'a Float32Array or an array of numbers', row)
    }
    if (row.length !== dimension) {
      throw refusal(`${name}[${i}] must have the same dimension as ${name}[0] (${dimension}), but has ${row.length}.`)
    }
    data.set(row, i * dimension)
  }
  return { source: rows as SimilarityInput, data, rows: rows.length, dimension }
}

function allocate(length: number): Float32Array {
  try {
    return new Float32Array(length)
  } catch (cause) {
    throw new SentorchError('ERR_OUT_OF_MEMORY', `Cannot allocate a matrix of ${length} numbers. Compare fewer vectors at a time.`, {
      cause,
    })
  }
}

function fill(out: Float32Array, a: Matrix, b: Matrix, measure: SimilarityName): void {
  const pair = PAIRS[measure]
  const scaleA = measure === 'cosine' ? norms(a) : undefined
  const scaleB = measure === 'cosine' ? (a === b ? scaleA : norms(b)) : undefined
  for (let i = 0, k = 0; i < a.rows; i++) {
    for (let j = 0; j < b.rows; j++, k++) {
      const value = pair(a.data, i * a.dimension, b.data, j * a.dimension, a.dimension)
      out[k] = scaleA && scaleB ? value / (scaleA[i]! * scaleB[j]!) : value
    }
  }
}

function norms(m: Matrix): Float64Array {
  return Float64Array.from({ length: m.rows }, (_, i) => {
    const start = i * m.dimension
    return Math.max(Math.sqrt(dot(m.data, start, m.data, start, m.dimension)), SMALLEST_NORM)
  })
}

type Pair = (a: Float32Array, i: number, b: Float32Array, j: number, n: number) => number

const dot: Pair = (a, i, b, j, n) => {
  let sum = 0
  for (let k = 0; k < n; k++) sum += a[i + k]! * b[j + k]!
  return sum
}

// Subtracted from 0 instead of negated, so that the distance of equal rows is 0 and not −0.
const PAIRS: Record<SimilarityName, Pair> = {
  cosine: dot,
  dot,
  euclidean: (a, i, b, j, n) => {
    let sum = 0
    for (let k = 0; k < n; k++) sum += (a[i + k]! - b[j + k]!) ** 2
    return 0 - Math.sqrt(sum)
  },
  manhattan: (a, i, b, j, n) => {
    let sum = 0
    for (let k = 0; k < n; k++) sum += Math.abs(a[i + k]! - b[j + k]!)
    return 0 - sum
  },
}
