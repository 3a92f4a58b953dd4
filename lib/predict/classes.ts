import { isIndependent, type Head } from '../heads/definition'
import type { ResolvedPredict } from './options'
import { sigmoid, softmax } from '../base/probabilities'
import type { ClassPrediction } from './types'

/** What a classification head says of one text. `logits`: [labels]. */
export function classify(
  head: Head,
  logits: Float32Array,
  request: Pick<ResolvedPredict, 'threshold' | 'rejectBelow' | 'topK' | 'logits'>,
): ClassPrediction {
  const independent = isIndependent(head)
  const scores = independent ? Float64Array.from(logits, sigmoid) : softmax(logits)
  // Sorting is stable: of labels with one score the first comes first.
  const ranked = head.labels.map((label, i) => ({ label, score: scores[i]! })).sort((a, b) => b.score - a.score)
  const least = independent ? request.threshold : request.rejectBelow
  const best = ranked[0]!
  return {
    label: best.score >= least ? best.label : null,
    score: best.score,
    ...(head.multiLabel && { labels: ranked.filter(({ score }) => score >= least).map(({ label }) => label) }),
    ...(request.topK > 0 && { scores: ranked.slice(0, request.topK) }),
    ...(request.logits && { logits: logits.slice() }),
  }
}
