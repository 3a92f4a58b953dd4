import type { HeadActivation } from '../../binding'
import type { EncoderConfig } from '../format/config'
import type { SentenceModules } from '../format/modules'
import type { PoolingName } from '../pooling/poolings'

export type HeadType = 'classification' | 'token-classification'

/** What `addHead` takes. */
export interface HeadDefinition {
  /** Letters, digits, `_` and `-`; unique in the model. `embedding` and `text` are reserved. */
  readonly name: string
  readonly type: HeadType
  /**
   * Names of the labels, in the order of the logits. A classification head with one label is binary: one logit, yes or no.
   * Token classification: tags as the data writes them (`O`, `B-city`, `I-city` …). A number n, at least 2, stands for the classes 0 to n − 1,
   * whose labels are `'0'`, `'1'` …
   */
  readonly labels: readonly string[] | number
  /** Sizes of the hidden layers. Defaults to none: the head is then linear. */
  readonly hidden?: readonly number[]
  /** Activation after each hidden layer. Defaults to `relu`. */
  readonly activation?: HeadActivation
  /** Dropout before the first layer while training, 0 to below 1. Defaults to 0.1. */
  readonly inputDropout?: number
  /** Dropout after each hidden activation while training, 0 to below 1. Defaults to 0.1. */
  readonly dropout?: number
  /** Classification: pooling of the token states into the head's input. Defaults to the model's sentence vector before it is scaled to unit length. */
  readonly pooling?: PoolingName | readonly PoolingName[]
  /** Classification: any number of labels can apply at once. Defaults to false. */
  readonly multiLabel?: boolean
  /** Seed of the initial weights, 0..2^32−1. The head's name is mixed in, so that heads with the same seed start with different weights. Defaults to 0. */
  readonly seed?: number
}

/** A definition that has been checked, with its defaults filled in. */
export interface Head {
  readonly name: string
  readonly type: HeadType
  readonly labels: readonly string[]
  readonly hidden: readonly number[]
  readonly activation: HeadActivation
  readonly inputDropout: number
  readonly dropout: number
  /** Undefined: the model's own pooling and Dense modules. */
  readonly pooling: readonly PoolingName[] | undefined
  readonly multiLabel: boolean
}

/** What the input of a head depends on. */
export interface HeadContext {
  modules: Pick<SentenceModules, 'pooling' | 'steps' | 'dense'>
  config: Pick<EncoderConfig, 'hiddenSize'>
}

/** What the compiler knows of a model's heads: their definitions by name. */
export type HeadTypes = Readonly<Record<never, HeadDefinition>>

/** No head is known, as after `Model.load`. */
export type NoHeads = Readonly<Record<never, never>>

/** Definitions by name. If the compiler knows no heads, every name is allowed and has a general definition. */
export type Known<H extends HeadTypes> = keyof H extends never ? Record<string, HeadDefinition> : H

/** The names of the heads; `string` if the compiler knows none. */
export type HeadName<H extends HeadTypes> = keyof Known<H> & string

/** The definition of the head `N`. */
export type HeadOf<H extends HeadTypes, N extends HeadName<H>> = Extract<Known<H>[N], HeadDefinition>

/** The labels of a head, as a union. */
export type LabelOf<D extends HeadDefinition> = D['labels'] extends readonly string[]
  ? D['labels'][number]
  : D['labels'] extends number
    ? ClassLabel<D['labels']>
    : string

/** `'0'` to the label of the last of `N` classes; more than 999 are not listed. */
type ClassLabel<N extends number> = number extends N
  ? `${number}`
  : `${N}` extends `${infer _1}${infer _2}${infer _3}${infer _4}`
    ? `${number}`
    : Counted<N>

type Counted<N extends number, L extends readonly unknown[] = []> = L['length'] extends N ? never : `${L['length']}` | Counted<N, [...L, 0]>

/** The classes of a head with these labels, as numbers. */
export type ClassOfLabel<L extends string> = string extends L ? number : L extends `${infer N extends number}` ? N : never

/** The number of labels. */
export type LabelCount<D extends HeadDefinition> = D['labels'] extends readonly string[] ? D['labels']['length'] : D['labels']

/** Heads that a program declares for a saved model: definitions in a list, or by name. */
export type DeclaredHeads = readonly HeadDefinition[] | Readonly<Record<string, HeadDefinition | Omit<HeadDefinition, 'name'>>>

/** The heads that are declared. */
export type Declared<S extends DeclaredHeads> = S extends readonly HeadDefinition[]
  ? { readonly [D in S[number] as D['name']]: D }
  : keyof S extends never
    ? NoHeads
    : { readonly [N in keyof S]: S[N] & { readonly name: N } }

/** `H` with the head of definition `D`. */
export type With<H extends HeadTypes, D extends HeadDefinition> = Flat<Omit<H, D['name']> & { readonly [N in D['name']]: D }>

/** `H` without the head `N`. */
export type Without<H extends HeadTypes, N extends string> = Flat<Omit<H, N>>

/** `H` with more labels for its head `N`. */
export type Extended<H extends HeadTypes, N extends string, L extends readonly string[]> = Flat<{
  readonly [K in keyof H]: K extends N ? (H[K] extends HeadDefinition ? MoreLabels<H[K], L> : H[K]) : H[K]
}>

type MoreLabels<D extends HeadDefinition, L extends readonly string[]> = Flat<
  Omit<D, 'labels'> & { readonly labels: D['labels'] extends readonly string[] ? readonly [...D['labels'], ...L] : readonly string[] }
>

/** The same type, written as one object. */
type Flat<T> = { readonly [K in keyof T]: T[K] }
