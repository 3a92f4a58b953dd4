import type { EncodeRequest, PredictResult } from '../../binding'
import { throwIfAborted } from '../base/errors'
import { chunksOf, estimateTokens, runChunks } from '../encode/chunks'
import { CutTexts } from '../encode/truncation'
import type { Head } from '../heads/definition'
import type { Predictor } from '../heads/kind'
import { kindOf } from '../heads/kinds'
import type { ClassPrediction, TagPrediction } from '../heads/predictions'
import type { LoadedModel } from '../model/loaded-model'
import { fromNative, nonFiniteRow } from '../native/call'
import { checkInputs, lengthOf, readInputs, type Input, type ReadBatch } from './inputs'
import { cutsTexts, needWholeTexts, resolvePredict, type PredictOptions, type ResolvedPredict } from './options'

/** The prediction for one text, without knowledge of the model's heads. */
export type AnyPrediction = Record<string, string | Float32Array | ClassPrediction | TagPrediction>

/** Implements `Model.predict`. All arguments are checked before any work starts. */
export async function predict(
  model: LoadedModel,
  texts: unknown,
  options: PredictOptions | undefined,
): Promise<AnyPrediction | AnyPrediction[]> {
  const { tokenizer, folder, heads } = model
  const { modules, config, classifierNote } = folder
  const { inputs, single } = checkInputs(texts, tokenizer.vocabSize)
  const request = resolvePredict(options, { modules, config, heads, surroundings: tokenizer.surroundings, classifierNote })
  throwIfAborted(request.signal)
  return model.admission.hold(bytesOf(inputs, request), async () => {
    await heads.ready
    const results = await new Predicting(model, request).run(inputs)
    return single ? results[0]! : results
  })
}

/** Number of bytes that a call holds until it settles: its texts, in UTF-16, and the numbers in its results. */
function bytesOf(inputs: readonly Input[], { heads, embedding, maxLength }: ResolvedPredict): number {
  const logits = (perToken: boolean) =>
    heads.filter((head) => kindOf(head).perToken === perToken).reduce((sum, { labels }) => sum + labels.length, 0)
  const perText = 4 * (logits(false) + (embedding?.dimension ?? 0))
  const perToken = 4 * logits(true)
  return inputs.reduce((sum, input) => {
    const length = lengthOf(input)
    const tokens = estimateTokens(length, needWholeTexts(heads) ? Infinity : maxLength)
    return sum + 2 * length + perText + perToken * tokens
  }, 0)
}

type Parts = Pick<LoadedModel, 'native' | 'tokenizer' | 'heads' | 'trainer'>

/** A head of this call, with the function that turns its logits into predictions. */
interface AskedHead {
  head: Head
  predictor: Predictor
}

/** Thrown during a call if the model has changed since the first chunk. */
class Changed extends Error {}

/** One call of `predict`: texts are tokenised and computed chunk by chunk, and the results are put in the order of the texts. */
class Predicting {
  readonly #model: Parts
  readonly #request: ResolvedPredict
  /** The heads at the time when the first chunk goes to the model: a head may have been extended while the texts were tokenised. */
  #heads: AskedHead[] | undefined

  constructor(model: Parts, request: ResolvedPredict) {
    this.#model = model
    this.#request = request
  }

  /**
   * A call uses one version of the weights and heads. While a trainer is open, all chunks are queued together, so that no training step comes
   * between them. If a trainer is opened or a head changes after the first chunk, the call starts again in this way.
   */
  async run(inputs: readonly Input[]): Promise<AnyPrediction[]> {
    try {
      return await this.#pass(inputs, this.#model.trainer !== undefined || this.#request.truncation === 'error')
    } catch (error) {
      if (!(error instanceof Changed)) throw error
      return await this.#pass(inputs, true)
    }
  }

