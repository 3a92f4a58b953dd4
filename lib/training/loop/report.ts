import type { TrainResult } from '../../../binding'
import type { HeadName, HeadTypes, NoHeads } from '../../heads/definition'

/** Losses by the name of the head, or of an objective without a head. */
type Losses<H extends HeadTypes> = { [N in HeadName<H>]: number } & { [N in 'keepEmbeddings' | 'distill']?: number }

/** Report of one step, the argument of `onStep`. */
export interface StepReport<H extends HeadTypes = NoHeads> {
  /** Number of the epoch, from 0. */
  epoch: number
  /** Index of the step in its epoch, from 0. */
  step: number
  /** Total number of steps applied so far, including this one if it was applied. */
  applied: number
  /** False if the loss, the gradients or the updated weights were not finite. The step then changed nothing. */
  isApplied: boolean
  /** Weighted total, and the mean of each head (and of `keepEmbeddings` and `distill`) over its labelled items; 0 without labelled items. */
  loss: number
  losses: Losses<H>
  /** Norm of all gradients together, before clipping. */
  gradientNorm: number
  /** Learning rate of each parameter group; empty for a skipped step. */
  learningRates: Record<string, number>
}

/** Report of one epoch. Means are over labelled items, not over batches, with dropout if the model trains with it. */
export interface EpochReport<H extends HeadTypes = NoHeads> {
  /** From 0. */
  epoch: number
  /** Σ weight · loss (with `uncertainty`, the mean over examples of the minimised value). NaN if no applied step had a labelled item. */
  loss: number
  /** Heads without labelled items in applied steps are omitted, here and in `metrics`. */
  losses: Losses<H>
  /**
   * Share of labelled items (sentences, words; multi-label: single decisions) that the head predicted correctly during training. If everything
   * is frozen, the accuracy of `evaluate`.
   */
  metrics: { [N in HeadName<H>]: { accuracy: number } }
  examples: number
  /** Tokens of all examples, special ones included. */
  tokens: number
  /** Seconds of training, without the time between an abort and the call that continues. */
  seconds: number
  /** Number of applied steps. */
  steps: number
  /** Number of steps that were skipped because a loss, a gradient or a weight was not finite. */
  skippedSteps: number
  /** Learning rate of each parameter group in the last step. */
  learningRates: Record<string, number>
  /** Mean norm of the gradients over the steps, before clipping. */
  gradientNorm: number
  /**
   * With `uncertainty`: e^(−s) of each loss after the epoch, by the names in `losses`. The total contains half of it times the loss. Starts at 1; a
   * loss that is small or certain gets a larger weight.
   */
  uncertaintyWeights?: Record<string, number>
  /** With `keepEmbeddings`: mean cosine of sentence vectors to the original model's, over up to 1,000 examples, before and after the epoch. */
  embeddingSimilarity?: { before: number; after: number }
}

/** Sums over the current epoch; plain JSON, so that a resumed epoch gives the same report as an uninterrupted one. */
export interface EpochSums {
  /** Σ loss · examples of applied steps. */
  loss: number
  /** Per task and target: Σ mean loss · items. */
  losses: number[]
  items: number[]
  /** Per task. */
  correct: number[]
  /** Examples of applied steps; `seen` counts those of all steps. */
  examples: number
  seen: number
  tokens: number
  seconds: number
  steps: number
  skipped: number
  gradientNorm: number
  multiplier: number
  /** With `uncertainty`: s of each loss after the last step; otherwise empty. */
  uncertainty: number[]
  /** Similarity to the original vectors at the start of the epoch; null without `keepEmbeddings`. */
  similarity: number | null
}

export function noSums(tasks: number, targets: number, similarity: number | null, uncertainty = false): EpochSums {
  const zeros = (n: number) => new Array<number>(n).fill(0)
  return {
    loss: 0,
    losses: zeros(tasks + targets),
    items: zeros(tasks + targets),
    correct: zeros(tasks),
    examples: 0,
    seen: 0,
    tokens: 0,
    seconds: 0,
    steps: 0,
    skipped: 0,
    gradientNorm: 0,
    multiplier: 0,
    uncertainty: uncertainty ? zeros(tasks + targets) : [],
    similarity,
  }
}

