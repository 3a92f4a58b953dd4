import type { NativeModel } from '../../../binding'
import { refusal } from '../../base/arguments'
import { SentorchError, throwIfAborted } from '../../base/errors'
import { labelOf } from '../../data/labels'
import { BATCH_TOKENS } from '../../encode/options'
import type { Head } from '../../heads/definition'
import { NO_LABEL, type HeadMetrics } from '../../heads/kind'
import { kindOf } from '../../heads/kinds'
import { abortable, fromNative, nonFiniteRow } from '../../native/call'
import { rowsBetween, slices, type Corpus } from '../loop/corpus'
import type { ResolvedEvaluate } from '../options/fit'
import { frameAccuracyOf, OutcomeCollector, type CustomMetrics, type Evaluation, type JudgedRow, type Outcome } from './outcomes'

export interface EvaluationRequest extends ResolvedEvaluate {
  native: Pick<NativeModel, 'predict' | 'abort'>
  heads: readonly Head[]
  /** Prepared for these heads, in this order, with unknown labels ignored. */
  corpus: Corpus
  /** Weight of each head's loss in the total loss; heads that are not in the map are left out. */
  lossWeights: ReadonlyMap<string, number>
  /** Called for each example and head, in order of the examples. */
  onRow?: ((row: JudgedRow) => void) | undefined
}

/** Runs the model on labelled data and evaluates each head that has labels there. Rejects with ERR_DATA (no head has labels), ERR_NON_FINITE, ERR_ABORTED. */
export async function evaluate(request: EvaluationRequest): Promise<Evaluation> {
  const { corpus, lossWeights, scoreWeights, metrics } = request
  const started = performance.now()
  const heads = request.heads.filter(({ name }) => hasLabels(corpus, name))
  if (heads.length === 0) throw nothingLabelled(request.heads)
  const collectors = heads.map((head) => new OutcomeCollector(head, request.onRow))
  await predictAll(request, heads, collectors)

  const measured = collectors.map(({ metrics }) => metrics)
  const outcomes = Object.fromEntries(collectors.map(({ head, outcome }) => [head.name, outcome]))
  const examples = corpus.sets.flatMap(({ prepared }) => prepared.examples)
  const frame = frameAccuracyOf(collectors)
  const losses = Object.fromEntries(heads.flatMap(({ name }, h) => (measured[h]!.loss === undefined ? [] : [[name, measured[h]!.loss]])))
  const loss = weightedLoss(losses, lossWeights)
  return {
    ...(loss !== undefined && { loss }),
    losses,
    metrics: Object.fromEntries(heads.map(({ name }, h) => [name, measured[h]!])),
    ...(frame !== undefined && { frameAccuracy: frame }),
    score: scoreOf(heads, measured, scoreWeights),
    custom: await customMetrics(metrics, { examples, heads: outcomes }),
    examples: corpus.examples,
    tokens: corpus.ids.length,
    truncated: corpus.sets.reduce((sum, { prepared }) => sum + prepared.truncated, 0),
    seconds: (performance.now() - started) / 1000,
  }
}

/** The value of the metric that `earlyStopping.metric` names. */
export function measureOf(evaluation: Evaluation, metric: string): number {
  if (Object.hasOwn(evaluation.custom, metric)) return evaluation.custom[metric]!
  const value =
    metric === 'score' || metric === 'loss' || metric === 'frameAccuracy'
      ? evaluation[metric]
      : metric.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], evaluation.metrics)
  if (typeof value === 'number') return value
  throw refusal(`The evaluation has no metric '${metric}': the data has no labels for it, or heads of that type do not have this metric.`)
}

function weightedLoss(losses: Readonly<Record<string, number>>, weights: ReadonlyMap<string, number>): number | undefined {
  const counted = Object.entries(losses).filter(([head]) => weights.has(head))
  if (counted.length === 0) return undefined
  return counted.reduce((sum, [head, loss]) => sum + weights.get(head)! * loss, 0)
}

/** Whether any example has a label for the head, even one that the head does not know. */
function hasLabels(corpus: Corpus, head: string): boolean {
  return corpus.sets.some(({ prepared }) => prepared.examples.some((example) => labelOf(example, head) !== undefined))
}

function predictAll(
  { native, corpus, signal }: EvaluationRequest,
  heads: readonly Head[],
  collectors: readonly OutcomeCollector[],
): Promise<void> {
  const names = heads.map(({ name }) => name)
  const work = corpus.sets.flatMap(({ prepared, start }) =>
    [...slices(prepared.offsets)].map(([from, to]) => ({ prepared, start, from, to })),
  )
  return abortable(native, signal, async (task) => {
    const predict = (slice: (typeof work)[number]) => {
      throwIfAborted(signal)
      const rows = rowsBetween(slice.prepared, slice.from, slice.to)
      const result = fromNative(native.predict({ task, ...rows, batchTokens: BATCH_TOKENS, heads: names, embedding: null }))
      result.catch(() => {}) // The error is handled below, unless the slice before it fails.
      return result
    }
    let next = predict(work[0]!)
    for (const [i, { prepared, start, from, to }] of work.entries()) {
      const { logits, nonFiniteRow: row } = await next
      const after = work[i + 1]
      // The model computes the next slice while this one is evaluated.
      if (after) next = predict(after)
      if (row >= 0) throw nonFiniteRow(`example ${start + from + row}`, { example: start + from + row })
      collectors.forEach((collector, h) => collector.add({ set: prepared, from, to, logits: logits[h]!, base: start }))
    }
  })
}

