import { refusal, untilAborted } from '../../base/arguments'
import { throwIfAborted } from '../../base/errors'
import { broken, otherFit, type Pinned } from '../checkpoint/errors'
import { UNSEEN } from '../evaluation/evaluate'
import type { CustomMetrics } from '../evaluation/outcomes'
import type { ResolvedEpoch } from '../options/epoch'
import type { ResolvedFit } from '../options/fit'
import type { ResolvedTrain } from '../options/train'
import { firstDifference } from '../plain'
import { totalSteps } from '../plan/plan'
import { resolveSchedule } from '../plan/schedule'
import { dataDifference, type Corpus, type DataIdentity } from './corpus'
import { lengthened, type FitCourse } from './history'
import { planRequest } from './session'
import type { TrainingState } from './state'

/** The options of a fit whose length is known. */
export type PlannedFit = ResolvedFit & { epochs: number }

/** The options of a fit that decide its course. */
export function courseOf(options: PlannedFit, evaluate: readonly DataIdentity[] | null): FitCourse {
  const { epochs, maxSteps, evaluateEvery, watch, scoreWeights, metrics, restoreBest } = options
  const bounded = (n: number) => (n === Infinity ? null : n)
  return {
    epochs,
    maxSteps: bounded(maxSteps),
    evaluateEvery: bounded(evaluateEvery),
    earlyStopping: { ...watch, patience: bounded(watch.patience) },
    scoreWeights,
    metrics: Object.keys(metrics),
    evaluate,
    restoreBest,
  }
}

/** Whether the fit in progress is the requested one. ERR_CHECKPOINT if the fit of a checkpoint is a different one. */
export function continuesFit({ fit, data }: TrainingState, pinned: Pinned | undefined, corpus: Corpus, course: FitCourse): boolean {
  if (fit === null) {
    if (pinned?.extend)
      throw broken(
        pinned.dir,
        'it contains no unfinished fit that `extend: true` could make longer. Resume without `extend` to start a new fit',
      )
    return false
  }
  const other = firstDifference(pinned?.extend ? lengthened(fit.course, course) : fit.course, course)
  if (other !== undefined && pinned) throw otherFit(pinned, other as keyof FitCourse, fit.course, course)
  return other === undefined && data !== null && dataDifference(data, corpus.identity) === undefined
}

/** Begins a new fit, with a new epoch and, unless the trainer's options give its length, a new schedule. */
export function beginFit(state: TrainingState, options: ResolvedTrain, corpus: Corpus, course: FitCourse, fit: PlannedFit): void {
  dropEpoch(state)
  if (!hasOwnLength(options)) state.schedule = null
  planSchedule(state, options, corpus, Math.min(fit.maxSteps, totalSteps(planRequest(corpus, options), fit.epochs)))
  state.fit = {
    course,
    firstStep: state.attempted,
    history: [],
    evaluations: [],
    settled: 0,
    watch: UNSEEN,
    best: -1,
    isOver: false,
  }
}

/** A continued fit may be longer than before: its schedule then spans the new length, and the warm-up stays as it was. */
export function lengthenFit(state: TrainingState, options: ResolvedTrain, corpus: Corpus, course: FitCourse, fit: PlannedFit): void {
  const current = state.fit!
  if (firstDifference(current.course, course) === undefined) return
  current.course = course
  if (state.schedule === null || options.schedule.totalSteps !== undefined) return
  const spanned = Math.max(fit.epochs, options.schedule.epochs ?? 0)
  const steps = totalSteps(planRequest(corpus, options), spanned)
  state.schedule = { ...state.schedule, total: options.schedule.epochs === undefined ? Math.min(fit.maxSteps, steps) : steps }
}

/** Discards the epoch in progress. */
export function dropEpoch(state: TrainingState): void {
  state.step = 0
  state.sums = null
}

/** ERR_INVALID_ARGUMENT if the schedule depends on evaluations and there will be none. */
export function refuseUnjudged({ schedule }: ResolvedTrain, evaluates: boolean): void {
  if (schedule.plateau === undefined || evaluates) return
  throw refusal(`schedule: 'plateau' follows the score of evaluations: use fit with 'evaluate', or choose another schedule.`)
}

/** Whether the trainer's own options give the length of the schedule. */
export function hasOwnLength({ schedule: { epochs, totalSteps } }: ResolvedTrain): boolean {
  return epochs !== undefined || totalSteps !== undefined
}

/** Plans the schedule unless that is already done. `fitSteps`: number of steps of the new fit. */
export function planSchedule(state: TrainingState, options: ResolvedTrain, corpus: Corpus, fitSteps: number | null): void {
  if (state.schedule !== null) return
  const { schedule } = options
  const planned = schedule.epochs === undefined ? undefined : totalSteps(planRequest(corpus, options), schedule.epochs)
  state.schedule = resolveSchedule(schedule, schedule.totalSteps ?? planned ?? fitSteps)
  state.scheduleStart = state.applied
}

type Callbacks = Partial<Pick<ResolvedFit, 'onProgress' | 'onStep' | 'onEpoch' | 'onEvaluate' | 'metrics' | 'report'>>

/**
 * The options of one call with its signal. Callbacks and custom metrics are awaited only while the trainer is open: one of them may dispose of
 * it, and disposing waits for this call. `closing` aborts when the trainer is disposed of.
 */
export function whileOpen<T extends ResolvedEpoch & Callbacks>(options: T, signal: AbortSignal, closing: AbortSignal): T {
  const waiting = <V>(callback: ((value: V) => unknown) | undefined) =>
    callback && (async (value: V) => untilAborted(callback(value), closing))
  const { onProgress, onStep, onEpoch, onEvaluate, metrics, report } = options
  return {
    ...options,
    signal,
    onProgress: waiting(onProgress),
    onStep: waiting(onStep),
    onEpoch: waiting(onEpoch),
    onEvaluate: waiting(onEvaluate),
    metrics: metrics && metricsWhileOpen(metrics, closing),
    report: report && { ...report, take: waiting(report.take)! },
  }
}

function metricsWhileOpen(metrics: CustomMetrics, closing: AbortSignal): CustomMetrics {
  const waiting =
    (metric: CustomMetrics[string]): CustomMetrics[string] =>
    async (outcome) => {
      const value = await untilAborted(metric(outcome), closing)
      throwIfAborted(closing)
      return value!
    }
  return Object.fromEntries(Object.entries(metrics).map(([name, metric]) => [name, waiting(metric)]))
}
