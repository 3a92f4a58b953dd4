import type { HeadDefinition, HeadType, HeadTypes } from '../heads/definition'
import type { EntityLabel, PredictedEntity, PredictedToken, PredictedWord, Scored } from '../heads/predictions'
import type { PredictOptions } from './options'

/** Ready token ids, special ones included, as they go to the model. */
export interface TokenIds {
  readonly ids: Int32Array | readonly number[]
}

/** A text, a text split into words, or a text's token ids. */
export type PredictInput = string | readonly string[] | TokenIds

type LabelOf<D extends HeadDefinition> = D['labels'][number]

type AnyOptions = PredictOptions

/** `Fields` are there where option `K` is true, perhaps where only its type is known, and not where it is not given. */
type With<O, K extends keyof AnyOptions, Fields> = K extends keyof O
  ? O[K] extends true | number
    ? Fields
    : O[K] extends false | undefined
      ? unknown
      : Partial<Fields>
  : unknown

/** What one head answers: `D` its definition, `O` the options of the call. */
export type PredictionOf<D extends HeadDefinition, O> = ByType<D['type'], D, O>

// Distributes over the types: of a head of which nothing is known, the answer is one of both.
type ByType<T extends HeadType, D extends HeadDefinition, O> = T extends 'classification' ? ClassOf<D, O> : TagsOf<LabelOf<D>, O>

type ClassOf<D extends HeadDefinition, O> = {
  label: LabelOf<D> | NullOf<D, O>
  score: number
} & LabelsOf<D> &
  With<O, 'topK', { scores: Scored<LabelOf<D>>[] }> &
  With<O, 'logits', { logits: Float32Array }>

type LabelsOf<D extends HeadDefinition> = D['multiLabel'] extends true
  ? { labels: LabelOf<D>[] }
  : string extends LabelOf<D>
    ? { labels?: string[] }
    : unknown

/** Null: always possible for labels that are yes or no each, and for others where something may be rejected. */
type NullOf<D extends HeadDefinition, O> = D['multiLabel'] extends true
  ? null
  : number extends D['labels']['length']
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

/** Definitions by name. Where the compiler knows of no head, any name may be asked, and nothing is known of its answer but its shape. */
type Known<H extends HeadTypes> = keyof H extends never ? Record<string, HeadDefinition> : H

/** Names that `heads` takes. */
export type HeadName<H extends HeadTypes> = keyof Known<H> & string

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

/** What `predict` gives for one text: the text that offsets refer to, the answer of each head under its name, and the embedding. */
export type Prediction<H extends HeadTypes = HeadTypes, O = PredictOptions> = Answers<H, O> &
  With<O, 'embedding', { embedding: Float32Array }> & { text: string }

/** The type of options that are not given. */
export type NoOptions = Record<never, never>

/** Keys that are no options: generic options would let them pass. */
export type NoOther<O> = { readonly [K in Exclude<keyof O, keyof PredictOptions>]: never }
