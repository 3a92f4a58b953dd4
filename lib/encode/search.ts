import { setImmediate } from 'node:timers/promises'
import { types } from 'node:util'
import { keysOf, reading, signalOf, takeOptions } from '../base/arguments'
import { integerIn, invalid, oneOf } from '../base/check'
import { throwIfAborted } from '../base/errors'
import { typed } from '../files/file-errors'
import { SIMILARITY_NAMES, type SimilarityName } from '../format/modules'
import { matricesOf, norm, PAIRS, type Matrix, type SimilarityInput } from './similarity'

/** One result of a search. */
export interface SearchHit {
  /** Row of the corpus. */
  index: number
  /** Similarity of that row to the query, in float32. */
  score: number
}

export interface ModelSearchOptions {
  /** Maximum number of results per query. Integer of at least 1. Defaults to 10. */
  topK?: number
  /** Results have at least this score. By default every score is accepted. */
  minScore?: number
  /** Stops the search; the promise rejects with code `ERR_ABORTED`. */
  signal?: AbortSignal
}

export interface SearchOptions extends ModelSearchOptions {
  /** How two vectors are compared. Defaults to `cosine`. */
  measure?: SimilarityName
}

interface ResolvedSearch {
  topK: number
  minScore: number
  measure: SimilarityName
  signal: AbortSignal | undefined
}

const SEARCH_KEYS = keysOf<ModelSearchOptions>({ topK: 1, minScore: 1, signal: 1 })

/** Multiplications between two pauses: a few milliseconds, so that the event loop keeps running. */
const SLICE = 2 ** 22

/**
 * Finds the vectors of the corpus that are most similar to each query, best first, as `util.semantic_search` of sentence-transformers does. Exact:
 * every pair is compared, without building the whole matrix; of equal scores, the smaller index comes first. A single `Float32Array` as the query
 * returns one list. Runs on the JavaScript thread, but lets other work run every few milliseconds; the vectors must not change meanwhile.
 * Rejects with ERR_INVALID_ARGUMENT, ERR_MODEL_MISMATCH for embeddings with different fingerprints, ERR_ABORTED.
 */
export function search(query: Float32Array, corpus: SimilarityInput, options?: SearchOptions): Promise<SearchHit[]>
export function search(queries: SimilarityInput, corpus: SimilarityInput, options?: SearchOptions): Promise<SearchHit[][]>
export async function search(
  queries: SimilarityInput,
  corpus: SimilarityInput,
  options?: SearchOptions,
): Promise<SearchHit[] | SearchHit[][]> {
  return typed(() => searchBy(queries, corpus, resolveSearch(options, [...SEARCH_KEYS, 'measure'])))
}

/** For `model.search`: the function `search` with the model's measure. */
export async function searchAs(
  measure: SimilarityName | undefined,
  queries: SimilarityInput,
  corpus: SimilarityInput,
  options?: ModelSearchOptions,
): Promise<SearchHit[] | SearchHit[][]> {
  return searchBy(queries, corpus, { ...resolveSearch(options, SEARCH_KEYS), ...(measure && { measure }) })
}

async function searchBy(queries: SimilarityInput, corpus: SimilarityInput, request: ResolvedSearch): Promise<SearchHit[] | SearchHit[][]> {
  const [left, right] = reading('The arguments of search', () => matricesOf({ queries, corpus }))
  throwIfAborted(request.signal)
  const results = await searchAll(left, right, request)
  return types.isFloat32Array(queries) ? results[0]! : results
}

function resolveSearch(options: SearchOptions = {}, keys: readonly string[]): ResolvedSearch {
  const { topK = 10, minScore = -Infinity, measure = 'cosine', signal } = takeOptions('search', options, keys)
  if (typeof minScore !== 'number' || Number.isNaN(minScore)) throw invalid('minScore', 'a number', minScore)
  return {
    topK: integerIn('topK', topK, 1, Number.MAX_SAFE_INTEGER),
    minScore,
    measure: oneOf('measure', measure, SIMILARITY_NAMES),
    signal: signalOf(signal),
  }
}

/** The corpus is read in slices; each slice is compared with all queries before the next one, so that it stays in the cache. */
async function searchAll(queries: Matrix, corpus: Matrix, { topK, minScore, measure, signal }: ResolvedSearch): Promise<SearchHit[][]> {
  const best = Array.from({ length: queries.rows }, () => new Best(topK, minScore))
  const pair = PAIRS[measure]
  const { dimension } = corpus
  const scales = measure === 'cosine' ? Float64Array.from(best, (_, i) => norm(queries, i)) : undefined
  const step = Math.max(1, Math.floor(CACHED / Math.max(1, dimension)))
  let work = 0
  for (let from = 0; from < corpus.rows; from += step) {
    const to = Math.min(from + step, corpus.rows)
    const lengths = scales && Float64Array.from({ length: to - from }, (_, j) => norm(corpus, from + j))
    for (const [i, hits] of best.entries()) {
      for (let j = from; j < to; j++) {
        const value = pair(queries.data, i * dimension, corpus.data, j * dimension, dimension)
        hits.offer(j, Math.fround(scales ? value / (scales[i]! * lengths![j - from]!) : value))
      }
      work += (to - from) * dimension
      if (work < SLICE) continue
      work = 0
      await setImmediate()
      throwIfAborted(signal)
    }
  }
  return best.map((hits) => hits.sorted())
}

/** Numbers of the corpus that are compared with all queries before the next ones are read. */
const CACHED = 2 ** 16

/** The best `size` results so far: a heap whose first entry is the worst one. */
class Best {
  readonly #size: number
  readonly #least: number
  readonly #heap: SearchHit[] = []

  constructor(size: number, least: number) {
    this.#size = size
    this.#least = least
  }

  /** Indices are offered in increasing order. A score that is not a number is never a result. */
  offer(index: number, score: number): void {
    const heap = this.#heap
    if (!(score >= this.#least)) return
    if (heap.length < this.#size) {
      heap.push({ index, score })
      this.#rise(heap.length - 1)
    } else if (score > heap[0]!.score) {
      heap[0] = { index, score }
      this.#sink()
    }
  }

  sorted(): SearchHit[] {
    return this.#heap.sort((a, b) => (isWorse(a, b) ? 1 : -1))
  }

  #rise(at: number): void {
    const heap = this.#heap
    for (let parent = (at - 1) >> 1; at > 0 && isWorse(heap[at]!, heap[parent]!); parent = (at - 1) >> 1) {
      this.#swap(at, parent)
      at = parent
    }
  }

  #sink(): void {
    const heap = this.#heap
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      let worst = at
      if (left < heap.length && isWorse(heap[left]!, heap[worst]!)) worst = left
      if (right < heap.length && isWorse(heap[right]!, heap[worst]!)) worst = right
      if (worst === at) return
      this.#swap(at, worst)
      at = worst
    }
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap
    ;[heap[a], heap[b]] = [heap[b]!, heap[a]!]
  }
}

function isWorse(a: SearchHit, b: SearchHit): boolean {
  return a.score < b.score || (a.score === b.score && a.index > b.index)
}
