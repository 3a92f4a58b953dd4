import { booleanOf, integerIn, invalid, oneOf, shareOf } from '../base/check'
import { keysOf, refusal, takeOptions } from '../base/arguments'
import type { Head } from '../heads/definition'
import type { KindOption } from '../heads/kind'
import { HEAD_KINDS, kindOf } from '../heads/kinds'
import { AGGREGATIONS, type Aggregation, type ReadingOptions } from '../heads/predictions'
import { truncationOf, type ResolvedTruncation, type TruncatedText } from '../encode/truncation'
import { resolveEncode, type EncodeContext, type EncodeProgress, type ResolvedEncode } from '../encode/options'

export interface PredictOptions<N extends string = string> {
  /** Names of the heads to run. Defaults to all heads of the model; with an empty list only the embedding is computed. */
  heads?: readonly N[]
  /** Adds the sentence vector to the predictions, as `encode` computes it without a prompt. Defaults to false. */
  embedding?: boolean
  /** Classification: adds `scores`, the `topK` most probable labels in descending order, or all labels if there are fewer. At least 1; by default there are no `scores`. */
  topK?: number
  /** Adds the raw outputs of the heads, in the order of the labels: [labels], for token classification [tokens, labels]. Defaults to false. */
  logits?: boolean
  /** Multi-label and binary heads: the probability from which on a label applies, 0..1. Defaults to 0.5. */
  threshold?: number
  /** Single-label heads: `label` is null if its score is below this value; `score` is not affected. 0..1; defaults to 0, which rejects nothing. */
  rejectBelow?: number
  /**
   * Token classification: how the probabilities of a word are computed. `first` (the default): from its first sub-word, the one that training
   * labels; `average`: the mean over its sub-words; `max`: from the sub-word with the highest probability; `none`: sub-words are tagged
   * separately, and entities may start and end inside a word. Same as `first`, `average`, `max` and `simple` of transformers'
   * TokenClassificationPipeline.
   */
  aggregation?: Aggregation
  /** Token classification: the most probable sequence of tags that the scheme of the labels allows (Viterbi). Defaults to false. */
  constrained?: boolean
  /** Token classification: adds `words`, the label of each word. Defaults to false. */
  words?: boolean
  /** Token classification: adds `tokens`, the most probable label of each token, including special tokens. Defaults to false. */
  tokens?: boolean
  /**
   * Token classification: number of tokens shared by neighbouring windows of a text that is longer than `maxLength`. A larger overlap gives
   * each token more context and takes more time. At least 0 and smaller than a window; defaults to a quarter of the window.
   */
  stride?: number
  /** Largest number of tokens in a window, including special tokens. Defaults to the model's `max_seq_length`. Integer from 2 to the number of positions of the model. */
  maxLength?: number
  /**
   * What happens to a text with more tokens than `maxLength`, of which classification heads and the embedding see only the beginning. `cut`: the
   * predictions of these heads say so (`truncated: true`). `error`: the call rejects with ERR_INVALID_ARGUMENT, before anything is computed. Token
   * classification always reads the whole text, in windows. Defaults to `cut`.
   */
  truncation?: 'cut' | 'error'
  /** Called for each text of which a head or the embedding saw only the beginning, in order. If it returns a promise, the promise is awaited. */
  onTruncated?: (text: TruncatedText) => void
  /** Number of tokens in a micro-batch, as for `encode`. */
  batchTokens?: number
  /** Called after each chunk of texts with the counts so far. If it returns a promise, the promise is awaited. */
  onProgress?: (progress: EncodeProgress) => void
  /** Stops between micro-batches; the promise rejects with code `ERR_ABORTED`. */
  signal?: AbortSignal
}

/** What the options of `predict` depend on. */
export interface PredictContext extends Pick<EncodeContext, 'modules' | 'config'> {
  heads: { readonly list: readonly Head[]; require(name: string): Head }
  /** Numbers of special tokens before and after a text. */
  surroundings: { before: number; after: number }
  /** Why the classifier in the model folder was not loaded as a head. */
  classifierNote?: string | undefined
}

/** `PredictOptions` after all checks, with defaults filled in. */
export interface ResolvedPredict
  extends ReadingOptions, ResolvedTruncation<'cut' | 'error'>, Pick<ResolvedEncode, 'batchTokens' | 'onProgress' | 'signal'> {
  heads: readonly Head[]
  embedding: ResolvedEncode | undefined
  /** 0 if none of the heads has logits per token. */
  stride: number
}

