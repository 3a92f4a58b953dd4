import type { EncodeRequest, EncodeResult, NativeModel } from '../../binding'
import { itemsOf, refusal } from '../base/arguments'
import { stringOf } from '../base/check'
import { SentorchError } from '../base/errors'
import { fromNative, nonFiniteRow } from '../native/call'
import type { TokenBatch, Tokenizer } from '../tokenizer/tokenizer'
import { chunksOf, runChunks, type ChunkedCall } from './chunks'
import { Embeddings, type TokenEmbeddings } from './embeddings'
import type { ResolvedEncode } from './options'
import { CutTexts } from './truncation'
import { combineWindows, windowRows, type WindowedBatch, type WindowFrame } from './windows'
import { quantize, quantizedDimension, type Precision, type VectorOf } from './quantize'
import { sourceOf, type VectorModel } from './source'

/** The parts of a model that `encode` uses. */
export interface EncodingModel extends VectorModel {
  readonly native: NativeModel
  readonly tokenizer: Tokenizer
}

/** One call of encode. Its texts pass through the tokenizer and the model in chunks; the rows are returned in the order of the texts. */
export class Encoding {
  readonly #model: EncodingModel
  readonly #request: ResolvedEncode
  readonly #promptTokens: number
  readonly #first: number
  /** The fingerprints of the weights that were used: training may change them between two chunks. */
  readonly #weights = new Set<string>()

  /** `promptTokens`: number of leading tokens that are not pooled; `first`: number of texts in earlier batches of a stream. */
  constructor(model: EncodingModel, request: ResolvedEncode, promptTokens: number, first = 0) {
    this.#model = model
    this.#request = request
    this.#promptTokens = promptTokens
    this.#first = first
  }

  async vectors<P extends Precision>(texts: readonly string[]): Promise<Embeddings<VectorOf<P>>> {
    const { dimension, precision, ranges } = this.#request
    const data = newVectors(texts.length, dimension)
    const truncated = await this.#through(texts, async (indices, batch, task) => {
      const values = 'rowsOf' in batch ? await this.#runWindows(indices, batch, task) : await this.#run(indices, batch, task)
      indices.forEach((index, i) => data.set(values.subarray(i * dimension, (i + 1) * dimension), index * dimension))
    })
    const source = this.#weights.size > 1 ? undefined : sourceOf(this.#model, this.#request, [...this.#weights][0])
    return new Embeddings(quantize(data, dimension, precision as P, ranges), quantizedDimension(dimension, precision), source, truncated)
  }

  async tokenEmbeddings(texts: readonly string[]): Promise<TokenEmbeddings[]> {
    const { dimension, prompt } = this.#request
    const out = new Array<TokenEmbeddings>(texts.length)
    await this.#through(texts, async (indices, batch, task) => {
      const values = await this.#run(indices, batch, task)
      const { offsets } = batch
      const { tokens, spans } = batch as Awaited<ReturnType<Tokenizer['encodeWithOffsets']>>
      indices.forEach((index, i) => {
        const data = values.slice(offsets[i]! * dimension, offsets[i + 1]! * dimension)
        out[index] = { tokens: tokens[i]!, offsets: spansInText(spans[i]!, prompt.length), data, dimension, length: tokens[i]!.length }
      })
    })
    return out
  }

  /** Returns the number of texts that were cut. */
  async #through(texts: readonly string[], work: ChunkedCall<TokenBatch | WindowedBatch>['work']): Promise<number> {
    const { maxLength, prompt, signal, onProgress, tokenEmbeddings, truncation } = this.#request
    const lengths = (places: readonly number[]) =>
      this.#model.tokenizer.count(
        places.map((i) => prompt + texts[i]!),
        signal,
      )
    const cut = new CutTexts(this.#request, { lengths, total: texts.length, first: this.#first })
    const frame = truncation === 'windows' ? await this.#windowFrame() : undefined
    await runChunks<TokenBatch | WindowedBatch>({
      native: this.#model.native,
      chunks: chunksOf(
        texts.map((text) => text.length),
        maxLength,
      ),
      totalTexts: texts.length,
      signal,
      onProgress,
      // With 'error', all texts are tokenised before the first one is computed.
      together: truncation === 'error',
      ready: () => cut.refuse(),
      read: async (indices) => {
        const chunk = indices.map((i) => prompt + texts[i]!)
        const batch = tokenEmbeddings
          ? await this.#model.tokenizer.encodeWithOffsets(chunk, maxLength, signal)
          : await this.#model.tokenizer.encode(chunk, maxLength, signal)
        if (frame && batch.truncated.length > 0) return windowRows(await this.#model.tokenizer.encodeUncut(chunk, signal), frame)
        for (const i of batch.truncated) cut.add(indices[i]!)
        return batch
      },
      work,
    })
    await cut.report()
    return cut.count
  }

  /** ERR_INVALID_ARGUMENT if a window has no room for a token of the text. */
  async #windowFrame(): Promise<WindowFrame> {
    const { prompt, maxLength } = this.#request
    const { before: special, after } = this.#model.tokenizer.surroundings
    const before = prompt === '' ? special : Math.max(special, await this.#model.tokenizer.promptLength(prompt))
    if (before + after < maxLength) return { before, after, maxLength }
    throw refusal(
      `truncation: 'windows' needs room for the text in each window: the prompt and the special tokens take ${before + after} of ${maxLength} tokens. Raise 'maxLength', or shorten the prompt.`,
    )
  }

  async #run(indices: readonly number[], { ids, offsets }: TokenBatch, task: number): Promise<Float32Array> {
    const { pooling, steps, truncateDim, normalizeLast } = this.#request
    const result = await this.#encode(task, { ids, offsets }, { pooling, steps, truncateDim, normalizeLast })
    return this.#checked(result, (row) => indices[row]!)
  }

  /** Windows are combined after the pooling; the modules after it get one vector per text. */
  async #runWindows(indices: readonly number[], batch: WindowedBatch, task: number): Promise<Float32Array> {
    const { pooling, steps, truncateDim, normalizeLast } = this.#request
    const textOf = (row: number) => indices[batch.rowsOf.findLastIndex((first) => first <= row)]!
    const pooled = await this.#encode(task, batch, { pooling, steps: [], truncateDim: 0, normalizeLast: false })
    const vectors = combineWindows(this.#checked(pooled, textOf), batch, pooling, this.#promptTokens)
    const request = { task, vectors, pooling, promptTokens: 0, steps, truncateDim, normalizeLast }
    return this.#checked(await fromNative(this.#model.native.finish(request)), (row) => indices[row]!)
  }

  #encode(
    task: number,
    { ids, offsets }: Pick<TokenBatch, 'ids' | 'offsets'>,
    vectors: Pick<EncodeRequest, 'pooling' | 'steps' | 'truncateDim' | 'normalizeLast'>,
  ): Promise<EncodeResult> {
    const { batchTokens } = this.#request
    return fromNative(this.#model.native.encode({ task, ids, offsets, promptTokens: this.#promptTokens, batchTokens, ...vectors }))
  }

  #checked({ values, nonFiniteRow: row, weights }: EncodeResult, textOf: (row: number) => number): Float32Array {
    this.#weights.add(weights)
    this.#model.weights = weights
    if (row >= 0) throw nonFiniteRow(`texts[${textOf(row)}]`, { index: textOf(row) })
    return values
  }
}

