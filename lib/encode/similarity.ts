import { types } from 'node:util'
import { reading, refusal } from '../base/arguments'
import { integerIn, invalid, oneOf } from '../base/check'
import { SentorchError } from '../base/errors'
import { SIMILARITY_NAMES, type SimilarityName } from '../format/modules'
import type { Embeddings } from './embeddings'
import type { EmbeddingsSource } from './source'

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
 * Sums are accumulated in float64 on the calling thread. Throws ERR_INVALID_ARGUMENT for rows of different dimensions and for int8, uint8 and binary
 * embeddings, and ERR_MODEL_MISMATCH for embeddings with different fingerprints.
 */
export function similarity(a: SimilarityInput, b: SimilarityInput, measure: SimilarityName = 'cosine'): Similarities {
  return reading('The arguments of similarity', () => {
    oneOf('measure', measure, SIMILARITY_NAMES)
    const [left, right] = matricesOf({ a, b })
    const out = new Similarities(allocate(left.rows * right.rows), left.rows, right.rows)
    fill(out.data, left, right, measure)
    return out
  })
}

/** Checks two arguments, given by their names, and that their vectors can be compared. */
export function matricesOf(arguments_: Record<string, SimilarityInput>): [Matrix, Matrix] {
  const [[nameA, a], [nameB, b]] = Object.entries(arguments_) as [[string, SimilarityInput], [string, SimilarityInput]]
  const left = matrixOf(nameA, a)
  const right = a === b ? left : matrixOf(nameB, b)
  refuseDifferent(nameA, sourceOf(a), nameB, sourceOf(b))
  if (left.rows > 0 && right.rows > 0 && left.dimension !== right.dimension) {
    throw refusal(`'${nameB}' must have the same dimension as '${nameA}' (${left.dimension}), but has ${right.dimension}.`)
  }
  return [left, right]
}

function sourceOf(vectors: SimilarityInput): Partial<EmbeddingsSource> {
  return (vectors as Partial<Embeddings>).source ?? {}
}

function refuseDifferent(nameA: string, a: Partial<EmbeddingsSource>, nameB: string, b: Partial<EmbeddingsSource>): void {
  if (a.fingerprint === undefined || b.fingerprint === undefined || a.fingerprint === b.fingerprint) return
  const how =
    a.model === b.model
      ? 'The same model computed both, but with another pooling, normalization or dimension: use the same options for both.'
      : 'Different models computed them, or one model before and after training: compute both with the same one.'
  throw new SentorchError(
    'ERR_MODEL_MISMATCH',
    `The vectors in '${nameA}' (fingerprint ${a.fingerprint}) and in '${nameB}' (fingerprint ${b.fingerprint}) cannot be compared. ${how}`,
    { detail: { [nameA]: a.fingerprint, [nameB]: b.fingerprint } },
  )
}

/** For methods of a model: throws ERR_MODEL_MISMATCH for vectors that another model computed, or this one before it was trained. */
export function refuseForeign(arguments_: Record<string, SimilarityInput>, fingerprint: string): void {
  for (const [name, vectors] of Object.entries(arguments_)) {
    const { model } = reading(`'${name}'`, () => sourceOf(vectors ?? []))
    if (model === undefined || model === fingerprint) continue
    throw new SentorchError(
      'ERR_MODEL_MISMATCH',
      `The vectors in '${name}' were computed by a model with the fingerprint ${model}, but this model has ${fingerprint}: it is another model, or it ` +
        'was trained since. Encode the texts again, or compare old vectors among themselves with the function of the same name.',
      { detail: { [name]: model, model: fingerprint } },
    )
  }
}

export interface Matrix {
  data: Float32Array
  rows: number
  dimension: number
}

function matrixOf(name: string, source: SimilarityInput): Matrix {
  if (types.isFloat32Array(source)) return { data: source, rows: 1, dimension: source.length }
  if (Array.isArray(source)) return stack(name, source)
  const { data, dimension, length } = (source ?? {}) as Partial<Embeddings>
  if (types.isFloat32Array(data) && dimension !== undefined && length !== undefined) {
    integerIn(`${name}.dimension`, dimension, 0, Number.MAX_SAFE_INTEGER)
    integerIn(`${name}.length`, length, 0, Number.MAX_SAFE_INTEGER)
    if (data.length === length * dimension) return { data, rows: length, dimension }
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
  return { data, rows: rows.length, dimension }
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
  return Float64Array.from({ length: m.rows }, (_, i) => norm(m, i))
}

/** The length that row i is divided by for its cosine. */
export function norm({ data, dimension }: Matrix, i: number): number {
  const start = i * dimension
  return Math.max(Math.sqrt(dot(data, start, data, start, dimension)), SMALLEST_NORM)
}

type Pair = (a: Float32Array, i: number, b: Float32Array, j: number, n: number) => number

const dot: Pair = (a, i, b, j, n) => {
  let sum = 0
  for (let k = 0; k < n; k++) sum += a[i + k]! * b[j + k]!
  return sum
}

// Subtracted from 0 instead of negated, so that the distance of equal rows is 0 and not −0.
export const PAIRS: Record<SimilarityName, Pair> = {
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