const PREDICT_KEYS = keysOf<PredictOptions>({
  heads: 1,
  embedding: 1,
  topK: 1,
  logits: 1,
  threshold: 1,
  rejectBelow: 1,
  aggregation: 1,
  constrained: 1,
  words: 1,
  tokens: 1,
  stride: 1,
  maxLength: 1,
  truncation: 1,
  onTruncated: 1,
  batchTokens: 1,
  onProgress: 1,
  signal: 1,
})

/** Checks the options of one call against the model and fills in the defaults. */
export function resolvePredict(options: PredictOptions = {}, context: PredictContext): ResolvedPredict {
  options = takeOptions('predict', options, PREDICT_KEYS)
  const { modules, config, surroundings } = context
  const { maxLength, batchTokens, onProgress, signal } = options
  const encode = resolveEncode({ maxLength, batchTokens, onProgress, signal, prompt: '' }, { modules, config, texts: 'streamed' })
  const embedding = booleanOf('embedding', options.embedding ?? false)
  const heads = headsOf(options.heads, context.heads)
  if (heads.length === 0 && !embedding) {
    throw refusal(
      context.heads.list.length > 0
        ? `There is nothing to predict: 'heads' is empty and 'embedding' is not true.`
        : ['This model has no heads.', context.classifierNote, 'Add one with addHead, or pass { embedding: true }.']
            .filter((part) => part !== undefined)
            .join(' '),
    )
  }
  refuseUseless(options, heads)
  const { topK, logits = false, threshold = 0.5, rejectBelow = 0 } = options
  const { aggregation = 'first', constrained = false, words = false, tokens = false } = options
  return {
    heads,
    embedding: embedding ? encode : undefined,
    topK: topK === undefined ? 0 : integerIn('topK', topK, 1, Number.MAX_SAFE_INTEGER),
    logits: booleanOf('logits', logits),
    threshold: shareOf('threshold', threshold),
    rejectBelow: shareOf('rejectBelow', rejectBelow),
    aggregation: oneOf('aggregation', aggregation, AGGREGATIONS),
    constrained: booleanOf('constrained', constrained),
    words: booleanOf('words', words),
    tokens: booleanOf('tokens', tokens),
    stride: needWholeTexts(heads) ? strideOf(options.stride, encode.maxLength, surroundings) : 0,
    maxLength: encode.maxLength,
    ...truncationOf(options.truncation, options.onTruncated, ['cut', 'error']),
    batchTokens: encode.batchTokens,
    onProgress: encode.onProgress,
    signal: encode.signal,
  }
}

/** Whether the call reads only the beginning of texts longer than `maxLength`. */
export function cutsTexts({ heads, embedding }: Pick<ResolvedPredict, 'heads' | 'embedding'>): boolean {
  return embedding !== undefined || heads.some((head) => !kindOf(head).perToken)
}

/** Whether texts longer than `maxLength` are computed in several windows, since one of the heads needs every token. */
export function needWholeTexts(heads: readonly Head[]): boolean {
  return heads.some((head) => kindOf(head).perToken)
}

function headsOf(names: unknown, heads: PredictContext['heads']): readonly Head[] {
  if (names === undefined) return heads.list
  if (!Array.isArray(names)) throw invalid('heads', 'an array of names', names)
  const found = (names as unknown[]).map((name, i) => {
    if (typeof name !== 'string') throw invalid(`heads[${i}]`, 'a string', name)
    return heads.require(name)
  })
  const double = found.find((head, i) => found.indexOf(head) < i)
  if (double) throw invalid('heads', 'each name at most once', names.join(', '))
  return found
}

const KIND_OPTIONS: readonly KindOption[] = [...new Set(HEAD_KINDS.flatMap(({ predictOptions }) => predictOptions))]

/** Throws if an option applies to none of the heads of the call. */
function refuseUseless(options: PredictOptions, heads: readonly Head[]): void {
  for (const name of KIND_OPTIONS) {
    if (options[name] === undefined || options[name] === false) continue
    if (heads.some((head) => kindOf(head).predictOptions.includes(name))) continue
    const kinds = HEAD_KINDS.filter(({ predictOptions }) => predictOptions.includes(name)).map((kind) => kind.name)
    const asked =
      heads.length === 0
        ? 'the call uses no head'
        : `the call uses ${heads.map((head) => `${head.name} (${kindOf(head).name})`).join(', ')}`
    throw refusal(`'${name}' is for ${listOf(kinds)} heads; ${asked}.`)
  }
}

function listOf(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

function strideOf(stride: unknown, maxLength: number, { before, after }: PredictContext['surroundings']): number {
  const window = maxLength - before - after
  if (window < 1) throw invalid('maxLength', `at least ${before + after + 1} (the special tokens and one more)`, maxLength)
  return stride === undefined ? Math.floor(window / 4) : integerIn('stride', stride, 0, window - 1)
}
