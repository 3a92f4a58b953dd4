import type { EncodeRequest, NativeModel } from '../../binding'
import { Embeddings, type TokenEmbeddings } from './embeddings'
import { SentorchError } from '../base/errors'
import { fromNative } from '../native/call'
import type { ResolvedEncode } from './options'
import { chunksOf } from './chunks'
import { runChunks } from './chunked'
import { quantize, quantizedDimension, type Precision, type VectorOf } from './quantize'
import { nextTask } from '../native/call'
import type { TokenBatch, Tokenizer } from '../tokenizer/tokenizer'

/** One call of encode: its texts go through the tokenizer and the model chunk by chunk, and their rows return to their places. */
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

  #through(texts: readonly string[], work: (indices: readonly number[], tokens: TokenBatch) => Promise<void>): Promise<void> {
    const { maxLength, prompt, signal, onProgress, tokenEmbeddings } = this.#request
    return runChunks<TokenBatch>({
      native: this.#native,
      task: this.#task,
      chunks: chunksOf(
        texts.map((text) => text.length),
        maxLength,
      ),
      totalTexts: texts.length,
      signal,
      onProgress,
      together: false,
      read: (indices) => {
        const chunk = indices.map((i) => prompt + texts[i]!)
        return tokenEmbeddings
          ? this.#tokenizer.encodeWithOffsets(chunk, maxLength, signal)
          : this.#tokenizer.encode(chunk, maxLength, signal)
      },
      work,
    })
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
