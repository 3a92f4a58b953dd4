import { reading } from '../base/arguments'
import { integerIn, invalid } from '../base/check'

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

  constructor(data: V, dimension: number) {
    this.data = data
    this.dimension = integerIn('dimension', dimension, 1, Number.MAX_SAFE_INTEGER)
    this.length = data.length / dimension
    if (!Number.isInteger(this.length)) throw invalid('data', `whole rows of ${dimension} numbers`, `${data.length} numbers`)
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
