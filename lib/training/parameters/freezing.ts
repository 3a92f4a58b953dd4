import type { ParameterInfo } from '../../../binding'
import { refusal } from '../../base/arguments'
import type { ResolvedTrain } from '../options/train'
import type { Selection } from '../options/freezing'
import { matching } from './patterns'

type Part = ParameterInfo['part']

const ENCODER: readonly Part[] = ['embeddings', 'layer', 'relative-bias']

/** The facts that determine which parameters are frozen. */
export type FreezingOptions = Pick<ResolvedTrain, 'freeze' | 'tasks'>

/** Called before the first step. Refuses rules that freeze every parameter, unless one of them is `'all'`, which states that intention. */
export function checkFreezing(parameters: readonly ParameterInfo[], options: FreezingOptions, layers: number): void {
  if (options.freeze.some(({ kind }) => kind === 'all') || anyTrains(parameters, frozenByRules(parameters, options, layers))) return
  throw refusal(`'freeze' leaves no parameter to train. To compute only metrics, set freeze: 'all'.`)
}

/**
 * Indices of the parameters that are frozen at first: those that `freeze` names, and heads without a task, but not the learned weights of losses.
 * ERR_INVALID_ARGUMENT if a pattern matches nothing.
 */
export function frozenByRules(parameters: readonly ParameterInfo[], options: FreezingOptions, layers: number): Set<number> {
  const frozen = untasked(parameters, options)
  options.freeze.forEach((rule, i) => selected(parameters, rule, layers, `freeze[${i}]`).forEach((p) => frozen.add(p)))
  return frozen
}

/** Freezes the learned weights of losses, which no rule can name, if nothing else trains: alone they would not change the model. */
export function withUncertainty(parameters: readonly ParameterInfo[], frozen: ReadonlySet<number>): Set<number> {
  if (anyTrains(parameters, frozen)) return new Set([...frozen].filter((i) => parameters[i]!.part !== 'uncertainty'))
  return new Set([...frozen, ...places(parameters, ({ part }) => part === 'uncertainty')])
}

function anyTrains(parameters: readonly ParameterInfo[], frozen: ReadonlySet<number>): boolean {
  return parameters.some(({ part }, i) => part !== 'uncertainty' && !frozen.has(i))
}

/** Parameters of heads without a task, which always stay frozen. */
export function untasked(parameters: readonly ParameterInfo[], { tasks }: Pick<FreezingOptions, 'tasks'>): Set<number> {
  const trained = new Set(tasks.map(({ head }) => head))
  return places(parameters, ({ part, head }) => part === 'head' && !trained.has(head))
}

/** Indices of the parameters that a rule selects; `'next'` depends on what is frozen (`nextOf`). */
export function selected(parameters: readonly ParameterInfo[], rule: Selection, layers: number, where: string): Set<number> {
  switch (rule.kind) {
    case 'all':
      return places(parameters, ({ part }) => part !== 'uncertainty')
    case 'encoder':
      return places(parameters, ({ part }) => ENCODER.includes(part))
    case 'embeddings':
      return places(parameters, ({ part }) => part === 'embeddings')
    case 'layers':
      return places(parameters, (info) => layerOf(info) >= 0 && layerOf(info) < rule.count)
    case 'topLayers':
      return places(parameters, (info) => layerOf(info) >= layers - rule.count)
    case 'head':
      return places(parameters, ({ part, head }) => part === 'head' && head === rule.head)
    case 'match':
      return matching(parameters, rule.patterns, `${where}.match`)
    case 'next':
      return new Set()
  }
}

/**
 * The next parameters of gradual unfreezing (Howard and Ruder 2018): the frozen heads and Dense modules first, then one layer at a time from the
 * top, and the embeddings last. Empty if nothing is frozen.
 */
export function nextOf(parameters: readonly ParameterInfo[], frozen: ReadonlySet<number>, layers: number): Set<number> {
  const height = (info: ParameterInfo) => (info.part === 'embeddings' ? -1 : layerOf(info) >= 0 ? layerOf(info) : layers)
  const highest = [...frozen].reduce((top, i) => Math.max(top, height(parameters[i]!)), -2)
  return new Set([...frozen].filter((i) => height(parameters[i]!) === highest))
}

/** The layer that a parameter belongs to, from 0; MPNet's relative-position bias belongs to the lowest. −1: none. */
export function layerOf({ part, index }: ParameterInfo): number {
  return part === 'layer' ? index : part === 'relative-bias' ? 0 : -1
}

function places(parameters: readonly ParameterInfo[], belongs: (info: ParameterInfo) => boolean): Set<number> {
  return new Set(parameters.flatMap((info, i) => (belongs(info) ? [i] : [])))
}
