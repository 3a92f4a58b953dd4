import type { PlannedFit } from './course'
import { measureOf, watch } from '../evaluation/evaluate'
import type { Evaluation } from '../evaluation/outcomes'
import { keepBest, settleBest } from './best'
import type { EvaluationRecord, FitResult, FitState } from './history'
import { scheduleAfter } from '../plan/schedule'
import { runEpoch, type EpochRun } from './run'
import { advanceUnfreezing } from '../parameters/unfreezing'

export interface FitRun extends Pick<EpochRun, 'session' | 'corpus' | 'saving' | 'similarity'> {
  options: PlannedFit
  /** Undefined without evaluation data. */
  evaluate: (() => Promise<Evaluation>) | undefined
  /** Saves the current model as the best so far. */
  saveBest: (() => Promise<void>) | undefined
}

/** Runs the fit of `session.state` from its current position to its end. */
export async function runFit(run: FitRun): Promise<FitResult> {
  const { session, options } = run
  const { state } = session
  const fit = state.fit!
  const steps = () => state.attempted - fit.firstStep
  for (;;) {
    await settleEpochs(run, fit)
    if (fit.isOver || fit.history.length >= options.epochs || steps() >= options.maxSteps) break
    await runEpoch({
      ...run,
      pause: async () => {
        if (steps() > 0 && steps() % options.evaluateEvery === 0) await evaluateOnce(run, fit)
        if (fit.isOver || steps() >= options.maxSteps) return false
        await keepBest(session)
        return true
      },
      room: () =>
        Math.min(
          options.maxSteps - steps(),
          options.evaluateEvery === Infinity ? Infinity : options.evaluateEvery - (steps() % options.evaluateEvery),
        ),
      finished: (report) => void fit.history.push(report),
    })
  }
  await settleBest(session)
  return { ...resultOf(fit, steps(), options), recipe: { ...state.recipe!, warmupSteps: state.schedule!.warmup } }
}

/** Evaluates a finished epoch that was not evaluated yet: a checkpoint may have been written between the two. */
async function settleEpochs(run: FitRun, fit: FitState): Promise<void> {
  while (fit.settled < fit.history.length) {
    const record = fit.history[fit.settled]!
    const evaluated = run.evaluate && (await evaluateOnce(run, fit))
    if (evaluated) record.evaluation = evaluated.evaluation
    fit.settled++
    await run.options.onEpoch?.(record)
  }
}

/** Evaluates the weights of this step, or returns the evaluation if it was done before. */
async function evaluateOnce(run: FitRun, fit: FitState): Promise<EvaluationRecord | undefined> {
  const { session, options, evaluate, saveBest } = run
  const { state } = session
  const step = state.attempted - fit.firstStep
  const last = fit.evaluations.at(-1)
  // An epoch in which everything is frozen changes neither the step nor the weights.
  if (!evaluate || last?.step === step) return last
  const evaluation = await evaluate()
  const value = measureOf(evaluation, options.watch.metric)
  const record: EvaluationRecord = { epoch: state.epoch, step, value, evaluation }
  const seen = watch(fit.watch, value, options.watch)
  if (seen.isBest) await saveBest?.()
  fit.watch = seen.state
  fit.isOver = seen.isOver
  if (seen.isBest) fit.best = fit.evaluations.length
  fit.evaluations.push(record)
  state.unfreezing = advanceUnfreezing(session.options.unfreeze, state.unfreezing, { score: evaluation.score })
  state.schedule = scheduleAfter(state.schedule!, evaluation.score, session.options.schedule)
  await options.onEvaluate?.(evaluation)
  return record
}

function resultOf(fit: FitState, steps: number, options: PlannedFit): Omit<FitResult, 'recipe'> {
  const best = fit.evaluations[fit.best]
  return {
    history: fit.history,
    evaluations: fit.evaluations,
    ...(best && { best: { ...best, ...(options.saveBest !== undefined && { saved: options.saveBest }) } }),
    restored: best !== undefined && options.restoreBest,
    steps,
    stopped: fit.isOver ? 'earlyStopping' : fit.history.length >= options.epochs ? 'epochs' : 'maxSteps',
  }
}
