import type { HeadDefinition } from './definition'

/** What the compiler knows of a model's heads: their definitions by name. */
export type HeadTypes = Readonly<Record<never, HeadDefinition>>

/** It knows none, as after `Model.load`. */
export type NoHeads = Readonly<Record<never, never>>

/** `H` with the head of definition `D`. */
export type With<H extends HeadTypes, D extends HeadDefinition> = Flat<Omit<H, D['name']> & { readonly [N in D['name']]: D }>

/** `H` without the head `N`. */
export type Without<H extends HeadTypes, N extends string> = Flat<Omit<H, N>>

/** `H` with more labels for its head `N`. */
export type Extended<H extends HeadTypes, N extends string, L extends readonly string[]> = Flat<{
  readonly [K in keyof H]: K extends N ? (H[K] extends HeadDefinition ? MoreLabels<H[K], L> : H[K]) : H[K]
}>

type MoreLabels<D extends HeadDefinition, L extends readonly string[]> = Flat<
  Omit<D, 'labels'> & { readonly labels: readonly [...D['labels'], ...L] }
>

/** The same type, written as one object. */
type Flat<T> = { readonly [K in keyof T]: T[K] }
