/** How the probabilities of a word are computed from those of its sub-words. */
export const AGGREGATIONS = ['first', 'average', 'max', 'none'] as const
export type Aggregation = (typeof AGGREGATIONS)[number]

/** The resolved options of `predict` that determine how logits are turned into predictions. */
export interface ReadingOptions {
  /** 0: no scores. */
  topK: number
  logits: boolean
  threshold: number
  rejectBelow: number
  aggregation: Aggregation
  constrained: boolean
  words: boolean
  tokens: boolean
}

/** One text with its tokens and words. Positions are UTF-16 units of `text`. */
export interface TaggedText {
  text: string
  /** Per token, including special tokens: its name, its start and end, and its word index (−1: none). */
  tokens: readonly string[]
  spans: Int32Array
  wordOfToken: Int32Array
  /** Start and end of each word. */
  words: Int32Array
  /** Number of special tokens before and after the text. */
  before: number
  after: number
}

export interface Scored<L extends string = string> {
  label: L
  /** Probability. */
  score: number
}

/** An entity. Its `text` is the result's `text` from `start` to `end` (UTF-16 units). */
export interface PredictedEntity<L extends string = string> {
  label: L
  text: string
  start: number
  end: number
  /** Mean probability of the tags of its words (of its tokens with `aggregation: 'none'`). */
  score: number
}

export interface PredictedWord<L extends string = string> {
  text: string
  start: number
  end: number
  /** `O` for a word without a token; its score is then 0. */
  label: L | 'O'
  score: number
}

export interface PredictedToken<L extends string = string> {
  /** The token as the vocabulary writes it. */
  token: string
  /** Position in the text, in UTF-16 units; 0, 0 for special tokens. */
  start: number
  end: number
  /** Index of its word in `words`; −1 for special tokens and tokens outside words. */
  word: number
  label: L
  score: number
}

export interface ClassPrediction<L extends string = string> {
  /** Null if the text is rejected (`rejectBelow`) or no label applies (`threshold`). */
  label: L | null
  /** Heads with integer classes (`labels: n`): the class of `label` as a number. */
  index?: number | null
  /** Probability of the most probable label, even if `label` is null. */
  score: number
  /** Only the beginning of the text was read: it has more tokens than `maxLength`. Absent otherwise. */
  truncated?: true
  /** Multi-label heads: the labels that apply, most probable first. */
  labels?: L[]
  /** With `topK`. */
  scores?: Scored<L>[]
  /** With `logits`: one per label. */
  logits?: Float32Array
}

/** Whether the labels are those of integer classes: `'0'`, `'1'` … in order. */
export function areClasses(labels: readonly string[]): boolean {
  return labels.length > 1 && labels.every((label, i) => label === String(i))
}

export interface TagPrediction<T extends string = string> {
  entities: PredictedEntity<EntityLabel<T>>[]
  /** With `words`. */
  words?: PredictedWord<T>[]
  /** With `tokens`. */
  tokens?: PredictedToken<T>[]
  /** With `logits`: [tokens, labels], row-major, including special tokens. */
  logits?: Float32Array
}

/** The entity label of a tag: `B-city` → `city`. */
export type EntityLabel<T extends string> = string extends T
  ? string
  : T extends 'O'
    ? never
    : T extends Prefix
      ? '_'
      : T extends `${Prefix}-${infer Label}`
        ? Label
        : T

type Prefix = 'B' | 'I' | 'E' | 'S' | 'L' | 'U'
