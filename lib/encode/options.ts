import type { PoolingMode, PostStep } from '../../binding'
import { booleanOf, describe, integerIn, oneOf, stringOf } from '../base/check'
import { functionOf, keysOf, refusal, signalOf, takeOptions } from '../base/arguments'
import type { EncoderConfig } from '../format/config'
import type { SentenceModules } from '../format/modules'
import { refuseMisfit } from '../format/properties'
import { poolingNames, vectorDimension, type PoolingName } from '../pooling/poolings'
import { refuseWindows, truncationOf, TRUNCATIONS, type ResolvedTruncation, type TruncatedText, type Truncation } from './truncation'
import { PRECISIONS, rangesFor, type Precision, type RangeOptions, type Ranges } from './quantize'

export interface EncodeProgress {
  texts: number
  totalTexts: number
  tokens: number
}

export interface EncodeOptions<P extends Precision = 'float32'> extends RangeOptions {
  /** `true`: scale the result to unit length. `false`: skip the model's Normalize module. By default, the model's modules run as saved. */
  normalize?: boolean
  /** Pooling to use instead of the model's: one mode, or several whose results are concatenated. Must fit the input size of the model's Dense modules. */
  pooling?: PoolingName | readonly PoolingName[]
  /**
   * Keep the first `truncateDim` dimensions (for Matryoshka models). The result is scaled again only with `normalize: true`. Integer in 1..dimension.
   * Defaults to the model's `truncate_dim`, or to all dimensions.
   */
  truncateDim?: number
  /** Text to prepend to every text; `''` for none. Cannot be combined with `promptName`. */
  prompt?: string
  /** Name of one of the model's prompts (`model.info.prompts`); `query` and `document` always exist. Defaults to the model's `default_prompt_name`. */
  promptName?: string
  /** Maximum tokens per text, special tokens included; longer texts are cut. Integer in 2..the model's positions. Defaults to the model's `max_seq_length`. */
  maxLength?: number
  /**
   * What happens to a text with more tokens than `maxLength`. `cut`: its beginning is used. `error`: the call rejects with ERR_INVALID_ARGUMENT,
   * before anything is computed. `windows`: it is cut into windows of up to `maxLength` tokens, each with the prompt; their pooled vectors are
   * combined, for mean pooling into the mean over the tokens of all windows, before the model's Dense and Normalize modules. Defaults to `cut`.
   */
  truncation?: Truncation
  /** Called for each text that was cut, in order, before the call resolves. If it returns a promise, the promise is awaited. */
  onTruncated?: (text: TruncatedText) => void
  /** Maximum tokens per micro-batch, 1..1048576. Larger values are not faster on the CPU; smaller ones respond to aborts sooner. Defaults to 2048. */
  batchTokens?: number
  /** Data type of the result, as defined by sentence-transformers' `quantize_embeddings`. Defaults to `float32`. */
  precision?: P
  /**
   * Return one vector per token instead of one per text, with the tokens and their offsets: the float32 states of the last layer.
   * Cannot be combined with `precision`, `truncateDim`, `normalize` or `pooling`. Defaults to false.
   */
  tokenEmbeddings?: boolean
  /** Called with the counts so far after each chunk of texts. If it returns a promise, the promise is awaited. */
  onProgress?: (progress: EncodeProgress) => void
  /** Stops the call between micro-batches; the promise rejects with code `ERR_ABORTED`. */
  signal?: AbortSignal
}

export interface StreamOptions<P extends Precision = 'float32'> extends EncodeOptions<P> {
  /** Number of texts to take from the stream, sort by length and return together, 1..1048576. Defaults to 1024. */
  batchTexts?: number
}

/** What the options of a call are resolved against: the model and the kind of call. */
export interface EncodeContext {
  modules: Pick<SentenceModules, 'pooling' | 'steps' | 'dense' | 'prompts' | 'defaultPromptName' | 'maxSeqLength' | 'truncateDim'>
  config: Pick<EncoderConfig, 'hiddenSize' | 'usablePositions'>
  /** Number of texts, or `'streamed'` if unknown. */
  texts: number | 'streamed'
  /** `encodeQuery` and `encodeDocument` select their own prompt. */
  role?: 'query' | 'document'
}

/** `EncodeOptions` with every value checked and every default filled in. */
export interface ResolvedEncode extends ResolvedTruncation {
  /** Prepended to every text; `''` for none. */
  prompt: string
  batchTokens: number
  /** Empty for token embeddings. */
  pooling: PoolingMode[]
  steps: PostStep[]
  /** 0 keeps all dimensions. */
  truncateDim: number
  normalizeLast: boolean
  /** Number of float32 elements of a result vector, before `precision` is applied. */
  dimension: number
  precision: Precision
  /** For `int8` and `uint8`. If undefined, the ranges are computed from the vectors of the call. */
  ranges: Ranges | undefined
  tokenEmbeddings: boolean
  onProgress: ((progress: EncodeProgress) => unknown) | undefined
  signal: AbortSignal | undefined
}

export interface ResolvedStream extends ResolvedEncode {
  batchTexts: number
}

/** Default maximum of tokens per micro-batch. Larger values are not faster on the CPU. */
export const BATCH_TOKENS = 2048

const MAX_BATCH = 2 ** 20

