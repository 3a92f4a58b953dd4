import type { DataIdentity } from './corpus'
import type { WatchState } from '../evaluation/early-stopping'
import type { Evaluation } from '../evaluation/types'
import type { EpochReport } from './report'

export interface EvaluationRecord {
  /** Epochs finished before it, and steps of this fit that had run. */
  epoch: number
  step: number
  /** What is watched: `earlyStopping.metric`, else `score`. */
  value: number
  evaluation: Evaluation
}

/** One epoch of a fit. One that `maxSteps` or early stopping cut short is reported as far as it went. */
export interface EpochRecord extends EpochReport {
  /** At its end, where there is data to evaluate on. */
  evaluation?: Evaluation
}

export interface FitResult {
  history: EpochRecord[]
  /** All of them, in order, those between the ends of epochs too. */
  evaluations: EvaluationRecord[]
  /** The evaluation with the best watched value. With `saveBest` the model of that moment lies in the folder `saved`. */
  best?: EvaluationRecord & { saved?: string }
  /** Steps of this fit that have run. */
  steps: number
  /** Why it ended. */
  stopped: 'epochs' | 'maxSteps' | 'earlyStopping'
}

/** Where a fit stands; plain JSON. */
export interface FitState {
  /** What decides its course: a fit continues only with the same. */
  course: FitCourse
  /** Number of steps that training had run when the fit began. */
  firstStep: number
  history: EpochRecord[]
  evaluations: EvaluationRecord[]
  /** Epochs at the beginning of `history` whose end was evaluated, or needs no evaluation. */
  settled: number
  watch: WatchState
  /** Place in `evaluations`; −1: none yet. */
  best: number
  isOver: boolean
}

/** The options of a fit that decide its course, plain. */
export interface FitCourse {
  epochs: number
  maxSteps: number | null
  evaluateEvery: number | null
  earlyStopping: { metric: string; mode: string; minDelta: number; patience: number | null }
  scoreWeights: Readonly<Record<string, number>>
  metrics: readonly string[]
  evaluate: readonly DataIdentity[] | null
}

/** Whether a length of the fit (null: no bound) has become greater. */
export function isLonger(option: keyof FitCourse, before: FitCourse, now: FitCourse): boolean {
  if (option !== 'epochs' && option !== 'maxSteps') return false
  return (now[option] ?? Infinity) > (before[option] ?? Infinity)
}

/** The course before, with the lengths of the one now where these are greater. */
export function lengthened(before: FitCourse, now: FitCourse): FitCourse {
  return {
    ...before,
    ...(isLonger('epochs', before, now) && { epochs: now.epochs }),
    ...(isLonger('maxSteps', before, now) && { maxSteps: now.maxSteps }),
  }
}
