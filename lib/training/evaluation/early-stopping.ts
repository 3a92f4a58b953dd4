import { NO_LABEL } from '../../heads/kind'
import { SentorchError } from '../../base/errors'
import type { Corpus } from '../loop/corpus'
import type { CustomMetrics } from './types'

/** What watching one measure has seen; plain JSON. */
export interface WatchState {
  /** The best value ever; null before the first that is a number. */
  best: number | null
  /** The last value that was better than the one before by more than `minDelta`. */
  reference: number | null
  /** Evaluations in a row since then. */
  stale: number
}

export interface Watch {
  mode: 'max' | 'min'
  minDelta: number
  /** Infinity: never stop. */
  patience: number
}

export const UNSEEN: Readonly<WatchState> = Object.freeze({ best: null, reference: null, stale: 0 })

/**
 * One more value. `isBest`: better than every one before, by however little: the weights are worth saving. `isOver`: `patience` values in a row
 * were not better than the reference by more than `minDelta`. A value that is not finite is never better.
 */
export function watch(
  state: WatchState,
  value: number,
  { mode, minDelta, patience }: Watch,
): { state: WatchState; isBest: boolean; isOver: boolean } {
  const beyond = (other: number | null, margin: number) =>
    Number.isFinite(value) && (other === null || (mode === 'max' ? value - other > margin : other - value > margin))
  const isBest = beyond(state.best, 0)
  const improved = beyond(state.reference, minDelta)
  const next = {
    best: isBest ? value : state.best,
    reference: improved ? value : state.reference,
    stale: improved ? 0 : state.stale + 1,
  }
  return { state: next, isBest, isOver: next.stale >= patience }
}

type ScoreWeights = Readonly<Record<string, number>>

/** The heads of a model in the order of the corpus' labels, and those that are trained. */
export interface WatchedHeads {
  heads: readonly string[]
  trained: readonly string[]
}

/**
 * Before the first step: refuses data to evaluate on from which the watched measure cannot tell two models apart, since no label in it is one
 * that a head knows. ERR_DATA.
 */
export function refuseUnwatchable(
  held: Pick<Corpus, 'labels'>,
  { heads, trained }: WatchedHeads,
  { watch: { metric }, metrics, scoreWeights }: { watch: { metric: string }; metrics: CustomMetrics; scoreWeights: ScoreWeights },
): void {
  if (Object.hasOwn(metrics, metric)) return
  const judged = judgedBy(metric, heads, trained, scoreWeights)
  if (judged.some((name) => held.labels[heads.indexOf(name)]!.some((label) => label !== NO_LABEL))) return
  const names = judged.map((name) => `'${name}'`).join(', ') || 'none of its heads'
  throw new SentorchError(
    'ERR_DATA',
    `'${metric}' cannot be watched: the data to evaluate on has no label that is known to the heads it is made from (${names}). ` +
      `Give labels of these heads, or watch another measure with earlyStopping.metric.`,
    { detail: { metric, heads: judged } },
  )
}

/** Heads whose labels decide a measure. */
function judgedBy(metric: string, heads: readonly string[], trained: readonly string[], scoreWeights: ScoreWeights): readonly string[] {
  if (metric === 'score') return heads.filter((name) => (scoreWeights[name] ?? 1) > 0)
  if (metric === 'loss') return trained
  return metric === 'frameAccuracy' ? heads : heads.filter((name) => metric.startsWith(`${name}.`))
}
