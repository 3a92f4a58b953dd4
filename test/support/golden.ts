import fs from 'node:fs'
import path from 'node:path'
import type { Recipe } from './variant'

/** A text, or a string to be repeated. */
export type GoldenText = string | { text: string; times: number }

/** Row-major; `data` is base64 of the elements' bytes, little-endian. */
export interface GoldenMatrix {
  rows: number
  columns: number
  data: string
}

export interface PoolingCase {
  name: string
  pooling: ('cls' | 'max' | 'mean' | 'mean_sqrt_len_tokens' | 'weightedmean' | 'lasttoken')[]
  normalize: boolean
  recipe: Recipe
  vectors: GoldenMatrix
}

export interface FamilyGolden {
  base: string
  texts: GoldenText[]
  /** With special tokens, cut at the limit of the model. */
  ids: number[][]
  /** Tokens of each text before it is cut. */
  counts: number[]
  /** `text` is an index; offsets are UTF-16 units. */
  hidden: { text: number; tokens: string[]; offsets: [number, number][]; states: GoldenMatrix }[]
  cases: PoolingCase[]
}

export interface VariantCase {
  name: string
  recipe: Recipe
  method: 'encode' | 'encodeQuery' | 'encodeDocument'
  options: { normalize?: boolean; truncateDim?: number; prompt?: string; promptName?: string; maxLength?: number }
  /** Given where the case changes how texts are tokenised: the prompt that stands before each text, and the ids of both together. */
  prompt?: string
  ids?: number[][]
  vectors: GoldenMatrix
}

export interface VariantGolden {
  texts: GoldenText[]
  cases: VariantCase[]
}

export interface PrecisionGolden {
  base: string
  texts: GoldenText[]
  cases: {
    precision: 'int8' | 'uint8' | 'binary' | 'ubinary'
    truncateDim?: number
    ranges?: GoldenMatrix
    calibration?: GoldenMatrix
    values: GoldenMatrix
  }[]
}

export interface SimilarityGolden {
  base: string
  a: GoldenMatrix
  b: GoldenMatrix
  cases: { name: 'cosine' | 'dot' | 'euclidean' | 'manhattan'; scores: GoldenMatrix }[]
}

export interface RealModelGolden {
  texts: GoldenText[]
  ids: number[][]
  vectors: GoldenMatrix
}

export const FAMILIES = ['bert', 'distilbert', 'roberta', 'xlm-roberta', 'mpnet']

/** Reads test/golden/<name>.json, made by the scripts/make-golden*.py that its header names. */
export function readGolden<T>(name: string): T {
  return JSON.parse(fs.readFileSync(path.join(__dirname, '..', 'golden', `${name}.json`), 'utf8')) as T
}

export function expand(texts: readonly GoldenText[]): string[] {
  return texts.map((text) => (typeof text === 'string' ? text : text.text.repeat(text.times)))
}

export function floats(matrix: GoldenMatrix): Float32Array {
  return new Float32Array(bytes(matrix))
}

export function floatRows(matrix: GoldenMatrix): Float32Array[] {
  const data = floats(matrix)
  return Array.from({ length: matrix.rows }, (_, i) => data.subarray(i * matrix.columns, (i + 1) * matrix.columns))
}

export function integers(matrix: GoldenMatrix, signed: boolean): number[] {
  return Array.from(signed ? new Int8Array(bytes(matrix)) : new Uint8Array(bytes(matrix)))
}

function bytes(matrix: GoldenMatrix): ArrayBuffer {
  // A copy of its own: a Buffer may lie at any offset of a shared pool.
  return new Uint8Array(Buffer.from(matrix.data, 'base64')).buffer
}
