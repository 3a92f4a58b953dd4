import { NO_LABEL } from '../../heads/kind'
import { SentorchError } from '../../base/errors'
import type { Corpus } from '../loop/corpus'
import type { CustomMetrics } from './types'

/** The state of watching one measure; plain JSON. */
export interface WatchState {
  /** The best value so far; null before the first finite one. */
  best: number | null
  /** The last value that improved on the previous reference by more than `minDelta`. */
  reference: number | null
  /** Consecutive evaluations since then. */
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
 * Takes the next value. `isBest`: it is better than all before, by any amount. `isOver`: `patience` consecutive values did not improve on the
 * reference by more than `minDelta`. A value that is not finite never counts as better.
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

/** The names of a model's heads, in the order of the corpus' labels, and of those that are trained. */
export interface WatchedHeads {
  heads: readonly string[]
  trained: readonly string[]
}

/**
 * Called before the first step. Throws ERR_DATA if the watched measure would be the same for every model, because the evaluation data has no
 * label that the heads know.
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
    `'${metric}' cannot be watched: the evaluation data has no label known to the heads that it is computed from (${names}). ` +
      `Add labels for these heads, or watch another measure with earlyStopping.metric.`,
    { detail: { metric, heads: judged } },
  )
}

/** The heads whose labels a measure depends on. */
function judgedBy(metric: string, heads: readonly string[], trained: readonly string[], scoreWeights: ScoreWeights): readonly string[] {
  if (metric === 'score') return heads.filter((name) => (scoreWeights[name] ?? 1) > 0)
  if (metric === 'loss') return trained
  return metric === 'frameAccuracy' ? heads : heads.filter((name) => metric.startsWith(`${name}.`))
}
