import { booleanOf, describe, integerIn, invalid, knownKeys, oneOf, stringOf } from '../../base/check'
import { functionOf, keysOf, refusal, signalOf, takeOptions } from '../../base/arguments'
import { takeData } from '../../data/examples'
import type { Head, HeadName, HeadOf, HeadTypes, NoHeads } from '../../heads/definition'
import type { MeasureNames } from '../../heads/kind'
import { measuresOf } from '../../heads/kinds'
import type { TrainingData } from '../loop/corpus'
import type { CustomMetrics, Evaluation } from '../evaluation/outcomes'
import type { EpochRecord } from '../loop/history'
import { reportSink, type ReportSink } from '../record/sink'
import type { RunRecord } from '../../report/record'
import { EPOCH_KEYS, epochOptions, folderOf, type EpochOptions, type ResolvedEpoch } from './epoch'

/** Options of one evaluation. */
export interface EvaluateOptions<H extends HeadTypes = NoHeads, M extends string = string> {
  /** Weight of each head in `score`, at least 0. Defaults to 1 for each head that the data has labels for. */
  scoreWeights?: { readonly [N in HeadName<H>]?: number }
  /** Custom metrics by name, each computed from the gold and predicted labels of all examples. */
  metrics?: CustomMetrics<M, H>
  signal?: AbortSignal
}

/**
 * The names of the metrics that can be watched: `score`, `loss`, `frameAccuracy`, those of the heads, such as `intent.accuracy` and `slots.f1`, and
 * custom ones, `M`. Any name if the compiler knows no heads.
 */
export type MetricName<H extends HeadTypes = NoHeads, M extends string = never> = keyof H extends never
  ? string
  : 'score' | 'loss' | 'frameAccuracy' | { [N in HeadName<H>]: `${N}.${MeasureNames[HeadOf<H, N>['type']]}` }[HeadName<H>] | M

export interface EarlyStopping<Metric extends string = string> {
  /**
   * The watched metric: `score` (default), `loss`, `frameAccuracy`, a metric of a head such as `intent.accuracy` or `slots.f1`, or a name in `metrics`.
   */
  metric?: Metric
  /** Number of consecutive evaluations without improvement after which training stops, at least 1. */
  patience: number
  /** An improvement is more than this. Defaults to 0. */
  minDelta?: number
  /** Defaults to `min` for losses and to `max` otherwise. */
  mode?: 'max' | 'min'
}

export interface FitOptions<H extends HeadTypes = NoHeads, M extends string = string> extends EpochOptions<H>, EvaluateOptions<H, M> {
  /** Data that is evaluated after each epoch. */
  evaluate?: TrainingData
  /** Passes over the training data. Defaults to the trainer's `epochs`, or to 3 and as many more as make 60 to 200 steps (docs/defaults.md). */
  epochs?: number
  /** Maximum number of steps of the fit, which may end in the middle of an epoch. Defaults to no limit. */
  maxSteps?: number
  /** Number of steps after which the fit evaluates, in addition to the ends of epochs. By default, only those. */
  evaluateEvery?: number
  earlyStopping?: EarlyStopping<MetricName<H, NoInfer<M>>>
  /** Folder to which the model is saved each time the watched metric (`earlyStopping.metric`, or `score`) reaches a new best value. */
  saveBest?: string
  /**
   * Whether the model has the weights of the best evaluation when the fit ends, as measured by the watched metric. They are kept in memory (4 bytes
   * for each parameter that trains) and in checkpoints. An aborted fit has the weights of its last step. Defaults to true with `evaluate`.
   */
  restoreBest?: boolean
  /**
   * Path of an HTML page about the fit, written when it ends: curves, confusions, calibration, mistakes and the options. A function receives the
   * record that the page is made from instead, which is plain JSON; `writeReport(path, record)` makes the page. Defaults to no report.
   */
  report?: string | ((record: RunRecord) => void | Promise<void>)
  /** After each epoch and its evaluation; awaited. */
  onEpoch?: (epoch: EpochRecord<H, NoInfer<M>>) => void | Promise<void>
  /** After each evaluation; awaited. */
  onEvaluate?: (evaluation: Evaluation<H, NoInfer<M>>) => void | Promise<void>
}

/** The properties of a head that options are checked against. */
export type NamedHead = Pick<Head, 'name' | 'type'>

export interface ResolvedEvaluate {
  scoreWeights: Readonly<Record<string, number>>
  metrics: CustomMetrics
  signal: AbortSignal | undefined
}

export interface ResolvedFit extends ResolvedEpoch, ResolvedEvaluate {
  /** A copy that was made at the call. */
  evaluate: TrainingData | undefined
  /** Undefined: chosen when the data is known. */
  epochs: number | undefined
  /** Infinity: no limit. */
  maxSteps: number
  /** Infinity: only at the ends of epochs. */
  evaluateEvery: number
  watch: { metric: string; mode: 'max' | 'min'; minDelta: number; patience: number }
  saveBest: string | undefined
  restoreBest: boolean
  report: ReportSink | undefined
  onEpoch: FitOptions['onEpoch']
  onEvaluate: FitOptions['onEvaluate']
}

export const MAX_EPOCHS = 1_000_000

const EVALUATE_KEYS = keysOf<EvaluateOptions>({ scoreWeights: 1, metrics: 1, signal: 1 })

