import type { NativeModel } from '../../binding'
import { closeIdleTrainer, type Admission, type LoadedModel } from '../model/loaded-model'
import { isIterable, outcomeOf, reading } from '../base/arguments'
import { invalid } from '../base/check'
import { takeData } from '../data/examples'
import type { DataFor } from '../data/typed'
import { type Embeddings, type TokenEmbeddings } from '../encode/embeddings'
import { searchAs, type ModelSearchOptions, type SearchHit } from '../encode/search'
import { refuseForeign, similarity, type Similarities, type SimilarityInput } from '../encode/similarity'
import { modelFingerprint } from '../encode/source'
import { ahead, batchesOf, Encoding } from '../encode/encoding'
import { bytesOf, takeTexts } from '../encode/texts'
import { SentorchError, throwIfAborted } from '../base/errors'
import { asSentorchError, typed } from '../files/file-errors'
import type { ModelInfo } from '../model/info'
import type {
  Declared,
  DeclaredHeads,
  Extended,
  Head,
  HeadDefinition,
  HeadName,
  HeadTypes,
  NoHeads,
  With,
  Without,
} from '../heads/definition'
import { fromNative } from '../native/call'
import {
  resolveEncode,
  resolveStream,
  type EncodeContext,
  type EncodeOptions,
  type EncodeProgress,
  type ResolvedStream,
  type StreamOptions,
} from '../encode/options'
import { loadModel } from '../model/load'
import { resolveLoad, type LoadOptions } from '../model/load-options'
import type { EpochOptions } from '../training/options/epoch'
import type { PredictOptions } from '../predict/options'
import { saveModel, type SaveOptions } from '../model/save'
import type { TrainerOptions } from '../training/options/train'
import { predict } from '../predict/predict'
import type { NoOptions, NoOther, PredictInput, Prediction, TokenIds } from '../predict/types'
import type { Precision, VectorOf } from '../encode/quantize'
import type { Tokenizer } from '../tokenizer/tokenizer'
import { giveModelAccess } from './access'
import { Trainer } from './trainer'
import type { TrainingData } from '../training/loop/corpus'
import type { EpochReport } from '../training/loop/report'
import { evaluateOf, fitOf, trainEpochOf } from '../training/shorthands'
import type { EvaluateOptions, FitOptions } from '../training/options/fit'
import type { Evaluation } from '../training/evaluation/outcomes'
import type { FitResult } from '../training/loop/history'

type Vectors<P extends Precision> = Embeddings<VectorOf<P>>

/**
 * A sentence-transformers or transformers encoder with its own native thread. JavaScript never waits for it, and an idle model does not keep
 * the process alive. Free its memory with `dispose()` or `await using`.
 */
export class Model<H extends HeadTypes = NoHeads> implements AsyncDisposable {
  /** What was loaded and how it runs. */
  readonly info: ModelInfo
  /** Exists only as a type. `predict` takes it from its receiver, so that a model with typed heads can be used as a plain `Model`. */
  declare protected readonly knownHeads: H
  readonly #native: NativeModel
  readonly #tokenizer: Tokenizer
  readonly #admission: Admission
  readonly #loaded: LoadedModel
  #disposal: Promise<void> | undefined

