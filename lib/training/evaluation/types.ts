import type { Example } from '../../data/example'
import type { HeadMetrics, HeadOutcome } from '../../heads/kind'

/** How a model does on labelled data. */
export interface Evaluation {
  /** Σ weight · loss over the heads that are trained and have a loss here; absent where none has. */
  loss?: number
  /** Mean loss over labelled items, unweighted and unsmoothed; labels that the head does not have are left out, and heads without any other. */
  losses: Record<string, number>
  /** By head; heads without any labelled example are left out. */
  metrics: Record<string, HeadMetrics>
  /** Share of examples with everything right, among those that have labels for both a classification and a token head. */
  frameAccuracy?: number
  /** Weighted mean of accuracies (multi-label: micro F1) and entity F1s, with `scoreWeights`. */
  score: number
  /** The values of the option `metrics`, by name. */
  custom: Record<string, number>
  examples: number
  tokens: number
  /** Examples that were cut: their lost words count as `O`. */
  truncated: number
  seconds: number
}

/** What a function of `metrics` receives. */
export interface Outcome {
  examples: readonly Example[]
  /** By head. */
  heads: Readonly<Record<string, HeadOutcome>>
}

/** Each gives a number, or a promise of one; it may be watched by its name. */
export type CustomMetrics = Readonly<Record<string, (outcome: Outcome) => number | Promise<number>>>