export const FIT_KEYS = [
  ...new Set([...EPOCH_KEYS, ...EVALUATE_KEYS]),
  ...keysOf<Omit<FitOptions, keyof EpochOptions | keyof EvaluateOptions>>({
    evaluate: 1,
    epochs: 1,
    maxSteps: 1,
    evaluateEvery: 1,
    earlyStopping: 1,
    saveBest: 1,
    restoreBest: 1,
    report: 1,
    onEpoch: 1,
    onEvaluate: 1,
  }),
]

export function resolveEvaluate(options: EvaluateOptions = {}, heads: readonly NamedHead[]): ResolvedEvaluate {
  options = takeOptions('evaluate', options, EVALUATE_KEYS)
  return evaluateOptions(options, heads)
}

/** Checks the options of `fit`. `epochs`: those of the trainer, which are the default. */
export function resolveFit(options: FitOptions = {}, heads: readonly NamedHead[], epochs: number | undefined): ResolvedFit {
  options = takeOptions('fit', options, FIT_KEYS)
  const { evaluate, earlyStopping, saveBest, restoreBest = evaluate !== undefined } = options
  if (evaluate === undefined) {
    for (const name of ['evaluateEvery', 'earlyStopping', 'saveBest', 'scoreWeights', 'metrics', 'onEvaluate'] as const) {
      if (options[name] !== undefined) throw refusal(`'${name}' requires evaluation data: set 'evaluate' as well.`)
    }
    if (restoreBest) throw refusal(`'restoreBest' requires evaluation data: set 'evaluate' as well.`)
  }
  return {
    ...epochOptions(options),
    ...evaluateOptions(options, heads),
    evaluate: takeData(evaluate),
    epochs: options.epochs === undefined ? epochs : integerIn('epochs', options.epochs, 1, MAX_EPOCHS),
    maxSteps: countOf('maxSteps', options.maxSteps),
    evaluateEvery: countOf('evaluateEvery', options.evaluateEvery),
    watch: watchOf(earlyStopping, heads, Object.keys(options.metrics ?? {})),
    saveBest: saveBest === undefined ? undefined : folderOf('saveBest', saveBest),
    restoreBest: booleanOf('restoreBest', restoreBest),
    report: reportSink(options.report),
    onEpoch: functionOf('onEpoch', options.onEpoch),
    onEvaluate: functionOf('onEvaluate', options.onEvaluate),
  }
}

function countOf(name: string, value: number | undefined): number {
  return value === undefined ? Infinity : integerIn(name, value, 1, Number.MAX_SAFE_INTEGER)
}

function evaluateOptions({ scoreWeights = {}, metrics = {}, signal }: EvaluateOptions, heads: readonly NamedHead[]): ResolvedEvaluate {
  const names = heads.map(({ name }) => name)
  knownKeys('scoreWeights', scoreWeights, names)
  for (const [name, weight] of Object.entries(scoreWeights)) {
    if (typeof weight !== 'number' || !(weight >= 0 && weight < Infinity)) {
      throw invalid(`scoreWeights.${name}`, 'a number of at least 0', weight)
    }
  }
  if (typeof metrics !== 'object' || metrics === null) throw invalid('metrics', 'an object of functions', metrics)
  const measures = Object.entries(metrics).map(([name, metric]) => {
    if (FIXED_METRICS.includes(name) || names.includes(name))
      throw refusal(`metrics.${name}: the name '${name}' is already in use. Choose another name.`)
    const measure = functionOf(`metrics.${name}`, metric)
    if (measure === undefined) throw invalid(`metrics.${name}`, 'a function', metric)
    return [name, measure] as const
  })
  return { scoreWeights: scoreWeights as ResolvedEvaluate['scoreWeights'], metrics: Object.fromEntries(measures), signal: signalOf(signal) }
}

const FIXED_METRICS: readonly string[] = ['score', 'loss', 'frameAccuracy']

/** Without early stopping the patience is infinite, and the score still determines which weights are best. */
function watchOf(option: EarlyStopping | undefined, heads: readonly NamedHead[], custom: readonly string[]): ResolvedFit['watch'] {
  if (option === undefined) return { metric: 'score', mode: 'max', minDelta: 0, patience: Infinity }
  knownKeys('earlyStopping', option, keysOf<EarlyStopping>({ metric: 1, patience: 1, minDelta: 1, mode: 1 }))
  const { metric = 'score', patience, minDelta = 0 } = option
  const known = [...FIXED_METRICS, ...heads.flatMap(({ name, type }) => measuresOf(type).map((measure) => `${name}.${measure}`)), ...custom]
  if (!known.includes(stringOf('earlyStopping.metric', metric))) {
    throw refusal(`'earlyStopping.metric' names an unknown metric ${describe(metric)}. Available metrics: ${known.join(', ')}.`)
  }
  if (typeof minDelta !== 'number' || !(minDelta >= 0)) throw invalid('earlyStopping.minDelta', 'a number of at least 0', minDelta)
  const { mode = metric === 'loss' || metric.endsWith('.loss') ? 'min' : 'max' } = option
  return {
    metric,
    mode: oneOf('earlyStopping.mode', mode, ['max', 'min']),
    minDelta,
    patience: integerIn('earlyStopping.patience', patience, 1, Number.MAX_SAFE_INTEGER),
  }
}
