/** How the sub-words of a word agree on its label. */
export const AGGREGATIONS = ['first', 'average', 'max', 'none'] as const
export type Aggregation = (typeof AGGREGATIONS)[number]

/** Options of `predict` by which logits are read, resolved. */
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

/** One text, as its tags need it. Places are UTF-16 units of `text`. */
export interface TaggedText {
  text: string
  /** Per token, special ones included: its name, start and end, and its word (−1: none). */
  tokens: readonly string[]
  spans: Int32Array
  wordOfToken: Int32Array
  /** Start and end of each word. */
  words: Int32Array
  /** Special tokens at both ends. */
  before: number
  after: number
}

export interface Scored<L extends string = string> {
  label: L
  /** Probability. */
  score: number
}

/** An entity: `text` is that of the result sliced from `start` to `end` (UTF-16 units). */
export interface PredictedEntity<L extends string = string> {
  label: L
  text: string
  start: number
  end: number
  /** Mean of the probabilities of its words' tags (of its tokens' tags with `aggregation: 'none'`). */
  score: number
}

export interface PredictedWord<L extends string = string> {
  text: string
  start: number
  end: number
  /** `O` for a word that yields no token; its score is then 0. */
  label: L | 'O'
  score: number
}

export interface PredictedToken<L extends string = string> {
  /** As the vocabulary writes it. */
  token: string
  /** Place in the text, UTF-16 units; 0, 0 for special tokens. */
  start: number
  end: number
  /** Number of its word among `words`; −1 for special tokens and those of no word. */
  word: number
  label: L
  score: number
}

export interface ClassPrediction<L extends string = string> {
  /** Null: rejected (`rejectBelow`), or no label holds (`threshold`). */
  label: L | null
  /** Probability of the most probable label, also where `label` is null. */
  score: number
  /** Multi-label heads: the labels that hold, the most probable first. */
  labels?: L[]
  /** With `topK`. */
  scores?: Scored<L>[]
  /** With `logits`: one a label. */
  logits?: Float32Array
}

export interface TagPrediction<T extends string = string> {
  entities: PredictedEntity<EntityLabel<T>>[]
  /** With `words`. */
  words?: PredictedWord<T>[]
  /** With `tokens`. */
  tokens?: PredictedToken<T>[]
  /** With `logits`: [tokens, labels], row-major, special tokens included. */
  logits?: Float32Array
}

/** The label of a tag's entities: `B-city` → `city`. */
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
