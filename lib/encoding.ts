import type { EncodeRequest, NativeModel } from '../binding'
import { Embeddings, type TokenEmbeddings } from './embeddings'
import { aborted, SentorchError, throwIfAborted } from './errors'
import { fromNative } from './native'
import type { ResolvedEncode } from './options'
import { pieces } from './pieces'
import { quantize, quantizedDimension, type Precision, type VectorOf } from './quantize'
import { nextTask } from './tasks'
import type { TokenBatch, Tokenizer } from './tokenizer'

/** Pieces that are on their way through the model at a time: one runs, one waits, so that the model's thread never idles. */
const IN_FLIGHT = 2

/** One call of encode: its texts go through the tokenizer and the model piece by piece, and their rows return to their places. */
export class Encoding {
  readonly #native: NativeModel
  readonly #tokenizer: Tokenizer
  readonly #request: ResolvedEncode
  readonly #promptTokens: number
  readonly #task = nextTask()

  constructor(native: NativeModel, tokenizer: Tokenizer, request: ResolvedEncode, promptTokens: number) {
    this.#native = native
    this.#tokenizer = tokenizer
    this.#request = request
    this.#promptTokens = promptTokens
  }

  async vectors<P extends Precision>(texts: readonly string[]): Promise<Embeddings<VectorOf<P>>> {
    const { dimension, precision, ranges } = this.#request
    const data = newVectors(texts.length, dimension)
    await this.#through(texts, async (indices, tokens) => {
      const values = await this.#run(indices, tokens)
      indices.forEach((index, i) => data.set(values.subarray(i * dimension, (i + 1) * dimension), index * dimension))
    })
    return new Embeddings(quantize(data, dimension, precision as P, ranges), quantizedDimension(dimension, precision))
  }

  async tokenEmbeddings(texts: readonly string[]): Promise<TokenEmbeddings[]> {
    const { dimension, prompt } = this.#request
    const out = new Array<TokenEmbeddings>(texts.length)
    await this.#through(texts, async (indices, batch) => {
      const values = await this.#run(indices, batch)
      const { offsets } = batch
      const { tokens, spans } = batch as Awaited<ReturnType<Tokenizer['encodeWithOffsets']>>
      indices.forEach((index, i) => {
        const data = values.slice(offsets[i]! * dimension, offsets[i + 1]! * dimension)
        out[index] = { tokens: tokens[i]!, offsets: spansInText(spans[i]!, prompt.length), data, dimension, length: tokens[i]!.length }
      })
    })
    return out
  }

  async #through(texts: readonly string[], place: (indices: number[], tokens: TokenBatch) => Promise<void>): Promise<void> {
    const { maxLength, prompt, signal, onProgress, tokenEmbeddings } = this.#request
    throwIfAborted(signal)
    const stop = () => this.#native.abort(this.#task)
    signal?.addEventListener('abort', stop, { once: true })
    const running = new Set<Promise<void>>()
    let done = 0
    let tokens = 0
    try {
      for (const indices of pieces(texts, maxLength)) {
        const piece = indices.map((i) => prompt + texts[i]!)
        const batch = await (tokenEmbeddings
          ? this.#tokenizer.encodeWithOffsets(piece, maxLength, signal)
          : this.#tokenizer.encode(piece, maxLength, signal))
        while (running.size >= IN_FLIGHT) await Promise.race(running)
        throwIfAborted(signal)
        const work = place(indices, batch).then(() => {
          running.delete(work)
          done += indices.length
          tokens += batch.ids.length
          onProgress?.({ texts: done, totalTexts: texts.length, tokens })
        })
        work.catch(() => {}) // seen below, through the set
        running.add(work)
      }
      await Promise.all(running)
    } catch (error) {
      stop()
      await Promise.allSettled(running)
      throw signal?.aborted ? aborted(signal) : error
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  async #run(indices: readonly number[], { ids, offsets }: TokenBatch): Promise<Float32Array> {
    const { pooling, steps, truncateDim, normalizeLast, batchTokens } = this.#request
    const request: EncodeRequest = {
      task: this.#task,
      ids,
      offsets,
      pooling,
      promptTokens: this.#promptTokens,
      steps,
      truncateDim,
      normalizeLast,
      batchTokens,
    }
    const { values, nonFiniteRow } = await fromNative(this.#native.encode(request))
    if (nonFiniteRow >= 0) {
      const index = indices[nonFiniteRow]!
      throw new SentorchError(
        'ERR_NON_FINITE',
        `The vector of texts[${index}] came out with a NaN or an infinity: the weights are damaged, or too large for this dtype.`,
        { detail: { index } },
      )
    }
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
