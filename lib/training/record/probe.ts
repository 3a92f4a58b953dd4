import type { LoadedModel } from '../../model/loaded-model'
import { vectorDimension } from '../../pooling/poolings'
import type { SimilarityRecord } from '../../report/record'
import { textOf } from '../../data/align'
import { pickRows, type Corpus } from '../loop/corpus'
import { meanCosine, sentenceVectors } from '../objectives/keep-embeddings'

/** Number of texts: their pairs, about 500, fill a chart, and their vectors take milliseconds. */
const TEXTS = 32
const LONGEST_TEXT = 200

/** Sentence vectors of a few texts before and after a fit. */
export class SimilarityProbe {
  readonly #model: LoadedModel
  readonly #corpus: Corpus
  readonly #rows: readonly number[]
  readonly #before: Float32Array

  /** Takes the vectors with the current weights, of texts that are spread evenly over the corpus. */
  static async start(model: LoadedModel, corpus: Corpus, signal: AbortSignal): Promise<SimilarityProbe> {
    const count = Math.min(TEXTS, corpus.examples)
    const rows = Array.from({ length: count }, (_, i) => Math.floor((i * corpus.examples) / count))
    return new SimilarityProbe(model, corpus, rows, await vectorsOf(model, corpus, rows, signal))
  }

  private constructor(model: LoadedModel, corpus: Corpus, rows: readonly number[], before: Float32Array) {
    this.#model = model
    this.#corpus = corpus
    this.#rows = rows
    this.#before = before
  }

  /** Without a signal: the fit is over, and its result must not be lost to an abort. */
  async finish(): Promise<SimilarityRecord> {
    const after = await vectorsOf(this.#model, this.#corpus, this.#rows)
    const { modules, config } = this.#model.folder
    const dimension = vectorDimension(modules.dense, modules.pooling, config.hiddenSize)
    const examples = this.#corpus.sets.flatMap(({ prepared }) => prepared.examples)
    const texts = this.#rows.map((row) => textOf(examples[row]!).slice(0, LONGEST_TEXT))
    const cosine = (vectors: Float32Array, i: number, j: number) =>
      meanCosine(rowOf(vectors, i, dimension), rowOf(vectors, j, dimension), dimension)
    const pairs = texts.flatMap((a, i) =>
      texts.slice(i + 1).map((b, k) => {
        const j = i + 1 + k
        return { a, b, before: cosine(this.#before, i, j), after: cosine(after, i, j) }
      }),
    )
    return { meanCosine: meanCosine(this.#before, after, dimension), texts: texts.length, pairs }
  }
}

function vectorsOf(model: LoadedModel, corpus: Corpus, rows: readonly number[], signal?: AbortSignal): Promise<Float32Array> {
  const { pooling, steps } = model.folder.modules
  return sentenceVectors(model, pickRows(corpus, rows), { pooling: [...pooling], steps: [...steps] }, signal)
}

function rowOf(vectors: Float32Array, row: number, dimension: number): Float32Array {
  return vectors.subarray(row * dimension, (row + 1) * dimension)
}
