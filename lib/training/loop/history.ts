import type { HeadTypes, NoHeads } from '../../heads/definition'
import type { DataIdentity } from './corpus'
import type { WatchState } from '../evaluation/evaluate'
import type { Evaluation } from '../evaluation/outcomes'
import type { DataRecipe } from '../plan/recipe'
import type { EpochReport } from './report'

export interface EvaluationRecord<H extends HeadTypes = NoHeads, M extends string = string> {
  /** Number of epochs finished before the evaluation, and steps of this fit. */
  epoch: number
  step: number
  /** Value of the watched metric: `earlyStopping.metric`, or `score`. */
  value: number
  evaluation: Evaluation<H, M>
}

/** One epoch of a fit. An epoch that ended early because of `maxSteps` or early stopping is reported up to that point. */
export interface EpochRecord<H extends HeadTypes = NoHeads, M extends string = string> extends EpochReport<H> {
  /** Evaluation at the end of the epoch, if evaluation data was given. */
  evaluation?: Evaluation<H, M>
}

export interface FitResult<H extends HeadTypes = NoHeads, M extends string = string> {
  history: EpochRecord<H, M>[]
  /** All evaluations in order, including those during epochs. */
  evaluations: EvaluationRecord<H, M>[]
  /** The evaluation with the best watched value. With `saveBest`, the model at that time is in the folder `saved`. */
  best?: EvaluationRecord<H, M> & { saved?: string }
  /** Whether the model now has the weights of `best` (`restoreBest`); otherwise it has those of the last step. */
  restored: boolean
  /** The values that the fit used where they depend on the amount of data, and which of them were chosen from it. */
  recipe: FitRecipe
  /** Number of steps of this fit. */
  steps: number
  /** Why the fit ended. */
  stopped: 'epochs' | 'maxSteps' | 'earlyStopping'
}

export interface FitRecipe extends DataRecipe {
  /** Steps until the learning rates reached their peak. */
  warmupSteps: number
}

/** The state of a fit; plain JSON. */
export interface FitState {
  /** The options that determine the fit: it continues only with the same values. */
  course: FitCourse
  /** Number of steps that training had run when the fit began. */
  firstStep: number
  history: EpochRecord[]
  evaluations: EvaluationRecord[]
  /** Epochs at the beginning of `history` whose end was evaluated, or needs no evaluation. */
  settled: number
  watch: WatchState
  /** Index in `evaluations`; −1: none yet. */
  best: number
  isOver: boolean
}

/** The options that determine a fit; plain JSON. */
export interface FitCourse {
  epochs: number
  maxSteps: number | null
  evaluateEvery: number | null
  earlyStopping: { metric: string; mode: string; minDelta: number; patience: number | null }
  scoreWeights: Readonly<Record<string, number>>
  metrics: readonly string[]
  evaluate: readonly DataIdentity[] | null
  restoreBest: boolean
}

/** Whether an option that limits the length of the fit (null: no limit) has increased. */
export function isLonger(option: keyof FitCourse, before: FitCourse, now: FitCourse): boolean {
  if (option !== 'epochs' && option !== 'maxSteps') return false
  return (now[option] ?? Infinity) > (before[option] ?? Infinity)
}

/** The previous course, with the lengths of the current one where they are greater. */
export function lengthened(before: FitCourse, now: FitCourse): FitCourse {
  return {
    ...before,
    ...(isLonger('epochs', before, now) && { epochs: now.epochs }),
    ...(isLonger('maxSteps', before, now) && { maxSteps: now.maxSteps }),
  }
}
