import type { PoolingMode, PostStep } from '../../binding'
import { booleanOf, describe, integerIn, oneOf, stringOf } from '../base/check'
import { functionOf, keysOf, refusal, signalOf, takeOptions } from '../base/arguments'
import type { EncoderConfig } from '../format/config'
import type { SentenceModules } from '../format/modules'
import { vectorDimension } from '../pooling/poolings'
import { PRECISIONS, rangesFor, type Precision, type RangeOptions, type Ranges } from './quantize'
import { type PoolingName, poolingNames } from '../pooling/poolings'

export interface EncodeProgress {
  texts: number
  totalTexts: number
  tokens: number
}

export interface EncodeOptions<P extends Precision = 'float32'> extends RangeOptions {
  /** Unset: the modules of the model as written. `true`: the result is scaled to unit length at the end. `false`: the Normalize module is skipped. */
  normalize?: boolean
  /** Instead of the model's pooling: one mode, or several side by side, each once. Refused where the model's Dense modules do not fit the result. */
  pooling?: PoolingName | readonly PoolingName[]
  /**
   * Keep the first `truncateDim` dimensions (Matryoshka models); not scaled again unless `normalize: true`. Integer in 1..dimension.
   * Defaults to the model's `truncate_dim`, else to all.
   */
  truncateDim?: number
  /** Put before every text; `''` for none. Excludes `promptName`. */
  prompt?: string
  /** Name of one of the model's prompts (`model.info.prompts`); `query` and `document` always exist. Defaults to the model's `default_prompt_name`. */
  promptName?: string
  /** Tokens of one text, the special ones counted; longer texts are cut. Defaults to the model's `max_seq_length`. Integer in 2..the model's positions. */
  maxLength?: number
  /** Tokens of one micro-batch, 1..1048576. Defaults to 2048: larger gains nothing on the CPU, smaller answers aborts sooner. */
  batchTokens?: number
  /** Type of the result, as sentence-transformers' `quantize_embeddings` defines it. Defaults to `float32`. */
  precision?: P
  /**
   * One vector per token instead of one per text, with the tokens and their offsets; the states of the last layer, float32.
   * Excludes `precision`, `truncateDim`, `normalize` and `pooling`. Defaults to false.
   */
  tokenEmbeddings?: boolean
  /** Called after each piece of work with the counts so far. A promise that it gives is awaited. */
  onProgress?: (progress: EncodeProgress) => void
  /** Stops between micro-batches; the promise rejects with code `ERR_ABORTED`. */
  signal?: AbortSignal
}

export interface StreamOptions<P extends Precision = 'float32'> extends EncodeOptions<P> {
  /** Texts that are taken from the stream, sorted by length and given back together, 1..1048576. Defaults to 1024. */
  batchTexts?: number
}

/** What an encode is resolved against: the model, and which call it is. */
export interface EncodeContext {
  modules: Pick<SentenceModules, 'pooling' | 'steps' | 'dense' | 'prompts' | 'defaultPromptName' | 'maxSeqLength' | 'truncateDim'>
  config: Pick<EncoderConfig, 'hiddenSize' | 'usablePositions'>
  /** Number of texts, or `'streamed'` where it is not known. */
  texts: number | 'streamed'
  /** `encodeQuery` and `encodeDocument` choose a prompt of their own. */
  role?: 'query' | 'document'
}

/** `EncodeOptions` after every check, with every default. */
export interface ResolvedEncode {
  /** Put before every text; `''` for none. */
  prompt: string
  maxLength: number
  batchTokens: number
  /** Empty for token embeddings. */
  pooling: PoolingMode[]
  steps: PostStep[]
  /** 0: keep all. */
  truncateDim: number
  normalizeLast: boolean
  /** Numbers of one float32 vector that comes out, before `precision`. */
  dimension: number
  precision: Precision
  /** For `int8` and `uint8`; undefined: taken from the vectors of this call. */
  ranges: Ranges | undefined
  tokenEmbeddings: boolean
  onProgress: ((progress: EncodeProgress) => unknown) | undefined
  signal: AbortSignal | undefined
}

export interface ResolvedStream extends ResolvedEncode {
  batchTexts: number
}

/** Tokens of a micro-batch: larger gains nothing on the CPU. */
export const BATCH_TOKENS = 2048

const MAX_BATCH = 2 ** 20

const ENCODE_KEYS = keysOf<EncodeOptions<Precision>>({
  normalize: 1,
  pooling: 1,
  truncateDim: 1,
  prompt: 1,
  promptName: 1,
  maxLength: 1,
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

/** Checks the options of one encode against the model and fills in what is not given. */
export function resolveEncode(options: EncodeOptions<Precision> = {}, context: EncodeContext): ResolvedEncode {
  options = takeOptions('encode', options, ENCODE_KEYS)
  const { modules, config } = context
  const limit = config.usablePositions
  const { maxLength = Math.min(modules.maxSeqLength ?? limit, limit), batchTokens = BATCH_TOKENS, tokenEmbeddings = false } = options
  return {
    prompt: promptOf(options, context),
    maxLength: integerIn('maxLength', maxLength, 2, limit),
    batchTokens: integerIn('batchTokens', batchTokens, 1, MAX_BATCH),
    tokenEmbeddings: booleanOf('tokenEmbeddings', tokenEmbeddings),
    onProgress: functionOf('onProgress', options.onProgress),
    signal: signalOf(options.signal),
    ...(tokenEmbeddings ? tokenResult(options, context) : pooledResult(options, context)),
  }
}

type Result = Omit<ResolvedEncode, 'prompt' | 'maxLength' | 'batchTokens' | 'tokenEmbeddings' | 'onProgress' | 'signal'>

function tokenResult(options: EncodeOptions<Precision>, { config }: EncodeContext): Result {
  for (const name of ['precision', 'truncateDim', 'normalize', 'pooling', 'ranges', 'calibration'] as const) {
    if (options[name] !== undefined)
      throw refusal(`'${name}' does not go with 'tokenEmbeddings': the states of the tokens come as they are.`)
  }
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
  const steps = normalize === false ? modules.steps.filter((step) => step !== 'normalize') : [...modules.steps]
  const whole = vectorDimension(modules.dense, pooling, config.hiddenSize)
  // Cut to what there is: as in Python, a model may keep more dimensions than another pooling gives.
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
 * As sentence-transformers 6.2 chooses: the prompt, the named prompt, the role's prompt, the default prompt, none.
 * It gives every model an empty `query` and `document` prompt where the folder has none. So a role never falls back to the default
 * prompt, and `encode_document` never reaches the `passage` and `corpus` that its source looks for next.
 */
function promptOf(options: EncodeOptions<Precision>, { modules, role }: EncodeContext): string {
  const { prompt, promptName } = options
  if (prompt !== undefined) {
    if (promptName !== undefined) throw refusal(`'prompt' and 'promptName' were both given. Leave one out.`)
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
  const dimension = pooling.length * config.hiddenSize
  const dense = modules.dense[0]
  if (dense && dense.inFeatures !== dimension) {
    throw refusal(
      `Pooling ${pooling.join(' + ')} gives ${dimension} dimensions, but the model's Dense module '${dense.path}' takes ${dense.inFeatures}. ` +
        `Use as many pooling modes as the model itself (${modules.pooling.join(' + ')}).`,
    )
  }
  return pooling
}
