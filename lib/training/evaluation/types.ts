import type { Example } from '../../data/example'
import type { HeadMetrics, HeadOutcome } from '../../heads/kind'

/** How well a model predicts labelled data. */
export interface Evaluation {
  /** Σ weight · loss over the trained heads that have a loss; absent if none has. */
  loss?: number
  /** Mean loss of each head over labelled items, unweighted and unsmoothed. Unknown labels are left out, and so are heads without known labels. */
  losses: Record<string, number>
  /** Metrics of each head; heads without labelled examples are left out. */
  metrics: Record<string, HeadMetrics>
  /** Share of examples that are completely correct, among those with labels for both a classification and a token-classification head. */
  frameAccuracy?: number
  /** Mean over the heads, weighted by `scoreWeights`, of accuracy (multi-label: micro F1; token classification: entity F1). */
  score: number
  /** Results of the functions in the option `metrics`, by name. */
  custom: Record<string, number>
  examples: number
  tokens: number
  /** Number of truncated examples: the words that they lose count as `O`. */
  truncated: number
  seconds: number
}

/** The argument of the functions in `metrics`. */
export interface Outcome {
  examples: readonly Example[]
  /** By head. */
  heads: Readonly<Record<string, HeadOutcome>>
}

/** Each function returns a number or a promise of one. It can be watched by its name. */
export type CustomMetrics = Readonly<Record<string, (outcome: Outcome) => number | Promise<number>>>