function scoreOf(heads: readonly Head[], measured: readonly HeadMetrics[], weights: Readonly<Record<string, number>>): number {
  const weightOf = ({ name }: Head) => (Object.hasOwn(weights, name) ? weights[name]! : 1)
  const weighted = heads.map((head, h) => ({ weight: weightOf(head), value: kindOf(head).mainMeasure(head, measured[h]!) }))
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0)
  if (total === 0)
    throw refusal(`'scoreWeights' excludes every head from the score: the weights of ${heads.map(({ name }) => name).join(', ')} are 0.`)
  return weighted.reduce((sum, { weight, value }) => sum + weight * value, 0) / total
}

async function customMetrics(metrics: CustomMetrics, outcome: Outcome): Promise<Record<string, number>> {
  const values: [string, number][] = []
  for (const [name, metric] of Object.entries(metrics)) {
    const value: unknown = await metric(outcome)
    if (typeof value !== 'number') throw refusal(`metrics.${name} must return a number, but returned a value of type ${typeof value}.`)
    values.push([name, value])
  }
  return Object.fromEntries(values)
}

function nothingLabelled(heads: readonly Head[]): SentorchError {
  const names = heads.length === 0 ? 'the model has no heads' : `its heads are ${heads.map(({ name }) => name).join(', ')}`
  return new SentorchError('ERR_DATA', `The data cannot be evaluated: no example has a label for a head of the model (${names}).`)
}

/** The state of watching one metric; plain JSON. */
export interface WatchState {
  /** The best value so far; null before the first finite one. */
  best: number | null
  /** The last value that was better than the previous reference by more than `minDelta`. */
  reference: number | null
  /** Consecutive evaluations since then. */
  stale: number
}

export interface Watch {
  mode: 'max' | 'min'
  minDelta: number
  /** Infinity: never stop. */
  patience: number
}

export const UNSEEN: Readonly<WatchState> = Object.freeze({ best: null, reference: null, stale: 0 })

/**
 * Takes the next value. `isBest`: it is better than all earlier values, by any amount. `isOver`: `patience` consecutive values were not better
 * than the reference by more than `minDelta`. A value that is not finite never counts as better.
 */
export function watch(
  state: WatchState,
  value: number,
  { mode, minDelta, patience }: Watch,
): { state: WatchState; isBest: boolean; isOver: boolean } {
  const beyond = (other: number | null, margin: number) =>
    Number.isFinite(value) && (other === null || (mode === 'max' ? value - other > margin : other - value > margin))
  const isBest = beyond(state.best, 0)
  const improved = beyond(state.reference, minDelta)
  const next = {
    best: isBest ? value : state.best,
    reference: improved ? value : state.reference,
    stale: improved ? 0 : state.stale + 1,
  }
  return { state: next, isBest, isOver: next.stale >= patience }
}

type ScoreWeights = Readonly<Record<string, number>>

/** The names of a model's heads, in the order of the corpus' labels, and of those that are trained. */
export interface WatchedHeads {
  heads: readonly string[]
  trained: readonly string[]
}

/**
 * Called before the first step. Throws ERR_DATA if the watched metric would be the same for every model, because the evaluation data has no
 * label that the heads know.
 */
export function refuseUnwatchable(
  held: Pick<Corpus, 'labels'>,
  { heads, trained }: WatchedHeads,
  { watch: { metric }, metrics, scoreWeights }: { watch: { metric: string }; metrics: CustomMetrics; scoreWeights: ScoreWeights },
): void {
  if (Object.hasOwn(metrics, metric)) return
  const judged = judgedBy(metric, heads, trained, scoreWeights)
  if (judged.some((name) => held.labels[heads.indexOf(name)]!.some((label) => label !== NO_LABEL))) return
  const names = judged.map((name) => `'${name}'`).join(', ') || 'none of its heads'
  throw new SentorchError(
    'ERR_DATA',
    `'${metric}' cannot be watched: the evaluation data has no label known to the heads that it is computed from (${names}). ` +
      `Add labels for these heads, or watch another metric with earlyStopping.metric.`,
    { detail: { metric, heads: judged } },
  )
}

/** The heads whose labels a metric depends on. */
function judgedBy(metric: string, heads: readonly string[], trained: readonly string[], scoreWeights: ScoreWeights): readonly string[] {
  if (metric === 'score') return heads.filter((name) => (scoreWeights[name] ?? 1) > 0)
  if (metric === 'loss') return trained
  return metric === 'frameAccuracy' ? heads : heads.filter((name) => metric.startsWith(`${name}.`))
}
