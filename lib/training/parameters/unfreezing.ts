import type { ParameterInfo } from '../../../binding'
import { refusal } from '../../base/arguments'
import type { ResolvedTrain } from '../options/train'
import type { ResolvedUnfreeze } from '../options/freezing'
import { frozenByRules, type FreezingOptions, nextOf, selected, untasked, withUncertainty } from './freezing'

/** The state of unfreezing; plain JSON, so that a checkpoint can store it. */
export interface UnfreezingState {
  /** Rules that have been applied, in order, as indices in `unfreeze`; a repeated rule may occur more than once. */
  fired: number[]
  /** The highest score of an evaluation; null before the first. */
  best: number | null
  /** Per rule: consecutive evaluations without a better score since the rule was last applied. */
  stale: number[]
}

/** Either the numbers of finished epochs and applied steps since training began, or the score of an evaluation (higher is better). */
export type UnfreezingEvent = { epochs: number; steps: number } | { score: number }

export function startUnfreezing(rules: readonly ResolvedUnfreeze[]): UnfreezingState {
  return { fired: [], best: null, stale: rules.map(() => 0) }
}

/** Returns the state after an event, without changing the given state. `fired` is equal if no rule applies. */
export function advanceUnfreezing(rules: readonly ResolvedUnfreeze[], state: UnfreezingState, event: UnfreezingEvent): UnfreezingState {
  return 'score' in event ? afterEvaluation(rules, state, event.score) : afterProgress(rules, state, event)
}

function afterProgress(
  rules: readonly ResolvedUnfreeze[],
  state: UnfreezingState,
  { epochs, steps }: { epochs: number; steps: number },
): UnfreezingState {
  const fired = [...state.fired]
  rules.forEach(({ unit, count, repeat }, i) => {
    if (unit === 'plateau') return
    const reached = Math.floor((unit === 'epoch' ? epochs : steps) / count)
    const due = repeat ? reached : Math.min(1, reached)
    for (let times = timesOf(state, i); times < due; times++) fired.push(i)
  })
  return { ...state, fired }
}

function afterEvaluation(rules: readonly ResolvedUnfreeze[], state: UnfreezingState, score: number): UnfreezingState {
  // Written so that NaN never counts as better.
  const better = state.best === null ? !Number.isNaN(score) : score > state.best
  const fired = [...state.fired]
  const stale = rules.map(({ unit, count, repeat }, i) => {
    if (unit !== 'plateau' || better) return 0
    const since = state.stale[i]! + 1
    if (since < count || (!repeat && timesOf(state, i) > 0)) return since
    fired.push(i)
    return 0
  })
  return { fired, best: better ? score : state.best, stale }
}

/** Number of steps after `steps` applied ones until a rule by steps applies, when groups must be set again. Infinity: never. */
export function stepsUntilUnfreezing(rules: readonly ResolvedUnfreeze[], state: UnfreezingState, steps: number): number {
  return rules.reduce((least, { unit, count, repeat }, i) => {
    if (unit !== 'step') return least
    const times = timesOf(state, i)
    return repeat || times === 0 ? Math.min(least, Math.max(0, (times + 1) * count - steps)) : least
  }, Infinity)
}

/** Indices of the parameters that are frozen in a state: a function of the options and `fired`. */
export function frozenAt(
  parameters: readonly ParameterInfo[],
  options: FreezingOptions & Pick<ResolvedTrain, 'unfreeze'>,
  layers: number,
  { fired }: Pick<UnfreezingState, 'fired'>,
): Set<number> {
  const never = untasked(parameters, options)
  const frozen = without(frozenByRules(parameters, options, layers), never)
  for (const i of fired) thawed(parameters, options.unfreeze[i]!, frozen, layers, i).forEach((p) => frozen.delete(p))
  return withUncertainty(parameters, new Set([...frozen, ...never]))
}

/** Called before the first step. Refuses a rule that does not name any initially frozen parameter. */
export function checkUnfreezing(
  parameters: readonly ParameterInfo[],
  options: FreezingOptions & Pick<ResolvedTrain, 'unfreeze'>,
  layers: number,
): void {
  const frozen = without(frozenByRules(parameters, options, layers), untasked(parameters, options))
  options.unfreeze.forEach((rule, i) => {
    if (![...thawed(parameters, rule, frozen, layers, i)].some((p) => frozen.has(p))) {
      throw refusal(`unfreeze[${i}] has no effect, because it does not name a frozen parameter.`)
    }
  })
}

function thawed(
  parameters: readonly ParameterInfo[],
  { what }: ResolvedUnfreeze,
  frozen: ReadonlySet<number>,
  layers: number,
  rule: number,
): Set<number> {
  return what.kind === 'next' ? nextOf(parameters, frozen, layers) : selected(parameters, what, layers, `unfreeze[${rule}].what`)
}

function without(set: ReadonlySet<number>, removed: ReadonlySet<number>): Set<number> {
  return new Set([...set].filter((p) => !removed.has(p)))
}

function timesOf({ fired }: UnfreezingState, rule: number): number {
  return fired.filter((i) => i === rule).length
}
