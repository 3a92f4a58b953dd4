import { describe } from '../base/check'
import { argmax, softmax } from '../base/math'
import type { LabelValue } from '../data/example'
import { classificationReport } from '../metrics'
import { FIRST_TOKEN, vectorDimension } from '../pooling/poolings'
import { isSpans } from '../tags/schemes'
import type { Head } from './definition'
import { NO_LABEL, type CheckpointForm, type ClassMetrics, type FormOf, type HeadKind, type Measured } from './kind'
import { areClasses, type ClassPrediction, type ReadingOptions } from './predictions'

/** What the kinds that label whole texts share: they start from a sentence vector. */
export const textClassification = {
  native: 'classification',
  perToken: false,
  /** The vector is not scaled to unit length, which would hide its length from the head and shrink the gradient of the encoder. */
  inputs({ pooling }, { modules, config: { hiddenSize } }) {
    if (pooling) return { pooling: [...pooling], steps: [], inputs: pooling.length * hiddenSize }
    return {
      pooling: [...modules.pooling],
      steps: modules.steps.filter((step) => step !== 'normalize'),
      inputs: vectorDimension(modules.dense, modules.pooling, hiddenSize),
    }
  },
  checkDefinition() {},
  checkExtension() {},
  needsAllWords: () => false,
} as const satisfies Partial<HeadKind>

export const CLASS_METRICS: FormOf<Measured<ClassMetrics>> = {
  accuracy: 'measure',
  microF1: 'measure',
  macroF1: 'measure',
  micro: { precision: 'measure', recall: 'measure', f1: 'measure' },
  samples: { precision: 'measure', recall: 'measure', f1: 'measure' },
  labels: 'label scores',
}

/** transformers' `*ForSequenceClassification`: one hidden layer on the state of the first token. */
export const sequenceCheckpoint: CheckpointForm = {
  as: 'sequence-classification',
  className: 'ForSequenceClassification',
  type: 'classification',
  headName: 'classification',
  layers: ({ sequence }) => [sequence.hidden, sequence.output],
  definition: ({ sequence, dropout }, hiddenSize, multiLabel, rate) => ({
    hidden: [hiddenSize],
    activation: sequence.activation,
    pooling: FIRST_TOKEN,
    multiLabel,
    inputDropout: dropout.sequenceInput === null ? 0 : rate(dropout.sequenceInput),
    dropout: rate(dropout.sequenceHidden),
  }),
  differences(head, { sequence }, { config, modules }) {
    const pooling = head.pooling ?? modules.pooling
    const reasons: string[] = []
    if (pooling.join() !== FIRST_TOKEN)
      reasons.push(`that class uses the first token (pooling '${FIRST_TOKEN}'), the head ${pooling.join(' + ')}`)
    if (head.pooling === undefined && modules.dense.length > 0)
      reasons.push(`the head follows the model's Dense modules, which that class does not have`)
    if (head.hidden.join() !== String(config.hiddenSize)) {
      reasons.push(
        `that class has one hidden layer of ${config.hiddenSize}, the head ${head.hidden.length === 0 ? 'none' : `[${head.hidden.join(', ')}]`}`,
      )
    } else if (head.activation !== sequence.activation) {
      reasons.push(`the activation of that class is ${sequence.activation}, the head's ${head.activation}`)
    }
    return reasons
  },
  // Without it transformers takes a single label for a regression.
  settings: ({ multiLabel, labels }) => ({
    problem_type: multiLabel || labels.length === 1 ? 'multi_label_classification' : 'single_label_classification',
  }),
  dropout: (head, { dropout }) => ({ keys: dropout.sequenceHidden, rate: head.dropout }),
}

/** The prediction for one text. `least`: the probability from which on a label applies. */
export function classPrediction(
  { labels, multiLabel }: Head,
  logits: Float32Array,
  scores: Float64Array,
  least: number,
  { topK, logits: withLogits }: ReadingOptions,
): ClassPrediction {
  // Sorting is stable: labels with the same score stay in the order of the head's labels.
  const ranked = labels.map((label, i) => ({ label, score: scores[i]! })).sort((a, b) => b.score - a.score)
  const best = ranked[0]!
  const label = best.score >= least ? best.label : null
  return {
    label,
    ...(areClasses(labels) && { index: label === null ? null : Number(label) }),
    score: best.score,
    ...(multiLabel && { labels: ranked.filter(({ score }) => score >= least).map(({ label }) => label) }),
    ...(topK > 0 && { scores: ranked.slice(0, topK) }),
    ...(withLogits && { logits: logits.slice() }),
  }
}

/** What error messages call a value of `labels`. */
export function shapeOf(value: LabelValue): string {
  if (isSpans(value)) return 'a list of entities'
  return typeof value === 'object' ? 'a list of labels' : describe(value)
}

/** Cross-entropy of one row of logits. */
export function crossEntropy(logits: Float32Array, target: number): number {
  const top = logits[argmax(logits)]!
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - top), 0)
  return top + Math.log(sum) - logits[target]!
}

/**
 * `'balanced'` weights of a head that chooses one label, as scikit-learn's `compute_class_weight`: items ÷ (labels that occur · items with
 * the label). A label that does not occur has the weight 1. `targets`: any length. Returns [labels].
 */
export function balancedWeights(targets: Int32Array, labels: number): Float32Array {
  const items = new Float64Array(labels)
  for (const target of targets) if (target >= 0) items[target]!++
  const total = items.reduce((sum, n) => sum + n, 0)
  const occurring = items.reduce((sum, n) => sum + (n > 0 ? 1 : 0), 0)
  return Float32Array.from(items, (n) => (n > 0 ? total / (occurring * n) : 1))
}

/** One label out of several (softmax). */
export const singleLabel: HeadKind<string, ClassMetrics> = {
  ...textClassification,
  name: 'single-label',
  matches: ({ labels, multiLabel }) => !multiLabel && labels.length > 1,

  gold({ name }, { value, refuse }) {
    if (typeof value !== 'string') throw refuse(`head '${name}' takes one label, but labels.${name} is ${shapeOf(value)}.`)
    return { gold: value, entitiesLost: 0 }
  },
  targetSize: () => 1,
  writeTargets(targets, gold, { idOf }) {
    targets[0] = idOf(gold)
  },

  loss: 'cross-entropy',
  balancedWeights,

  predictOptions: ['topK', 'rejectBelow'],
  predictor: (head, options) => (logits) => classPrediction(head, logits, softmax(logits), options.rejectBelow, options),

  outcome: 'classification',
  judge({ labels }, { logits, targets }, addLoss) {
    if (targets[0] !== NO_LABEL) addLoss(crossEntropy(logits, targets[0]!))
    return labels[argmax(logits)]!
  },
  decides: 'text',
  decisions: (_, { gold, logits }, predicted) => [{ gold, predicted, confidence: Math.max(...softmax(logits)) }],
  metrics(_, gold, predicted) {
    const { accuracy, micro, macro, labels } = classificationReport(gold, predicted)
    return { accuracy, microF1: micro.f1, macroF1: macro.f1, labels }
  },
  mainMeasure: (_, { accuracy }) => accuracy,
  metricsForm: CLASS_METRICS,

  checkpoint: sequenceCheckpoint,
}