  static {
    giveModelAccess({ load: (folder, options) => Model.load(folder, options), loadedModelOf: (model) => model.#loaded })
  }

  /**
   * Loads a model: `sentorch:mini`, the small one that is part of the package, a local folder, or a hub id such as
   * `sentence-transformers/all-MiniLM-L6-v2`.
   * The option `heads` declares the heads of a saved model: they are compared with the stored ones, and the model's type knows them.
   * Rejects with ERR_INVALID_ARGUMENT, ERR_MODEL_NOT_FOUND, ERR_MODEL_FORMAT, ERR_MODEL_UNSUPPORTED, ERR_MODEL_MISMATCH, ERR_UNSAFE_MODEL, ERR_FILE,
   * ERR_DOWNLOAD, ERR_LIBTORCH_MISSING, ERR_LIBTORCH_VERSION, ERR_ADDON_MISSING, ERR_DEVICE_UNAVAILABLE, ERR_OUT_OF_MEMORY, ERR_THREADS,
   * ERR_ABORTED.
   */
  static async load<const S extends DeclaredHeads = NoHeads>(where: string, options?: LoadOptions<S>): Promise<Model<Declared<S>>> {
    return typed(async () => new Model(await loadModel(where, resolveLoad(options as LoadOptions | undefined, process.env))))
  }

  private constructor(loaded: LoadedModel) {
    this.info = loaded.info
    this.#native = loaded.native
    this.#tokenizer = loaded.tokenizer
    this.#admission = loaded.admission
    this.#loaded = loaded
  }

  /**
   * Computes sentence vectors. One string returns one typed array; several return `Embeddings` with rows in the order of the texts; with
   * `tokenEmbeddings`, the states of each text's tokens. A text has the same vector alone and in any batch, within 1e-6.
   * Rejects with ERR_INVALID_ARGUMENT, ERR_BUSY, ERR_ABORTED, ERR_DISPOSED, ERR_NON_FINITE, ERR_OUT_OF_MEMORY.
   */
  encode(text: string, options: EncodeOptions & { tokenEmbeddings: true }): Promise<TokenEmbeddings>
  encode(texts: readonly string[], options: EncodeOptions & { tokenEmbeddings: true }): Promise<TokenEmbeddings[]>
  encode<P extends Precision = 'float32'>(text: string, options?: EncodeOptions<P>): Promise<VectorOf<P>>
  encode<P extends Precision = 'float32'>(texts: readonly string[], options?: EncodeOptions<P>): Promise<Vectors<P>>
  async encode(texts: string | readonly string[], options?: EncodeOptions<Precision>): Promise<unknown> {
    return typed(() => this.#encode(texts, options))
  }

  /** As `encode`, with the model's prompt for queries. */
  encodeQuery(text: string, options: EncodeOptions & { tokenEmbeddings: true }): Promise<TokenEmbeddings>
  encodeQuery(texts: readonly string[], options: EncodeOptions & { tokenEmbeddings: true }): Promise<TokenEmbeddings[]>
  encodeQuery<P extends Precision = 'float32'>(text: string, options?: EncodeOptions<P>): Promise<VectorOf<P>>
  encodeQuery<P extends Precision = 'float32'>(texts: readonly string[], options?: EncodeOptions<P>): Promise<Vectors<P>>
  async encodeQuery(texts: string | readonly string[], options?: EncodeOptions<Precision>): Promise<unknown> {
    return typed(() => this.#encode(texts, options, 'query'))
  }

  /** As `encode`, with the model's prompt for documents. */
  encodeDocument(text: string, options: EncodeOptions & { tokenEmbeddings: true }): Promise<TokenEmbeddings>
  encodeDocument(texts: readonly string[], options: EncodeOptions & { tokenEmbeddings: true }): Promise<TokenEmbeddings[]>
  encodeDocument<P extends Precision = 'float32'>(text: string, options?: EncodeOptions<P>): Promise<VectorOf<P>>
  encodeDocument<P extends Precision = 'float32'>(texts: readonly string[], options?: EncodeOptions<P>): Promise<Vectors<P>>
  async encodeDocument(texts: string | readonly string[], options?: EncodeOptions<Precision>): Promise<unknown> {
    return typed(() => this.#encode(texts, options, 'document'))
  }

  /**
   * Computes the vectors of a stream of texts, in batches and in order. Memory is bounded: while the consumer uses one batch, the next is computed.
   * Stopping early closes the source.
   */
  encodeStream<P extends Precision = 'float32'>(
    texts: AsyncIterable<string> | Iterable<string>,
    options?: StreamOptions<P>,
  ): AsyncGenerator<Vectors<P>, void, undefined> {
    // Options are read at the call, but an invalid one rejects the first batch, because a generator cannot throw earlier.
    const request = outcomeOf(() => {
      this.#checkOpen()
      if (!reading("'texts'", () => isIterable(texts)))
        throw invalid('texts', 'an array, an iterable or an async iterable of strings', texts)
      return resolveStream(options, this.#context())
    })
    return this.#stream<P>(texts, request)
  }

  async *#stream<P extends Precision>(
    texts: AsyncIterable<string> | Iterable<string>,
    outcome: () => ResolvedStream,
  ): AsyncGenerator<Vectors<P>, void, undefined> {
    const { batchTexts, ...request } = outcome()
    this.#checkOpen()
    if (request.tokenEmbeddings) throw invalid('tokenEmbeddings', 'false: a stream cannot return token embeddings', true)
    let promptTokens: Promise<number> | undefined
    const total = { texts: 0, totalTexts: 0, tokens: 0 }
    const work = (batch: string[]) => {
      const first = total.totalTexts
      total.totalTexts += batch.length
      const seen = { texts: 0, tokens: 0 }
      const onProgress = ({ texts, tokens }: EncodeProgress) => {
        // Two batches may be in progress; each adds its own counts.
        total.texts += texts - seen.texts
        total.tokens += tokens - seen.tokens
        Object.assign(seen, { texts, tokens })
        return request.onProgress?.({ ...total })
      }
      return this.#admission.hold(bytesOf(batch, request.dimension), async () => {
        // The iterator is created only when the source is read: a readline interface loses lines that arrive without a listener.
        const prompt = await (promptTokens ??= this.#promptTokens(request.prompt))
        this.#checkOpen()
        return new Encoding(this.#loaded, { ...request, onProgress }, prompt, first).vectors<P>(batch)
      })
    }
    try {
      yield* ahead(batchesOf(texts, batchTexts), work)
    } catch (error) {
      throw asSentorchError(error)
    }
  }

  /**
   * Computes the outputs of the heads, and the embedding if requested, in one forward pass: `{ text, <head>: …, embedding? }` for one text, an
   * array for several. A text is a string, a list of words, or `{ ids }`. All texts of a call are computed with the same weights.
   * Rejects with ERR_INVALID_ARGUMENT, ERR_BUSY, ERR_ABORTED, ERR_DISPOSED, ERR_NON_FINITE, ERR_OUT_OF_MEMORY.
   */
  predict<K extends HeadTypes, const O extends PredictOptions<HeadName<K>> = NoOptions>(
    this: Model<K>,
    text: string | TokenIds,
    options?: O & NoOther<O>,
  ): Promise<Prediction<K, O>>
  predict<K extends HeadTypes, const O extends PredictOptions<HeadName<K>> = NoOptions>(
    this: Model<K>,
    texts: readonly PredictInput[],
    options?: O & NoOther<O>,
  ): Promise<Prediction<K, O>[]>
  async predict(texts: unknown, options?: PredictOptions): Promise<unknown> {
    return typed(() => {
      this.#checkOpen()
      return predict(this.#loaded, texts, options)
    })
  }

  /** Counts the tokens of each text, special tokens included, without a limit. */
  countTokens(text: string): Promise<number>
  countTokens(texts: readonly string[]): Promise<number[]>
  async countTokens(texts: string | readonly string[]): Promise<number | number[]> {
    return typed(async () => {
      this.#checkOpen()
      const list = takeTexts(texts)
      const counts = await this.#tokenizer.count(list)
      return typeof texts === 'string' ? counts[0]! : counts
    })
  }

  /**
   * Identifies the vectors of this model, in 32 hexadecimal digits: weights of the encoder and its Dense modules, tokenizer, pooling, normalization and
   * dimension. It stays the same when the model is saved and loaded, and in another dtype; training of the encoder changes it (during a training call,
   * it is that of the last `encode` or of the beginning). It is not a cryptographic hash.
   */
  get fingerprint(): string {
    return modelFingerprint(this.#loaded)
  }

  /**
   * Similarities of each vector of `a` to each of `b`, [a, b], by the measure that the model's files specify, or cosine.
   * Throws ERR_INVALID_ARGUMENT, and ERR_MODEL_MISMATCH for embeddings of another model or with different fingerprints.
   */
  similarity(a: SimilarityInput, b: SimilarityInput): Similarities {
    refuseForeign({ a, b }, this.fingerprint)
    return similarity(a, b, this.#loaded.folder.modules.similarity)
  }

  /** The function `search` with the model's measure. Also rejects with ERR_MODEL_MISMATCH for embeddings of another model. */
  search(query: Float32Array, corpus: SimilarityInput, options?: ModelSearchOptions): Promise<SearchHit[]>
  search(queries: SimilarityInput, corpus: SimilarityInput, options?: ModelSearchOptions): Promise<SearchHit[][]>
  async search(queries: SimilarityInput, corpus: SimilarityInput, options?: ModelSearchOptions): Promise<unknown> {
    return typed(() => {
      refuseForeign({ queries, corpus }, this.fingerprint)
      return searchAs(this.#loaded.folder.modules.similarity, queries, corpus, options)
    })
  }

  /** The heads of this model in the order in which they were added: frozen definitions with all defaults filled in. */
  get heads(): readonly Head[] {
    return this.#loaded.heads.list
  }

  /**
   * Adds a head with weights initialised like PyTorch's `Linear`, from its seed and name. Returns the same model, with the head in its type.
   * Throws ERR_INVALID_ARGUMENT for an invalid definition, for a name that is in use, or while a trainer is open; ERR_DISPOSED.
   */
  addHead<const D extends HeadDefinition>(definition: D): Model<With<H, D>> {
    this.#checkOpen()
    this.#loaded.heads.add(definition)
    return this as unknown as Model<With<H, D>>
  }

  /** Throws ERR_INVALID_ARGUMENT if the head does not exist or a trainer is open; ERR_DISPOSED. */
  removeHead<const N extends string>(name: N): Model<Without<H, N>> {
    this.#checkOpen()
    this.#loaded.heads.remove(name)
    return this as unknown as Model<Without<H, N>>
  }

  /**
   * Adds labels after the existing labels of a head. Existing labels keep their weights; new ones are initialised from `seed` (default 0) and the
   * name. Throws ERR_INVALID_ARGUMENT for a label that exists, for a binary head, or while a trainer is open; ERR_DISPOSED.
   */
  extendHead<const N extends string, const L extends readonly string[]>(
    name: N,
    labels: L,
    options?: { seed?: number },
  ): Model<Extended<H, N, L>> {
    this.#checkOpen()
    this.#loaded.heads.extend(name, labels, options)
    return this as unknown as Model<Extended<H, N, L>>
  }

  /**
   * Writes the model, its heads and its tokenizer to a folder that `Model.load`, sentence-transformers and transformers can open. The folder
   * appears under its name only when it is complete; an existing one is replaced only with `overwrite`, and is unchanged if the call rejects.
   * Saves of one model run one after another.
   * Rejects with ERR_INVALID_ARGUMENT, ERR_FILE, ERR_MODEL_FORMAT, ERR_MODEL_UNSUPPORTED, ERR_NON_FINITE, ERR_ABORTED, ERR_DISPOSED,
   * ERR_OUT_OF_MEMORY.
   */
  async save(folder: string, options?: SaveOptions): Promise<void> {
    return typed(() => {
      this.#checkOpen()
      return saveModel(this.#loaded, folder, options)
    })
  }

  /** Creates the model's trainer; only one can be open. Throws ERR_INVALID_ARGUMENT for invalid options or while another is open; ERR_DISPOSED. */
  trainer(options?: TrainerOptions<H>): Trainer<H> {
    this.#checkOpen()
    closeIdleTrainer(this.#loaded)
    return new Trainer(this, options)
  }

  /** Shorthand for `trainer.trainEpoch`. The trainer is kept until the options change, a head is added, or `trainer()` is called. */
  trainEpoch<K extends HeadTypes, const T extends TrainingData>(
    this: Model<K>,
    data: T & DataFor<K, T>,
    options?: TrainerOptions<K> & EpochOptions<K>,
  ): Promise<EpochReport<K>>
  async trainEpoch(data: TrainingData, options?: TrainerOptions & EpochOptions): Promise<unknown> {
    return typed(() => {
      this.#checkOpen()
      return trainEpochOf(this.#loaded, takeData(data), options)
    })
  }

  /**
   * Trains several epochs with a trainer that is opened and closed by this call; see `Trainer.fit`. Takes the options of both. When the promise
   * settles, the optimizer's memory has been freed. After an abort or an error, the model has the weights of the last finished step; to continue
   * such a fit, use `saveEvery` and `Trainer.resume`. Rejects like `Trainer.fit`, and with ERR_INVALID_ARGUMENT while a trainer is open.
   */
  fit<K extends HeadTypes, const T extends TrainingData, const M extends string = never>(
    this: Model<K>,
    data: T & DataFor<K, T>,
    options?: TrainerOptions<K> & FitOptions<K, M>,
  ): Promise<FitResult<K, M>>
  async fit(data: TrainingData, options?: TrainerOptions & FitOptions): Promise<unknown> {
    return typed(() => {
      this.#checkOpen()
      closeIdleTrainer(this.#loaded)
      return fitOf(this.#loaded, takeData(data), options)
    })
  }

  /**
   * Computes the losses and metrics of every head that the data has labels for, as `Trainer.evaluate` does, without a trainer and its memory; also
   * while one is open. Examples are cut to the model's `max_seq_length`; `loss` is the sum over the heads.
   * Rejects with ERR_DATA if the data has no labels for any head, ERR_INVALID_ARGUMENT, ERR_NON_FINITE, ERR_CALLBACK if a function in `metrics`
   * fails, ERR_ABORTED, ERR_DISPOSED, ERR_OUT_OF_MEMORY.
   */
  evaluate<K extends HeadTypes, const M extends string = never>(
    this: Model<K>,
    data: TrainingData,
    options?: EvaluateOptions<K, M>,
  ): Promise<Evaluation<K, M>>
  async evaluate(data: TrainingData, options?: EvaluateOptions): Promise<unknown> {
    return typed(() => {
      this.#checkOpen()
      return evaluateOf(this.#loaded, takeData(data), options)
    })
  }

  /**
   * Rejects waiting, running and new work with ERR_DISPOSED, and resolves when the memory has been freed. Idempotent.
   */
  dispose(): Promise<void> {
    this.#disposal ??= fromNative(this.#native.dispose())
    this.#tokenizer.dispose()
    return this.#disposal
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  async #encode(
    texts: string | readonly string[],
    options: EncodeOptions<Precision> | undefined,
    role?: EncodeContext['role'],
  ): Promise<unknown> {
    this.#checkOpen()
    const list = takeTexts(texts)
    const request = resolveEncode(options, { ...this.#context(), texts: list.length, role })
    throwIfAborted(request.signal)
    return this.#admission.hold(bytesOf(list, request.dimension), async () => {
      const promptTokens = await this.#promptTokens(request.prompt)
      this.#checkOpen()
      const encoding = new Encoding(this.#loaded, request, promptTokens)
      const result = request.tokenEmbeddings ? await encoding.tokenEmbeddings(list) : await encoding.vectors(list)
      return typeof texts === 'string' ? result.at(0) : result
    })
  }

  #context(): Omit<EncodeContext, 'texts'> {
    return { modules: this.#loaded.folder.modules, config: this.#loaded.folder.config }
  }

  async #promptTokens(prompt: string): Promise<number> {
    return prompt === '' || this.#loaded.folder.modules.includePrompt ? 0 : this.#tokenizer.promptLength(prompt)
  }

  #checkOpen(): void {
    if (this.#disposal) throw new SentorchError('ERR_DISPOSED', 'The model was disposed. Load it again with Model.load().')
  }
}
