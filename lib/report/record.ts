import type { Head } from '../heads/definition'
import type { Calibration } from '../metrics'
import type { Evaluation } from '../training/evaluation/outcomes'
import type { EpochRecord, FitRecipe, FitResult } from '../training/loop/history'
import type { DataIdentity } from '../training/loop/corpus'

/**
 * Everything that a report shows of one call of `fit`: plain JSON. Numbers that are not finite may be null, as `JSON.stringify` writes them.
 */
export interface RunRecord {
  /** Version of this format. */
  version: 1
  /** Title of the page. Defaults to the name of the model. */
  title?: string
  /** The command that started the run, for the section on repeating it. */
  command?: string
  /** Time when the fit began, ISO 8601, and its duration in seconds. */
  startedAt: string
  seconds: number
  model: ModelRecord
  heads: readonly Head[]
  /** The data sets; `evaluate` is null without evaluation data. */
  data: { train: readonly DataIdentity[]; evaluate: readonly DataIdentity[] | null }
  history: readonly EpochRecord[]
  /** All evaluations in order; `value` is the watched metric. */
  evaluations: readonly { epoch: number; step: number; value: number; evaluation: Evaluation }[]
  /** Step of the evaluation with the best watched value. */
  bestStep?: number
  /** Whether the model has the weights of that evaluation; otherwise it has those of the last step. */
  restored?: boolean
  /** Number of steps of the fit, and why it ended. */
  steps: number
  stopped: FitResult['stopped']
  /** Losses and rates during the fit, averaged so that there are at most a few hundred points. */
  course: readonly CoursePoint[]
  /** Parameter groups, from the embeddings to the heads, including frozen ones. */
  groups: readonly GroupRecord[]
  /** Predictions on the evaluation data, by head, at the best evaluation. */
  details: readonly HeadDetails[]
  /** Step of the evaluation that `details` belongs to. */
  detailsStep?: number
  similarity?: SimilarityRecord
  recipe: Recipe
}

export interface ModelRecord {
  /** Id on the hub or path of the folder. */
  name: string
  commit?: string
  /** Identifies the weights and the tokenizer before the fit, if known. */
  fingerprint?: string
  modelType: string
  layers: number
  dimension: number
  parameters: number
  pooling: readonly string[]
}

/** Consecutive steps of a fit. */
export interface CoursePoint {
  /** Number of the last of these steps, from 1. */
  step: number
  /** Means over the steps that were applied; null if none was. */
  loss: number | null
  losses: Record<string, number>
  /** Rates of the last applied step, by parameter group. */
  learningRates: Record<string, number>
}

export interface GroupRecord {
  name: string
  /** Number of elements in the group's parameters, frozen or not. */
  parameters: number
  /** Learning rate at the peak of the schedule. */
  learningRate: number
  /** Ranges of steps (after `from`, up to `to`) in which the group was trained. */
  trained: readonly { from: number; to: number }[]
}

/** What one head predicted for the evaluation data. */
export interface HeadDetails {
  head: string
  /** What a decision is about: a text, one label of a text (each is decided separately), or a word. */
  unit: 'text' | 'label' | 'word'
  /** Number of examples with a label for the head, and of those with a mistake. */
  examples: number
  wrong: number
  /** How often each answer was given for each gold answer, without pairs that never occurred. `label`: the label decided on. */
  counts: readonly DecisionCount[]
  /** Null without a decision. */
  calibration: Calibration | null
  /** The examples with the most confident mistakes, most confident first. */
  mistakes: readonly Mistake[]
}

export interface DecisionCount {
  label?: string
  gold: string
  predicted: string
  count: number
}

export interface Mistake {
  /** Index of the example in the evaluation data. */
  example: number
  /** The text, or the part of a long one around the first mistake. */
  text: string
  /** Confidence of the most confident wrong decision, 0..1; null if words were lost to truncation. */
  confidence: number | null
  /** Mean loss of the example's items; null without a label that the head knows. */
  loss: number | null
  /** The labels; for tags, those of the words with a wrong tag. */
  gold: readonly string[]
  predicted: readonly string[]
  /** Entities as ranges of `text`, for tags. */
  entities?: { gold: readonly MarkedSpan[]; predicted: readonly MarkedSpan[] }
}

/** [start, end) in UTF-16 units of `text`. */
export interface MarkedSpan {
  start: number
  end: number
  label: string
}

/** How the sentence vectors changed from the start to the end of the fit. */
export interface SimilarityRecord {
  /** Mean cosine of a text's vector before and after, over `texts` texts. */
  meanCosine: number
  texts: number
  /** Cosine of two different texts, before and after. */
  pairs: readonly { a: string; b: string; before: number; after: number }[]
}

/** What is needed to repeat the run. */
export interface Recipe {
  seed: number
  /** Options of the trainer as given, and with every default. */
  options: Readonly<Record<string, unknown>>
  resolved: Readonly<Record<string, unknown>>
  /** Values that depend on the amount of data, and which of them were chosen from it. */
  dataDependent?: FitRecipe
  /** Options of `fit` that decide its course. */
  fit: Readonly<Record<string, unknown>>
  versions: Readonly<Record<string, string>>
  machine: { platform: string; device: string; threads: number; dtype: string }
}