  async #pass(inputs: readonly Input[], together: boolean): Promise<AnyPrediction[]> {
    const { maxLength, signal, onProgress, batchTokens, heads, stride } = this.#request
    const whole = needWholeTexts(heads)
    const cuts = cutsTexts(this.#request)
    const cut = new CutTexts(this.#request, { lengths: (places) => this.#lengths(inputs, places), total: inputs.length })
    const out = new Array<AnyPrediction>(inputs.length)
    this.#heads = undefined
    await runChunks<ReadBatch>({
      native: this.#model.native,
      chunks: chunksOf(inputs.map(lengthOf), whole ? Infinity : maxLength),
      totalTexts: inputs.length,
      signal,
      onProgress,
      together,
      ready: () => cut.refuse(),
      read: async (indices) => {
        const chunk = indices.map((i) => inputs[i]!)
        const batch = await readInputs(chunk, this.#model.tokenizer, { maxLength, stride: whole ? stride : undefined, signal })
        if (cuts) for (const i of batch.longer) cut.add(indices[i]!)
        return batch
      },
      work: async (indices, batch, task) => {
        const asked = this.#askedHeads(together)
        const result = await fromNative(
          this.#model.native.predict({
            task,
            ids: batch.ids,
            offsets: batch.offsets,
            batchTokens,
            heads: asked.map(({ head }) => head.name),
            embedding: this.#embedding(),
          }),
        )
        if (result.nonFiniteRow >= 0) {
          const index = indices[batch.textOf[result.nonFiniteRow]!]!
          throw nonFiniteRow(`texts[${index}]`, { index })
        }
        indices.forEach((index, i) => (out[index] = this.#resultOf(i, batch, result, asked)))
      },
    })
    await cut.report()
    return out
  }

  /** Numbers of tokens of whole texts. */
  #lengths(inputs: readonly Input[], places: readonly number[]): Promise<number[]> {
    const { tokenizer } = this.#model
    const { signal } = this.#request
    return Promise.all(
      places.map(async (place) => {
        const input = inputs[place]!
        return input.ids ? input.ids.length : (await tokenizer.count([input.text], signal))[0]!
      }),
    )
  }

  #embedding(): Pick<EncodeRequest, 'pooling' | 'promptTokens' | 'steps' | 'truncateDim' | 'normalizeLast'> | null {
    if (!this.#request.embedding) return null
    const { pooling, steps, truncateDim, normalizeLast } = this.#request.embedding
    return { pooling, promptTokens: 0, steps, truncateDim, normalizeLast }
  }

  /** Throws Changed if the heads, or possibly the weights, differ from those used for earlier chunks. */
  #askedHeads(together: boolean): AskedHead[] {
    const { heads, trainer } = this.#model
    const now = this.#request.heads.map(({ name }) => heads.require(name))
    this.#heads ??= now.map((head) => ({ head, predictor: kindOf(head).predictor(head, this.#request) }))
    if (!together && (trainer || now.some((head, i) => head !== this.#heads![i]!.head))) throw new Changed()
    return this.#heads
  }

  /** The result for text `i` of a chunk. */
  #resultOf(i: number, batch: ReadBatch, { logits, embedding }: PredictResult, asked: readonly AskedHead[]): AnyPrediction {
    const row = batch.firstRow[i]!
    const text = batch.texts[i]!
    const result: AnyPrediction = { text: text.text }
    if (embedding) result.embedding = embedding.values.slice(row * embedding.dimension, (row + 1) * embedding.dimension)
    for (const [h, { head, predictor }] of asked.entries()) {
      const width = head.labels.length
      const all = logits[h]!
      if (kindOf(head).perToken) {
        result[head.name] = predictor(gather(all, batch.places[i]!, width), text)
      } else {
        const prediction = predictor(all.subarray(row * width, (row + 1) * width), text)
        result[head.name] = batch.longer.has(i) ? { ...prediction, truncated: true } : prediction
      }
    }
    return result
  }
}

/** The rows of `width` numbers at `places`, in that order. */
function gather(values: Float32Array, places: Int32Array, width: number): Float32Array {
  const result = new Float32Array(places.length * width)
  places.forEach((place, i) => result.set(values.subarray(place * width, (place + 1) * width), i * width))
  return result
}
