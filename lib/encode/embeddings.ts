import { reading } from '../base/arguments'
import { integerIn, invalid, oneOf } from '../base/check'
import { keysOf, takeOptions } from '../base/arguments'
import { typed } from '../files/file-errors'
import { PRECISIONS, type Precision, type VectorOf } from './quantize'
import type { EmbeddingsSource } from './source'
import { readVectors, saveVectors } from './vector-file'

export interface LoadEmbeddingsOptions<P extends Precision = 'float32'> {
  /** Type of the elements that the file must have. Defaults to `float32`. */
  precision?: P
}

/**
 * Vectors in one contiguous buffer: row i is `data[i · dimension … (i + 1) · dimension)`.
 * Iterating yields the rows; `[...embeddings]` is an array of typed arrays.
 */
export class Embeddings<V extends Float32Array | Int8Array | Uint8Array = Float32Array> implements Iterable<V> {
  /** [length, dimension], row-major. */
  readonly data: V
  /** Number of elements per row. For `binary` and `ubinary` an element is a byte that holds eight dimensions. */
  readonly dimension: number
  /** Number of rows. */
  readonly length: number
  /**
   * Which model computed the vectors, and how. Undefined for vectors from elsewhere, and if training changed the weights while they were computed.
   */
  readonly source: EmbeddingsSource | undefined
  /** Number of texts that were cut, because they have more tokens than `maxLength`; 0 for vectors that do not come from `encode`. */
  readonly truncated: number

  constructor(data: V, dimension: number, source?: EmbeddingsSource, truncated = 0) {
    this.data = data
    this.source = source
    this.truncated = truncated
    this.dimension = integerIn('dimension', dimension, 1, Number.MAX_SAFE_INTEGER)
    this.length = data.length / dimension
    if (!Number.isInteger(this.length)) throw invalid('data', `whole rows of ${dimension} numbers`, `${data.length} numbers`)
  }

  /** `source.fingerprint`: only vectors with the same fingerprint can be compared. Undefined for vectors from elsewhere. */
  get fingerprint(): string | undefined {
    return this.source?.fingerprint
  }

  /**
   * Reads vectors from a `.npy` or `.safetensors` file that `save`, `sentorch encode` or Python has written: a matrix of float32, int8 or uint8, in
   * `.safetensors` the only tensor or the one named `embeddings`. Only `.safetensors` says where the vectors come from (`source`).
   * Rejects with ERR_INVALID_ARGUMENT, ERR_FILE if the file is damaged or has another type, order or shape, ERR_OUT_OF_MEMORY.
   */
  static async load<P extends Precision = 'float32'>(path: string, options?: LoadEmbeddingsOptions<P>): Promise<Embeddings<VectorOf<P>>> {
    return typed(async () => {
      const { precision = 'float32' } = takeOptions('Embeddings.load', options ?? {}, keysOf<LoadEmbeddingsOptions>({ precision: 1 }))
      const { data, dimension, source } = await readVectors(path, oneOf('precision', precision, PRECISIONS) as P)
      return new Embeddings(data, dimension, source)
    })
  }

  /**
   * Writes the vectors to a file for `Embeddings.load`, NumPy (`.npy`) or safetensors (`.safetensors`: a tensor named `embeddings`, with `source` as
   * metadata). The file appears only when it is complete; an existing one is replaced, and is unchanged if the call rejects.
   * Rejects with ERR_INVALID_ARGUMENT for another extension, ERR_FILE.
   */
  async save(path: string): Promise<void> {
    return typed(() => saveVectors(path, this))
  }

  /** Row `index` as a view: writing to it changes `data`. Throws for an index outside 0..length-1. */
  row(index: number): V {
    return this.#view(integerIn('index', index, 0, this.length - 1))
  }

  /** Row `index` as a view, counted from the end if negative; undefined if out of range, like `Array.prototype.at`. */
  at(index: number): V | undefined {
    const i = reading('index', () => Math.trunc(index) || 0)
    const row = i < 0 ? i + this.length : i
    return row >= 0 && row < this.length ? this.#view(row) : undefined
  }

  *[Symbol.iterator](): IterableIterator<V> {
    for (let i = 0; i < this.length; i++) yield this.#view(i)
  }

  /** A copy as plain arrays, for JSON. */
  toArray(): number[][] {
    return Array.from(this, (row) => Array.from(row))
  }

  #view(row: number): V {
    return this.data.subarray(row * this.dimension, (row + 1) * this.dimension) as V
  }
}

/** The hidden states of the tokens of one text, special tokens included. */
export interface TokenEmbeddings {
  /** The tokens in the tokenizer's spelling (`##ing`, `Ġthe`). */
  tokens: string[]
  /** Position of each token in the original text, [start, end) in UTF-16 units; [0, 0] for special tokens and for tokens of the prompt. */
  offsets: [number, number][]
  /** [length, dimension], row-major. */
  data: Float32Array
  dimension: number
  /** Number of tokens. */
  length: number
}
