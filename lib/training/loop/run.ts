import { lossWeights } from '../objectives/heads'
import { SentorchError, throwIfAborted } from '../../base/errors'
import type { ResolvedEpoch } from '../options/epoch'
import type { Corpus } from './corpus'
import { evaluate } from '../evaluation/evaluate'
import { stepsIn, type EpochPlan } from '../plan/plan'
import { ProgressReporter } from './progress'
import { epochReport, noSums, totalLoss, type EpochReport, type StepReport } from './report'
import type { SavingTimes } from '../checkpoint/kept'
import type { Session } from './session'
import { stepsUntilUnfreezing } from '../parameters/unfreezing'

/** Maximum number of steps per native call, which returns after about 150 ms in any case. */
const SLICE_STEPS = 64

/** One epoch, or the rest of it, on an open session whose corpus is set. */
export interface EpochRun {
  session: Session
  corpus: Corpus
  options: ResolvedEpoch
  saving: SavingTimes
  /** Mean cosine similarity to the original model's vectors; null if it was not requested. */
  similarity: (signal?: AbortSignal) => Promise<number | null>
  /** Called at the beginning and at the end of each step that `room` specifies. False ends the epoch. */
  pause?: () => Promise<boolean>
  /** Number of steps until `pause` must be called. */
  room?: () => number
  /** Called synchronously when the epoch has ended, before any other code can observe it. */
  finished?: (report: EpochReport) => void
}

/**
 * Runs the current epoch to its end, or starts one. After any rejection, training is at the end of a step, from which the next run continues.
 * ERR_NON_FINITE after too many consecutive skipped steps, ERR_ABORTED, ERR_DISPOSED, ERR_OUT_OF_MEMORY, and ERR_CALLBACK if `onStep` throws.
 */
export async function runEpoch(run: EpochRun): Promise<EpochReport> {
  const { session, options } = run
  const { state } = session
  throwIfAborted(options.signal)
  if (state.sums === null) session.weighLosses()
  const { terms } = session
  await session.setGroups()
  if (session.groups.length === 0) return forwardEpoch(run)
  state.sums ??= noSums(terms.tasks, terms.names.length - terms.tasks, await run.similarity(options.signal), terms.uncertainty)
  await pump(run)
  const after = await run.similarity(options.signal)
  const { sums } = state
  const report: EpochReport = {
    ...epochReport(state.epoch, sums, terms, session.rates(sums.multiplier)),
    ...(after !== null && { embeddingSimilarity: { before: sums.similarity!, after } }),
  }
  session.finishEpoch(report)
  run.finished?.(report)
  return report
}

async function pump({ session, corpus, options, saving, pause, room }: EpochRun): Promise<void> {
  const { state, terms } = session
  const { onStep, signal } = options
  const plan = session.plan(corpus)
  const steps = stepsIn(plan)
  const totalExamples = plan.order.length
  const facts = () => ({
    epoch: state.epoch,
    ...(state.fit && { epochs: state.fit.course.epochs }),
    step: state.step,
    steps,
    examples: state.sums!.seen,
    totalExamples,
    tokens: state.sums!.tokens,
    loss: totalLoss(state.sums!, terms),
    learningRate: Math.max(0, ...Object.values(session.rates(state.sums!.multiplier))),
    skippedSteps: state.sums!.skipped,
  })
  const progress = new ProgressReporter(options.onProgress, facts(), tokensIn(plan, corpus))
  while (!pause || (await pause())) {
    const left = steps - state.step
    if (left === 0) break
    const until = stepsUntilUnfreezing(session.options.unfreeze, state.unfreezing, state.applied)
    const count = Math.max(1, Math.min(left, onStep ? 1 : SLICE_STEPS, room?.() ?? Infinity, saving.room(state.attempted), until))
    const reports = await progress.during(session.run(plan, count, signal), facts)
    await progress.tell(facts)
    if (state.skippedInARow >= session.options.maxSkippedSteps) throw nonFinite(reports.at(-1)!, state.skippedInARow)
    for (const report of reports) await onStep?.(report)
    await saving.saveIfDue(state.attempted)
  }
  await progress.tell(facts, true)
}

function tokensIn({ order }: EpochPlan, { offsets }: Corpus): number {
  return order.reduce((sum, row) => sum + offsets[row + 1]! - offsets[row]!, 0)
}

/** For a completely frozen model: a forward pass with metrics, without dropout and without steps. */
async function forwardEpoch({ session, corpus, options, finished }: EpochRun): Promise<EpochReport> {
  const { model, state, terms, options: training } = session
  const evaluation = await evaluate({
    native: model.native,
    heads: training.tasks.map(({ head }) => model.heads.require(head)),
    corpus,
    lossWeights: lossWeights(training, state.weights),
    scoreWeights: {},
    metrics: {},
    signal: options.signal,
  })
  const { loss, losses, examples, tokens, seconds } = evaluation
  const report: EpochReport = {
    ...epochReport(state.epoch, noSums(terms.tasks, terms.names.length - terms.tasks, null), terms, {}),
    loss: loss ?? NaN,
    losses,
    metrics: Object.fromEntries(Object.entries(evaluation.metrics).map(([head, { accuracy }]) => [head, { accuracy }])),
    examples,
    tokens,
    seconds,
  }
  session.finishEpoch(report)
  finished?.(report)
  return report
}

function nonFinite({ epoch, step }: StepReport, count: number): SentorchError {
  return new SentorchError(
    'ERR_NON_FINITE',
    `${count} consecutive steps had a NaN or an infinity in their loss, gradients or updated weights and were skipped (the last: step ${step} of epoch ${epoch}). ` +
      `The model has the weights of the last good step. Lower the learning rate, or check the data of these steps.`,
    { detail: { epoch, step, skipped: count } },
  )
}
