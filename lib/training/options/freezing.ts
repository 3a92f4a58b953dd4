import { describe, integerIn, invalid, knownKeys } from '../../base/check'
import { refusal } from '../../base/arguments'
import { ourPart } from '../../base/words'
import type { TrainContext } from './context'
import { patternsOf, type NamePattern, type ResolvedPattern } from '../parameters/patterns'

/** Which parameters of the model are trained, and when. */
export interface FreezeOptions<N extends string = string> {
  /** Parameters that are not trained. Defaults to none. To train nothing at first, pass `'all'`. */
  freeze?: Freeze<N> | readonly Freeze<N>[]
  /** When frozen parameters begin to train. Defaults to never. */
  unfreeze?: readonly Unfreeze<N>[]
}

/**
 * A selection of parameters. `'all'`; `'encoder'`: embeddings, layers and MPNet's relative-position bias, but not Dense modules and heads;
 * `'embeddings'`; `{ layers: n }`: the lowest n layers, without the embeddings (MPNet's bias belongs to the lowest layer); one head; or by name.
 */
export type Freeze<N extends string = string> =
  'all' | 'encoder' | 'embeddings' | { layers: number } | { head: N } | { match: NamePattern | readonly NamePattern[] }

/** `'next'`: gradual unfreezing, the heads and Dense modules first, then one layer at a time from the top, the embeddings last. */
export type Thaw<N extends string = string> = Freeze<N> | { topLayers: number } | 'next'

/** After a number of epochs, of applied steps, or of consecutive evaluations without an improvement of the score. */
export type UnfreezeTime = { epoch: number } | { step: number } | { plateau: number }

/** One unfreezing: `at` applies once, `every` repeatedly (`{ every: { epoch: 1 }, what: 'next' }`). */
export type Unfreeze<N extends string = string> = { at: UnfreezeTime; what: Thaw<N> } | { every: UnfreezeTime; what: Thaw<N> }

/** A `Freeze` or `Thaw` after its checks. */
export type Selection =
  | { kind: 'all' | 'encoder' | 'embeddings' | 'next' }
  | { kind: 'layers' | 'topLayers'; count: number }
  | { kind: 'head'; head: string }
  | { kind: 'match'; patterns: readonly ResolvedPattern[] }

/** An `Unfreeze` after its checks. */
export interface ResolvedUnfreeze {
  unit: 'epoch' | 'step' | 'plateau'
  count: number
  repeat: boolean
  what: Selection
}

const MAX_COUNT = 2 ** 40
const UNITS = ['epoch', 'step', 'plateau'] as const

export function freezeOf({ freeze = [] }: FreezeOptions, context: TrainContext): readonly Selection[] {
  const rules: readonly unknown[] = Array.isArray(freeze) ? freeze : [freeze]
  const several = Array.isArray(freeze)
  return rules.map((rule, i) => selectionOf(several ? `freeze[${i}]` : 'freeze', rule, context, ['layers', 'head', 'match']))
}

export function unfreezeOf({ unfreeze = [] }: FreezeOptions, frozen: boolean, context: TrainContext): readonly ResolvedUnfreeze[] {
  if (!Array.isArray(unfreeze)) throw invalid('unfreeze', 'an array of rules', unfreeze)
  if (unfreeze.length > 0 && !frozen) throw refusal(`'unfreeze' requires 'freeze': without it, no parameter is frozen.`)
  return unfreeze.map((rule: Unfreeze, i) => unfreezeRule(`unfreeze[${i}]`, rule, context))
}

function unfreezeRule(name: string, rule: Unfreeze, context: TrainContext): ResolvedUnfreeze {
  knownKeys(name, rule, ['at', 'every', 'what'])
  const { at, every, what } = rule as { at?: unknown; every?: unknown; what?: unknown }
  if ((at === undefined) === (every === undefined)) throw refusal(`${name} needs either 'at' or 'every'.`)
  const repeat = every !== undefined
  const { unit, count } = timeOf(`${name}.${repeat ? 'every' : 'at'}`, repeat ? every : at)
  const selection =
    what === 'next' ? ({ kind: 'next' } as const) : selectionOf(`${name}.what`, what, context, ['layers', 'topLayers', 'head', 'match'])
  if (repeat && selection.kind !== 'next')
    throw refusal(`${name}: 'every' can only be used with 'next'; other parameters are unfrozen once, with 'at'.`)
  return { unit, count, repeat, what: selection }
}

function timeOf(name: string, time: unknown): Pick<ResolvedUnfreeze, 'unit' | 'count'> {
  knownKeys(name, time, UNITS)
  const [unit, ...more] = UNITS.filter((key) => (time as Record<string, unknown>)[key] !== undefined)
  if (unit === undefined || more.length > 0) throw invalid(name, `one of ${UNITS.map((key) => `{ ${key} }`).join(', ')}`, time)
  return { unit, count: integerIn(`${name}.${unit}`, (time as Record<string, unknown>)[unit], 1, MAX_COUNT) }
}

type Key = 'layers' | 'topLayers' | 'head' | 'match'

function selectionOf(name: string, rule: unknown, { layers, heads }: TrainContext, keys: readonly Key[]): Selection {
  if (rule === 'all' || rule === 'encoder' || rule === 'embeddings') return { kind: rule }
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) {
    const part = ourPart(rule)
    const expected = `'all', 'encoder', 'embeddings' or one of ${keys.map((key) => `{ ${key} }`).join(', ')}`
    throw invalid(name, part === undefined ? expected : `${expected} (did you mean ${part}?)`, rule)
  }
  knownKeys(name, rule, keys)
  const given = Object.keys(rule) as Key[]
  const value = (rule as Record<string, unknown>)[given[0]!]
  if (given.length !== 1) throw invalid(name, `one of ${keys.map((key) => `{ ${key} }`).join(', ')}`, rule)
  switch (given[0]!) {
    case 'layers':
    case 'topLayers':
      return { kind: given[0] as 'layers', count: integerIn(`${name}.${given[0]}`, value, 1, layers) }
    case 'head':
      if (!heads.some((head) => head.name === value)) {
        throw refusal(`${name} names the head ${describe(value)}, which the model does not have. ${headList(heads)}`)
      }
      return { kind: 'head', head: value as string }
    case 'match':
      return { kind: 'match', patterns: patternsOf(`${name}.match`, value) }
  }
}

export function headList(heads: TrainContext['heads']): string {
  return heads.length === 0 ? 'The model has no heads.' : `Its heads: ${heads.map(({ name }) => name).join(', ')}.`
}
