import { booleanOf, integerIn, invalid, oneOf, shareOf } from '../base/check'
import { keysOf, refusal, takeOptions } from '../base/arguments'
import type { Head } from '../heads/definition'
import type { KindOption } from '../heads/kind'
import { HEAD_KINDS, kindOf } from '../heads/kinds'
import { AGGREGATIONS, type Aggregation, type ReadingOptions } from '../heads/predictions'
import { resolveEncode, type EncodeContext, type EncodeProgress, type ResolvedEncode } from '../encode/options'

export interface PredictOptions<N extends string = string> {
  /** Names of the heads that are asked. Defaults to all that the model has; an empty list leaves the embedding alone. */
  heads?: readonly N[]
  /** Adds the sentence vector to the heads' answers, as `encode` gives it without a prompt. Defaults to false. */
  embedding?: boolean
  /** Classification: `scores`, the so many most probable labels, the best first; all where there are fewer. At least 1. None by default. */
  topK?: number
  /** The heads' raw outputs, in the order of the labels: [labels], for token classification [tokens, labels]. Defaults to false. */
  logits?: boolean
  /** Multi-label and binary heads: a label holds from this probability on, 0..1. Defaults to 0.5: more likely than not. */
  threshold?: number
  /** Classification with one label of several: below this score `label` is null; the score stays. 0..1; defaults to 0: nothing is rejected. */
  rejectBelow?: number
  /**
   * Token classification: what a word's probabilities are. `first`: those of its first sub-word, which training labels, and so the default;
   * `average`: the mean over its sub-words; `max`: those of the sub-word that is surest of its label; `none`: every sub-word stands alone, and
   * entities may begin and end inside a word. As `first`, `average` and `max` of transformers' TokenClassificationPipeline, and its `simple`.
   */
  aggregation?: Aggregation
  /** Token classification: the most probable sequence of tags that the scheme of the labels allows (Viterbi). Defaults to false. */
  constrained?: boolean
  /** Token classification: `words`, the label of each word. Defaults to false. */
  words?: boolean
  /** Token classification: `tokens`, what each token says by itself, special tokens included. Defaults to false. */
  tokens?: boolean
  /**
   * Token classification: tokens that two neighbouring windows of a text longer than `maxLength` share; more give each token more context and
   * cost more. 0 to below the tokens of a window; defaults to a quarter of them, an eighth of the window on either side of a seam.
   */
  stride?: number
  /** Tokens of one row, the special ones counted. Defaults to the model's `max_seq_length`. Integer in 2..the model's positions. */
  maxLength?: number
  /** Tokens of one micro-batch, as for `encode`. */
  batchTokens?: number
  /** Called after each piece of work with the counts so far. A promise that it gives is awaited. */
  onProgress?: (progress: EncodeProgress) => void
  /** Stops between micro-batches; the promise rejects with code `ERR_ABORTED`. */
  signal?: AbortSignal
}

/** What a prediction is resolved against. */
export interface PredictContext extends Pick<EncodeContext, 'modules' | 'config'> {
  heads: { readonly list: readonly Head[]; require(name: string): Head }
  /** Special tokens around a text. */
  surroundings: { before: number; after: number }
  /** Why a classifier of the folder is not among the heads. */
  classifierNote?: string | undefined
}

/** `PredictOptions` after every check, with every default. */
export interface ResolvedPredict extends ReadingOptions, Pick<ResolvedEncode, 'maxLength' | 'batchTokens' | 'onProgress' | 'signal'> {
  heads: readonly Head[]
  embedding: ResolvedEncode | undefined
  /** 0 where no head that is asked has logits per token. */
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
  batchTokens: 1,
  onProgress: 1,
  signal: 1,
})

/** Checks the options of one `predict` against the model and fills in what is not given. */
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
        ? `Nothing was asked for: 'heads' is empty, and 'embedding' is not true.`
        : ['This model has no heads.', context.classifierNote, 'Add one with addHead, or ask for { embedding: true }.']
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
    batchTokens: encode.batchTokens,
    onProgress: encode.onProgress,
    signal: encode.signal,
  }
}

/** Whether texts beyond `maxLength` are computed in several windows: a head asks for every token. */
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

/** Refuses an option that applies to none of the heads that are asked. */
function refuseUseless(options: PredictOptions, heads: readonly Head[]): void {
  for (const name of KIND_OPTIONS) {
    if (options[name] === undefined || options[name] === false) continue
    if (heads.some((head) => kindOf(head).predictOptions.includes(name))) continue
    const kinds = HEAD_KINDS.filter(({ predictOptions }) => predictOptions.includes(name)).map((kind) => kind.name)
    const asked =
      heads.length === 0 ? 'no head is asked' : `asked: ${heads.map((head) => `${head.name} (${kindOf(head).name})`).join(', ')}`
    throw refusal(`'${name}' is for ${listOf(kinds)} heads; ${asked}.`)
  }
}

function listOf(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

function strideOf(stride: unknown, maxLength: number, { before, after }: PredictContext['surroundings']): number {
  const window = maxLength - before - after
  if (window < 1)
    throw invalid('maxLength', `at least ${before + after + 1}, which leaves room for a token between the special ones`, maxLength)
  return stride === undefined ? Math.floor(window / 4) : integerIn('stride', stride, 0, window - 1)
}
