import { sigmoid } from '../base/math'
import { multiLabelReport, type Scores } from '../metrics'
import { isSpans } from '../tags/schemes'
import { CLASS_METRICS, classPrediction, sequenceCheckpoint, shapeOf, textClassification } from './classification'
import { NO_LABEL, type ClassMetrics, type HeadKind } from './kind'

/** Any number of labels, each decided separately (sigmoid). */
export const multiLabel: HeadKind<string[], ClassMetrics> = {
  ...textClassification,
  name: 'multi-label',
  matches: ({ multiLabel }) => multiLabel,

  gold({ name, labels }, { value, refuse }) {
    if ((typeof value === 'boolean' && labels.length > 1) || isSpans(value)) {
      const wanted = labels.length === 1 ? 'true or false, a label or a list of labels' : 'a label or a list of labels'
      throw refuse(`head '${name}' takes ${wanted}, but labels.${name} is ${shapeOf(value)}.`)
    }
    if (typeof value === 'boolean') return { gold: value ? [labels[0]!] : [], entitiesLost: 0 }
    return { gold: typeof value === 'string' ? [value] : [...value], entitiesLost: 0 }
  },
  targetSize: ({ labels }) => labels.length,
  writeTargets(targets, gold, { idOf }) {
    targets.fill(0)
    for (const label of gold) {
      const id = idOf(label)
      if (id >= 0) targets[id] = 1
    }
  },

  loss: 'bce',
  balancedWeights: balancedPositives,

  predictOptions: ['topK', 'threshold'],
  predictor: (head, options) => (logits) => classPrediction(head, logits, Float64Array.from(logits, sigmoid), options.threshold, options),

  outcome: 'multi-label',
  judge({ labels }, { logits, targets }, addLoss) {
    logits.forEach((logit, k) => {
      if (targets[k] !== NO_LABEL) addLoss(softplus(targets[k] === 1 ? -logit : logit))
    })
    return labels.filter((_, k) => logits[k]! > 0)
  },
  decides: 'label',
  decisions: ({ labels }, { gold, logits }, predicted) =>
    labels.map((label, k) => ({
      label,
      gold: yesOrNo(gold.includes(label)),
      predicted: yesOrNo(predicted.includes(label)),
      confidence: sigmoid(Math.abs(logits[k]!)),
    })),
  metrics(head, gold, predicted) {
    const known = [...new Set([...head.labels, ...gold.flat()])]
    const { exactMatch, micro, macro, samples, labels } = multiLabelReport(gold, predicted, { labels: known })
    const measures = ({ precision, recall, f1 }: Scores) => ({ precision, recall, f1 })
    return { accuracy: exactMatch, microF1: micro.f1, macroF1: macro.f1, micro: measures(micro), samples: measures(samples), labels }
  },
  mainMeasure: ({ labels }, { accuracy, microF1 }) => (labels.length > 1 ? microF1 : accuracy),
  metricsForm: CLASS_METRICS,

  checkpoint: sequenceCheckpoint,
}

/**
 * `'balanced'` weights of the positives if each label is decided separately: negatives ÷ positives, the intended use of PyTorch's
 * `pos_weight`; 1 for a label without positives or without negatives. `targets`: [examples, labels] of 0, 1 and `NO_LABEL`. Returns [labels].
 */
export function balancedPositives(targets: Int32Array, labels: number): Float32Array {
  const seen = [new Float64Array(labels), new Float64Array(labels)] as const
  targets.forEach((target, i) => {
    if (target === 0 || target === 1) seen[target][i % labels]!++
  })
  return Float32Array.from({ length: labels }, (_, i) => {
    const [negatives, positives] = [seen[0][i]!, seen[1][i]!]
    return negatives > 0 && positives > 0 ? negatives / positives : 1
  })
}

/** ln(1 + e^x) without overflow. */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
}

function yesOrNo(applies: boolean): string {
  return applies ? 'yes' : 'no'
}
