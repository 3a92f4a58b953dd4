import type { ClassOfLabel, HeadDefinition, HeadName, HeadOf, HeadType, HeadTypes, LabelCount, LabelOf } from '../heads/definition'
import type { EntityLabel } from '../heads/predictions'
import type { Span } from './example'

/** What an example may say for a head, by its definition; `L`: its labels. */
type ValueOf<D extends HeadDefinition, L extends string = LabelOf<D>> = ByType<D['type'], D, L>

type ByType<T extends HeadType, D extends HeadDefinition, L extends string> = T extends 'classification'
  ? ClassValue<D, L>
  : readonly (L | ClassOfLabel<L>)[] | readonly (Omit<Span, 'label'> & { label: EntityLabel<L> })[]

type ClassValue<D extends HeadDefinition, L extends string> =
  L | ClassOfLabel<L> | (D['multiLabel'] extends true ? readonly L[] : never) | YesOrNo<D, L>

/** A head with one label also takes true, false and a list. */
type YesOrNo<D extends HeadDefinition, L extends string> =
  number extends LabelCount<D> ? boolean | readonly L[] : LabelCount<D> extends 1 ? boolean | readonly L[] : never

/** An example for a model with known heads: for declaring data that the compiler checks. */
export interface ExampleFor<H extends HeadTypes> {
  text?: string
  words?: readonly string[]
  labels: { readonly [N in HeadName<H>]?: ValueOf<HeadOf<H, N>> }
}

/**
 * The check of training data by the compiler: `unknown` for data `T` that may fit the heads, otherwise what the labels at fault should have been.
 * Only what the compiler knows of a label can be checked: a label of type `string`, as in a `Dataset`, may be any.
 */
export type DataFor<H extends HeadTypes, T> = keyof H extends never
  ? unknown
  : [Misfit<H, ExampleIn<T>>] extends [never]
    ? unknown
    : T extends Iterable<unknown> | AsyncIterable<unknown>
      ? Wanted<H, Misfit<H, ExampleIn<T>>>
      : { [S in keyof T]: Wanted<H, Misfit<H, ExampleIn<T>>> }

type Wanted<H extends HeadTypes, N> = readonly {
  readonly text?: unknown
  readonly words?: unknown
  readonly labels?: { readonly [K in N & string]?: K extends HeadName<H> ? ValueOf<HeadOf<H, K>> : never }
}[]

type ExampleIn<T> = T extends Iterable<infer E> | AsyncIterable<infer E>
  ? E
  : T extends Readonly<Record<string, infer S>>
    ? ItemIn<S>
    : never

type ItemIn<T> = T extends Iterable<infer E> | AsyncIterable<infer E> ? E : never

/** The names under which examples have a label that no known head takes. */
type Misfit<H extends HeadTypes, E> = E extends { labels: infer L } ? (string extends keyof L ? never : MisfitIn<H, L>) : never

type MisfitIn<H extends HeadTypes, L> = {
  [N in keyof L]-?: N extends HeadName<H> ? (Fits<HeadOf<H, N>, Exclude<L[N], undefined>> extends true ? never : N) : N
}[keyof L]

type Fits<D extends HeadDefinition, V> = [V] extends [ValueOf<D>]
  ? true
  : [V] extends [Wide<V>]
    ? [V] extends [ValueOf<D, string>]
      ? true
      : false
    : false

/** `V` without the members whose labels are known literally. */
type Wide<V> = V extends string | number
  ? Unknown<V, V>
  : V extends readonly { label: infer L }[]
    ? Unknown<L, V>
    : V extends readonly (infer L)[]
      ? Unknown<L, V>
      : V

/** `V` if its labels `L` are of type `string` or `number`, or if it has none. */
type Unknown<L, V> = string extends L ? V : number extends L ? V : [L] extends [never] ? V : never
