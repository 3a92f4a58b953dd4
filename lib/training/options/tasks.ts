import type { HeadObjective } from '../../../binding'
import { atLeastZero, belowOne, booleanOf, describe, invalid, knownKeys, oneOf } from '../../base/check'
import type { Embeddings } from '../../encode/embeddings'
import type { Head, HeadName, HeadOf, HeadTypes, LabelOf, NoHeads } from '../../heads/definition'
import type { LabelSubwords } from '../../heads/kind'
import { kindOf } from '../../heads/kinds'
import { guarded, keysOf, refusal } from '../../base/arguments'
import type { Evaluation } from '../evaluation/outcomes'
import type { TrainContext } from './context'
import { headList } from './freezing'

/** The losses that a trainer minimises. */
export interface LossOptions<H extends HeadTypes = NoHeads> {
  /** Settings by head name; `false` excludes a head from training. Defaults to every head with weight 1. */
  tasks?: { readonly [N in HeadName<H>]?: TaskOptions<LabelOf<HeadOf<H, N>>> | false }
  /** Whether the weights of the losses are learned (Kendall, Gal and Cipolla 2018: Σ ½·e^(−s)·loss + ½·s). Defaults to false. */
  uncertainty?: boolean
  /** Learning rate of these weights. Defaults to `headLearningRate`. */
  uncertaintyLearningRate?: number
  /** Weight λ of a penalty on the distance of sentence vectors from those before training, at least 0. Defaults to 0. */
  keepEmbeddings?: number
  /** Trains sentence vectors to match those of a teacher. */
  distill?: DistillOptions
}

/** How one head is trained. */
export interface TaskOptions<L extends string = string> {
  /**
   * Weight of the head's loss in the total, at least 0, or a function that returns it for each epoch. Defaults to 1. Cannot be combined with
   * `uncertainty`.
   */
  weight?: number | EpochWeight
  /** As in PyTorch's `CrossEntropyLoss`, 0 to below 1. Defaults to 0. Refused for multi-label and binary heads. */
  labelSmoothing?: number
  /**
   * One number per label, in the order of the labels or by name (1 for omitted labels): PyTorch's `weight` of the cross-entropy, or `pos_weight`
   * for multi-label and binary heads. `'balanced'`: computed from the training data like scikit-learn's `compute_class_weight`; for `pos_weight`,
   * negatives ÷ positives. Defaults to none.
   */
  classWeights?: readonly number[] | { readonly [N in L]?: number } | 'balanced'
  /**
   * For token classification: which tokens of a word have a label, in training and in the losses of `evaluate`. `all`: every one; after the first
   * token, `B-x` becomes `I-x` if the head has that label. Defaults to `first`.
   */
  labelSubwords?: LabelSubwords
}

/**
 * Returns the weight of a head's loss for one epoch, at least 0. Called when the epoch (from 0) starts, with the last evaluation of the current
 * `fit`, or undefined before the first one and in `trainEpoch`. Checkpoints store the weight but not the function: pass it to `Trainer.resume`
 * again, in `options`. It should depend only on its arguments, so that a resumed run gets the same weights.
 */
export type EpochWeight = (epoch: number, lastEvaluation: Evaluation | undefined) => number

/** Returns the target vectors of texts for distillation: [texts, dimension]. */
export type Teacher =
  { encode(texts: readonly string[]): Promise<Embeddings> } | ((texts: readonly string[]) => Promise<Embeddings> | Embeddings)

export interface DistillOptions {
  /** A model, or any function from texts to vectors; the dimension must be the model's. */
  teacher: Teacher
  /** Mean squared difference over all numbers, or the mean of 1 − cosine. Defaults to `mse`. */
  loss?: 'mse' | 'cosine'
  /** Weight of this loss in the total, above 0. Defaults to 1. Cannot be combined with `uncertainty`. */
  weight?: number
}

/** A checked task. `'balanced'` weights are computed when the data is known (`balancedWeights` of the head's kind). */
export interface ResolvedTask extends Omit<HeadObjective, 'type' | 'classWeights' | 'weight'> {
  weight: number | EpochWeight
  classWeights: Float32Array | 'balanced' | null
  labelSubwords: LabelSubwords
}

const TASK_KEYS = keysOf<TaskOptions>({ weight: 1, labelSmoothing: 1, classWeights: 1, labelSubwords: 1 })
const DISTILL_KEYS = keysOf<DistillOptions>({ teacher: 1, loss: 1, weight: 1 })

export interface ResolvedLosses {
  /** In the order of the model's heads; heads with `false` are left out. */
  tasks: readonly ResolvedTask[]
  uncertainty: boolean
  /** λ; 0: not used. */
  keepEmbeddings: number
  distill: Required<DistillOptions> | undefined
}