/** Adds the results of one native call. `rows`: examples of each step; `multipliers`: rate multipliers of each step. */
export function addResult(sums: EpochSums, result: TrainResult, rows: readonly number[], multipliers: Float64Array): void {
  const applied = result.steps - (result.skipped ? 1 : 0)
  const [columns, tasks] = [sums.losses.length, sums.correct.length]
  for (let s = 0; s < applied; s++) {
    sums.loss += result.loss[s]! * rows[s]!
    sums.examples += rows[s]!
    sums.gradientNorm += result.gradientNorm[s]!
    for (let c = 0; c < columns; c++) {
      const items = result.items[s * columns + c]!
      sums.losses[c]! += result.losses[s * columns + c]! * items
      sums.items[c]! += items
    }
    for (let t = 0; t < tasks; t++) sums.correct[t]! += result.correct[s * columns + t]!
  }
  for (let s = 0; s < result.steps; s++) sums.seen += rows[s]!
  sums.tokens += result.tokens
  sums.steps += applied
  if (result.skipped) sums.skipped++
  if (applied > 0) sums.multiplier = multipliers[applied - 1]!
}

/** Names and weights of the terms in reports. */
export interface ReportTerms {
  /** Names of the tasks, then of the targets. */
  names: readonly string[]
  /** Number of tasks among them. */
  tasks: number
  weights: readonly number[]
  uncertainty: boolean
}

export function epochReport(
  epoch: number,
  sums: EpochSums,
  terms: ReportTerms,
  learningRates: Record<string, number>,
): Omit<EpochReport, 'embeddingSimilarity'> {
  const { names, tasks } = terms
  const seen = names.map((name, column) => ({ name, column })).filter(({ column }) => sums.items[column]! > 0)
  return {
    epoch,
    loss: totalLoss(sums, terms),
    losses: Object.fromEntries(seen.map(({ name, column }) => [name, mean(sums.losses[column]!, sums.items[column]!)])),
    metrics: Object.fromEntries(
      seen
        .filter(({ column }) => column < tasks)
        .map(({ name, column }) => [name, { accuracy: mean(sums.correct[column]!, sums.items[column]!) }]),
    ),
    examples: sums.seen,
    tokens: sums.tokens,
    seconds: sums.seconds,
    steps: sums.steps,
    skippedSteps: sums.skipped,
    learningRates,
    gradientNorm: mean(sums.gradientNorm, sums.steps),
    ...(sums.uncertainty.length > 0 && {
      uncertaintyWeights: Object.fromEntries(names.map((name, i) => [name, Math.exp(-sums.uncertainty[i]!)])),
    }),
  }
}

/** The total loss of an epoch so far; NaN before the first labelled item. */
export function totalLoss(sums: EpochSums, { weights, uncertainty }: Pick<ReportTerms, 'weights' | 'uncertainty'>): number {
  if (sums.items.every((items) => items === 0)) return NaN
  if (uncertainty) return mean(sums.loss, sums.examples)
  return weights.reduce((total, weight, c) => total + weight * mean(sums.losses[c]!, sums.items[c]!), 0)
}

/** One report per step of a native call. `first`: the state before the call. */
export function stepReports(
  result: TrainResult,
  first: { epoch: number; step: number; applied: number },
  names: readonly string[],
  rates: (multiplier: number) => Record<string, number>,
  multipliers: Float64Array,
): StepReport[] {
  return Array.from({ length: result.steps }, (_, s) => {
    const isApplied = !(result.skipped && s === result.steps - 1)
    return {
      epoch: first.epoch,
      step: first.step + s,
      applied: first.applied + s + (isApplied ? 1 : 0),
      isApplied,
      loss: result.loss[s]!,
      losses: Object.fromEntries(names.map((name, c) => [name, result.losses[s * names.length + c]!])),
      gradientNorm: result.gradientNorm[s]!,
      learningRates: isApplied ? rates(multipliers[s]!) : {},
    }
  })
}

function mean(sum: number, count: number): number {
  return count === 0 ? 0 : sum / count
}