function newVectors(rows: number, dimension: number): Float32Array {
  try {
    return new Float32Array(rows * dimension)
  } catch (cause) {
    throw new SentorchError(
      'ERR_OUT_OF_MEMORY',
      `The result of ${rows} texts (${rows * dimension * 4} bytes) does not fit into memory. Use encodeStream.`,
      { cause },
    )
  }
}

function spansInText(spans: Int32Array, promptLength: number): [number, number][] {
  const out: [number, number][] = []
  for (let i = 0; i < spans.length; i += 2) {
    const start = spans[i]! - promptLength
    const end = spans[i + 1]! - promptLength
    out.push(end <= 0 ? [0, 0] : [Math.max(0, start), end])
  }
  return out
}

/** Maximum number of characters per batch, so that memory stays bounded even if each text is a whole book. */
const BATCH_CHARS = 2 ** 23

/** Batches of texts from a source, in order. Closes the source if the reader stops early. Throws for a value that is not a string, with its index. */
export async function* batchesOf(source: AsyncIterable<string> | Iterable<string>, batchTexts: number): AsyncGenerator<string[]> {
  let batch: string[] = []
  let chars = 0
  let index = 0
  for await (const text of itemsOf('texts', source)) {
    batch.push(stringOf(`texts[${index++}]`, text))
    chars += text.length
    if (batch.length < batchTexts && chars < BATCH_CHARS) continue
    yield batch
    batch = []
    chars = 0
  }
  if (batch.length > 0) yield batch
}

/**
 * Applies `work` to `items` and yields the results in order. While the consumer uses one result, the next is computed.
 * If the consumer stops or something fails, `items` is closed and the work in flight is awaited.
 */
export async function* ahead<T, R>(items: AsyncIterable<T>, work: (item: T) => Promise<R>): AsyncGenerator<R> {
  let begun: Promise<R> | undefined
  try {
    for await (const item of items) {
      const next = work(item)
      next.catch(() => {}) // handled when it is awaited
      const ready = begun
      begun = next
      if (ready) yield await ready
    }
    const last = begun
    begun = undefined
    if (last) yield await last
  } finally {
    await begun?.catch(() => {})
  }
}