/** Resolves all terms of the loss. Refuses a trainer that has nothing to learn. */
export function lossesOf(options: LossOptions, { heads }: TrainContext): ResolvedLosses {
  const { tasks = {}, uncertainty = false, keepEmbeddings = 0, distill } = options
  knownHeads(tasks, heads)
  const result: ResolvedLosses = {
    tasks: heads.flatMap((head) => {
      const task = Object.hasOwn(tasks, head.name) ? tasks[head.name] : undefined
      return task === false ? [] : [taskOf(head, task, Boolean(uncertainty))]
    }),
    uncertainty: booleanOf('uncertainty', uncertainty),
    keepEmbeddings: atLeastZero('keepEmbeddings', keepEmbeddings),
    distill: distill === undefined ? undefined : distillOf(distill, Boolean(uncertainty)),
  }
  if (result.uncertainty && result.keepEmbeddings > 0) {
    throw refusal(`'keepEmbeddings' sets a fixed weight, but 'uncertainty' learns every weight. Leave one of them out.`)
  }
  for (const name of ['keepEmbeddings', 'distill'] as const) {
    // The losses of these objectives are reported under the same names.
    if (!result[name] || !result.tasks.some(({ head }) => head === name)) continue
    throw refusal(`The head '${name}' has the same name as the loss of the option '${name}' in reports. Rename the head, or leave it out with tasks: { ${name}: false }.`) // prettier-ignore
  }
  if (result.tasks.length === 0 && result.distill === undefined) {
    const why = heads.length === 0 ? 'the model has no head' : `'tasks' excludes every head`
    throw refusal(`The trainer has nothing to learn: ${why} and 'distill' is not set. Add a head with addHead, or set a teacher.`)
  }
  return result
}

function knownHeads(tasks: unknown, heads: readonly Head[]): void {
  if (typeof tasks !== 'object' || tasks === null || Array.isArray(tasks)) {
    throw invalid('tasks', 'an object of options by the name of the head', tasks)
  }
  const unknown = Object.keys(tasks).find((name) => !heads.some((head) => head.name === name))
  if (unknown !== undefined) throw refusal(`'tasks' names the head ${describe(unknown)}, which the model does not have. ${headList(heads)}`)
}

function taskOf(head: Head, options: TaskOptions = {}, uncertainty: boolean): ResolvedTask {
  const name = `tasks.${head.name}`
  knownKeys(name, options, TASK_KEYS)
  const { weight = 1, labelSmoothing = 0, classWeights, labelSubwords = 'first' } = options
  const { loss, perToken } = kindOf(head)
  if (uncertainty && options.weight !== undefined) {
    throw refusal(
      `'${name}.weight' cannot be combined with 'uncertainty', which learns the weights. To leave the head out, set \`${head.name}: false\`.`,
    )
  }
  if (loss === 'bce' && options.labelSmoothing) {
    throw refusal(
      `'${name}.labelSmoothing' is only for heads that choose one of several labels; '${head.name}' decides each label independently.`,
    )
  }
  if (options.labelSubwords !== undefined && !perToken) {
    throw refusal(`'${name}.labelSubwords' is only for token-classification heads; '${head.name}' labels whole texts.`)
  }
  return {
    head: head.name,
    loss,
    weight: typeof weight === 'function' ? epochWeight(`${name}.weight`, weight) : atLeastZero(`${name}.weight`, weight),
    labelSmoothing: belowOne(`${name}.labelSmoothing`, labelSmoothing),
    classWeights: classWeights === undefined ? null : classWeightsOf(`${name}.classWeights`, classWeights, head),
    labelSubwords: oneOf(`${name}.labelSubwords`, labelSubwords, ['first', 'all']),
    inputDropout: head.inputDropout,
    dropout: head.dropout,
  }
}

function epochWeight(name: string, weight: EpochWeight): EpochWeight {
  const call = guarded(name, weight)
  return (epoch, evaluation) => atLeastZero(`the result of ${name} for epoch ${epoch}`, call(epoch, evaluation))
}

function classWeightsOf(name: string, given: NonNullable<TaskOptions['classWeights']>, { labels }: Head): Float32Array | 'balanced' {
  if (given === 'balanced') return given
  if (typeof given !== 'object' || given === null) throw invalid(name, `'balanced', an array, or an object by label`, given)
  const list = Array.isArray(given) ? given : byLabel(name, given as Record<string, unknown>, labels)
  if (list.length !== labels.length) throw invalid(name, `${labels.length} numbers, one per label`, `${list.length} numbers`)
  const weights = Float32Array.from(list, (value: unknown, i) => atLeastZero(`${name} of the label ${describe(labels[i])}`, value))
  if (weights.every((weight) => weight === 0)) throw invalid(name, 'at least one number above 0', '0 for every label')
  return weights
}

function byLabel(name: string, given: Readonly<Record<string, unknown>>, labels: readonly string[]): unknown[] {
  const unknown = Object.keys(given).find((label) => !labels.includes(label))
  if (unknown !== undefined) throw refusal(`${name} names the label ${describe(unknown)}. The head's labels: ${labels.join(', ')}.`)
  return labels.map((label) => (Object.hasOwn(given, label) ? given[label] : 1))
}

function distillOf(options: DistillOptions, uncertainty: boolean): Required<DistillOptions> {
  knownKeys('distill', options, DISTILL_KEYS)
  const { teacher, loss = 'mse', weight = 1 } = options
  if (uncertainty && options.weight !== undefined) {
    throw refusal(`'distill.weight' cannot be combined with 'uncertainty', which learns the weights.`)
  }
  if (typeof teacher !== 'function' && typeof (teacher as { encode?: unknown } | null)?.encode !== 'function') {
    throw invalid('distill.teacher', 'a model, or a function from texts to embeddings', teacher)
  }
  const share = atLeastZero('distill.weight', weight)
  if (share === 0) throw invalid('distill.weight', 'a number above 0', weight)
  return { teacher, loss: oneOf('distill.loss', loss, ['mse', 'cosine']), weight: share }
}
