import type { ClassOfLabel, HeadDefinition, HeadType, HeadTypes, Known, LabelCount, LabelOf } from '../heads/definition'
import type { EntityLabel, PredictedEntity, PredictedToken, PredictedWord, Scored } from '../heads/predictions'
import type { PredictOptions } from './options'

/** Token ids as the model takes them, including special tokens. */
export interface TokenIds {
  readonly ids: Int32Array | readonly number[]
}

/** A text, the words of a text, or the token ids of a text. */
export type PredictInput = string | readonly string[] | TokenIds

type AnyOptions = PredictOptions

/** `Fields` if option `K` is true, optional if only its type is known, absent if it is not given. */
type With<O, K extends keyof AnyOptions, Fields> = K extends keyof O
  ? O[K] extends true | number
    ? Fields
    : O[K] extends false | undefined
      ? unknown
      : Partial<Fields>
  : unknown

/** The prediction of one head: `D` is its definition, `O` are the options of the call. */
export type PredictionOf<D extends HeadDefinition, O> = ByType<D['type'], D, O>

// Distributes over the types: the prediction of a head of unknown type is a union.
type ByType<T extends HeadType, D extends HeadDefinition, O> = T extends 'classification' ? ClassOf<D, O> : TagsOf<LabelOf<D>, O>

type ClassOf<D extends HeadDefinition, O> = {
  label: LabelOf<D> | NullOf<D, O>
  score: number
  /** Only the beginning of the text was read: it has more tokens than `maxLength`. Absent otherwise. */
  truncated?: true
} & LabelsOf<D> &
  IndexOf<D, NullOf<D, O>> &
  With<O, 'topK', { scores: Scored<LabelOf<D>>[] }> &
  With<O, 'logits', { logits: Float32Array }>

type LabelsOf<D extends HeadDefinition> = D['multiLabel'] extends true
  ? { labels: LabelOf<D>[] }
  : string extends LabelOf<D>
    ? { labels?: string[] }
    : unknown

/** Heads with integer classes; for others, the compiler does not know whether their labels are '0', '1' … */
type IndexOf<D extends HeadDefinition, Null> = D['labels'] extends number
  ? { index: ClassOfLabel<LabelOf<D>> | Null }
  : string extends LabelOf<D>
    ? { index?: number | null }
    : unknown

/** Null is possible for multi-label and binary heads, and for others if `rejectBelow` is given. */
type NullOf<D extends HeadDefinition, O> = D['multiLabel'] extends true
  ? null
  : number extends LabelCount<D>
    ? null
    : D['labels'] extends readonly [string]
      ? null
      : 'rejectBelow' extends keyof O
        ? O['rejectBelow'] extends undefined
          ? never
          : null
        : never

type TagsOf<T extends string, O> = { entities: PredictedEntity<EntityLabel<T>>[] } & With<O, 'words', { words: PredictedWord<T>[] }> &
  With<O, 'tokens', { tokens: PredictedToken<T>[] }> &
  With<O, 'logits', { logits: Float32Array }>

type AnswerOf<D, O> = D extends HeadDefinition ? PredictionOf<D, O> : never

type Answers<H extends HeadTypes, O> = 'heads' extends keyof O
  ? O['heads'] extends readonly (infer N extends string)[]
    ? string extends N
      ? Partial<All<H, O>>
      : { [K in N & keyof Known<H>]: AnswerOf<Known<H>[K], O> }
    : O['heads'] extends undefined
      ? All<H, O>
      : Partial<All<H, O>>
  : All<H, O>

type All<H extends HeadTypes, O> = { -readonly [K in keyof Known<H>]: AnswerOf<Known<H>[K], O> }

/** The result of `predict` for one text: the text that offsets refer to, the prediction of each head under its name, and the embedding. */
export type Prediction<H extends HeadTypes = HeadTypes, O = PredictOptions> = Answers<H, O> &
  With<O, 'embedding', { embedding: Float32Array }> & { text: string }

/** The type of options that are not given. */
export type NoOptions = Record<never, never>

/** Forbids unknown options, which a generic type would accept. */
export type NoOther<O> = { readonly [K in Exclude<keyof O, keyof PredictOptions>]: never }