const ENCODE_KEYS = keysOf<EncodeOptions<Precision>>({
  normalize: 1,
  pooling: 1,
  truncateDim: 1,
  prompt: 1,
  promptName: 1,
  maxLength: 1,
  truncation: 1,
  onTruncated: 1,
  batchTokens: 1,
  precision: 1,
  ranges: 1,
  calibration: 1,
  tokenEmbeddings: 1,
  onProgress: 1,
  signal: 1,
})

/** Checks the options of `encodeStream`. */
export function resolveStream(options: StreamOptions<Precision> = {}, context: Omit<EncodeContext, 'texts'>): ResolvedStream {
  options = takeOptions('encodeStream', options, [...ENCODE_KEYS, 'batchTexts'])
  const { batchTexts = 1024, ...rest } = options
  return {
    ...resolveEncode(rest, { ...context, texts: 'streamed' }),
    batchTexts: integerIn('batchTexts', batchTexts, 1, MAX_BATCH),
  }
}

/** Checks the options of one encode call against the model and fills in the defaults. */
export function resolveEncode(options: EncodeOptions<Precision> = {}, context: EncodeContext): ResolvedEncode {
  options = takeOptions('encode', options, ENCODE_KEYS)
  const { modules, config } = context
  const limit = config.usablePositions
  const { maxLength = Math.min(modules.maxSeqLength ?? limit, limit), batchTokens = BATCH_TOKENS, tokenEmbeddings = false } = options
  return {
    prompt: promptOf(options, context),
    maxLength: integerIn('maxLength', maxLength, 2, limit),
    ...truncationOf(options.truncation, options.onTruncated, TRUNCATIONS),
    batchTokens: integerIn('batchTokens', batchTokens, 1, MAX_BATCH),
    tokenEmbeddings: booleanOf('tokenEmbeddings', tokenEmbeddings),
    onProgress: functionOf('onProgress', options.onProgress),
    signal: signalOf(options.signal),
    ...(tokenEmbeddings ? tokenResult(options, context) : pooledResult(options, context)),
  }
}

type Result = Omit<ResolvedEncode, 'prompt' | keyof ResolvedTruncation | 'batchTokens' | 'tokenEmbeddings' | 'onProgress' | 'signal'>

function tokenResult(options: EncodeOptions<Precision>, { config }: EncodeContext): Result {
  for (const name of ['precision', 'truncateDim', 'normalize', 'pooling', 'ranges', 'calibration'] as const) {
    if (options[name] !== undefined)
      throw refusal(`'${name}' cannot be combined with 'tokenEmbeddings', which returns the token states unchanged.`)
  }
  if (options.truncation === 'windows')
    throw refusal(`truncation: 'windows' cannot be combined with 'tokenEmbeddings'. Use 'cut' or 'error'.`)
  return {
    pooling: [],
    steps: [],
    truncateDim: 0,
    normalizeLast: false,
    dimension: config.hiddenSize,
    precision: 'float32',
    ranges: undefined,
  }
}

function pooledResult(options: EncodeOptions<Precision>, context: EncodeContext): Result {
  const { modules, config, texts } = context
  const normalize = options.normalize === undefined ? undefined : booleanOf('normalize', options.normalize)
  const pooling = poolingOf(options.pooling, context)
  if (options.truncation === 'windows') refuseWindows(pooling)
  const steps = normalize === false ? modules.steps.filter((step) => step !== 'normalize') : [...modules.steps]
  const whole = vectorDimension(modules.dense, pooling, config.hiddenSize)
  // Limited to the actual dimension: as in Python, the model's `truncate_dim` may exceed what another pooling gives.
  const { truncateDim = Math.min(modules.truncateDim ?? whole, whole) } = options
  const dimension = integerIn('truncateDim', truncateDim, 1, whole)
  const precision = oneOf('precision', options.precision === undefined ? 'float32' : options.precision, PRECISIONS)
  return {
    pooling,
    steps,
    truncateDim: dimension < whole ? dimension : 0,
    normalizeLast: normalize === true,
    dimension,
    precision,
    ranges: rangesFor(precision, options, dimension, texts),
  }
}

/**
 * Chooses the prompt as sentence-transformers 6.2 does, in this order: the given prompt, the named prompt, the role's prompt, the default prompt.
 * sentence-transformers gives every model empty `query` and `document` prompts if the folder has none. A role therefore never falls back to
 * the default prompt, and `encode_document` never reaches the `passage` and `corpus` prompts that its source code looks for next.
 */
function promptOf(options: EncodeOptions<Precision>, { modules, role }: EncodeContext): string {
  const { prompt, promptName } = options
  if (prompt !== undefined) {
    if (promptName !== undefined) throw refusal(`'prompt' and 'promptName' cannot be combined. Pass only one of them.`)
    return stringOf('prompt', prompt)
  }
  const name = promptName === undefined ? (role ?? modules.defaultPromptName) : stringOf('promptName', promptName)
  if (name === undefined) return ''
  const { prompts } = modules
  if (!Object.hasOwn(prompts, name)) {
    throw refusal(`This model has no prompt named ${describe(name)}. Its prompts: ${Object.keys(prompts).join(', ')}.`)
  }
  return prompts[name]!
}

function poolingOf(option: EncodeOptions['pooling'], { modules, config }: EncodeContext): PoolingMode[] {
  if (option === undefined) return [...modules.pooling]
  const pooling = poolingNames(option)
  refuseMisfit(pooling, modules, config)
  return pooling
}
