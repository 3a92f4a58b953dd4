import { NO_LABEL } from '../../heads/kind'
import { SentorchError } from '../../base/errors'
import type { ResolvedFit } from '../options/fit'
import type { Corpus } from '../loop/corpus'

/** The heads of a model in the order of the corpus' labels, and those that are trained. */
export interface WatchedHeads {
  heads: readonly string[]
  trained: readonly string[]
}

/**
 * Before the first step: refuses data to evaluate on from which the watched measure cannot tell two models apart, since no label in it is one
 * that a head knows. ERR_DATA.
 */
export function refuseUnwatchable(
  held: Pick<Corpus, 'labels'>,
  { heads, trained }: WatchedHeads,
  { watch: { metric }, metrics, scoreWeights }: Pick<ResolvedFit, 'watch' | 'metrics' | 'scoreWeights'>,
): void {
  if (Object.hasOwn(metrics, metric)) return
  const judged = judgedBy(metric, heads, trained, scoreWeights)
  if (judged.some((name) => held.labels[heads.indexOf(name)]!.some((label) => label !== NO_LABEL))) return
  const names = judged.map((name) => `'${name}'`).join(', ') || 'none of its heads'
  throw new SentorchError(
    'ERR_DATA',
    `'${metric}' cannot be watched: the data to evaluate on has no label that is known to the heads it is made from (${names}). ` +
      `Give labels of these heads, or watch another measure with earlyStopping.metric.`,
    { detail: { metric, heads: judged } },
  )
}

/** Heads whose labels decide a measure. */
function judgedBy(
  metric: string,
  heads: readonly string[],
  trained: readonly string[],
  scoreWeights: ResolvedFit['scoreWeights'],
): readonly string[] {
  if (metric === 'score') return heads.filter((name) => (scoreWeights[name] ?? 1) > 0)
  if (metric === 'loss') return trained
  return metric === 'frameAccuracy' ? heads : heads.filter((name) => metric.startsWith(`${name}.`))
}
