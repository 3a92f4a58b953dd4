import type { TrainingRequest } from '../../../binding'
import { booleanOf, integerIn, oneOf } from '../../base/check'
import { takeOptions } from '../../base/snapshot'
import type { Head } from '../../heads/definition'
import { keysOf, refusal } from '../../base/option-checks'
import type { DTypeOption } from '../../model/load-options'
import { accumulationOf, batchingOf, type ResolvedBatching, type ResolvedSampling, samplingOf } from './batching'
import { type Freeze, freezeOf, type ResolvedUnfreeze, type Selection, type Unfreeze, unfreezeOf } from './freezing'
import { atLeastZero, belowOne } from '../../base/number-checks'
import { type GroupRule, optimizerOf, type ResolvedRates, ratesOf } from './optimizer'
import { type ScheduleOptions, scheduleOf, type ScheduleShape } from './schedule'
import { type DistillOptions, lossesOf, type ResolvedLosses, type TaskOptions } from './tasks'

export type { ResolvedBatching, ResolvedSampling } from './batching'
export type { Freeze, ResolvedUnfreeze, Selection, Thaw, Unfreeze, UnfreezeTime } from './freezing'
export type { GroupRule, ResolvedGroupRule, ResolvedRates } from './optimizer'
export type { NamePattern, ResolvedPattern } from './patterns'
export type { ScheduleOptions, ScheduleShape } from './schedule'
export type { DistillOptions, ResolvedLosses, ResolvedTask, TaskOptions, Teacher } from './tasks'

/** How a model is trained. Everything is fixed when the trainer is made. */
export interface TrainerOptions {
  /** With PyTorch's semantics: `adamw` decays the weights themselves, `adam` adds the decay to the gradient. Defaults to `adamw`. */
  optimizer?: 'adamw' | 'adam'
  /** Of the encoder's top layer, at the top of the schedule, at least 0. Defaults to 5e-5. */
  learningRate?: number
  /** Of heads and Dense modules. Defaults to `learningRate`. */
  headLearningRate?: number
  /** Defaults to [0.9, 0.999]. */
  betas?: readonly [number, number]
  /** Defaults to 1e-8. */
  eps?: number
  /** Weights of one dimension (biases, LayerNorm) have none. Defaults to 0.01 for `adamw` and 0 for `adam`. */
  weightDecay?: number
  /** A lower layer learns so many times as fast as the one above it, above 0 to 1. Defaults to 1. */
  layerDecay?: number
  /** Layers share rates in so many bands, 1..layers. Defaults to the number of layers: each has its own. */
  layerBands?: number
  /** Rates and decays by name. A parameter that two rules match, and a pattern that matches nothing, are refused. */
  groups?: readonly GroupRule[]
  /** Examples of one batch, 1..1048576. Defaults to 32. */
  batchSize?: number
  /** Instead of `batchSize`: tokens of one batch, 1..1048576; a longer example runs alone. */
  batchTokens?: number
  /** Batches hold examples of similar length: sorted within windows of 50 batches, then the batches shuffled. Defaults to true. */
  groupByLength?: boolean
  /** Batches of one step, 1..65536; the last step of an epoch may have fewer. Defaults to 1. */
  gradientAccumulation?: number
  /** Gradients are scaled down to this norm, taken over all of them; 0 leaves them. Defaults to 1. */
  maxGradNorm?: number
  /** Of the rates, behind the warm-up. Defaults to `linear` where the length of the training is known, else to `constant`. */
  schedule?: ScheduleShape
  /** Steps until the full rate. Excludes `warmupRatio`. */
  warmupSteps?: number
  /** Of all steps, 0..1, rounded down, at least one step unless 0. Defaults to 0.1, for `constant` to 0. */
  warmupRatio?: number
  /** Epochs that the schedule spans. Defaults to those of `fit`. */
  epochs?: number
  /** Steps that the schedule spans, instead of `epochs`. */
  totalSteps?: number
  /** What does not train. Defaults to nothing. That nothing at all trains must be said: `'all'`. */
  freeze?: Freeze | readonly Freeze[]
  /** When what is frozen begins to train. Defaults to never. */
  unfreeze?: readonly Unfreeze[]
  /** By the head's name; `false` leaves a head as it is and out of the loss. Defaults to every head with weight 1. */
  tasks?: Readonly<Record<string, TaskOptions | false>>
  /** Weights of the losses are learnt (Kendall, Gal and Cipolla 2018: Σ ½·e^(−s)·loss + ½·s). Defaults to false. */
  uncertainty?: boolean
  /** Of those weights. Defaults to `headLearningRate`. */
  uncertaintyLearningRate?: number
  /** λ of a pull of the sentence vectors towards those of the model before training, at least 0. Defaults to 0: none. */
  keepEmbeddings?: number
  /** Sentence vectors learn to be a teacher's. */
  distill?: DistillOptions
  /**
   * Several data sets: `proportional` takes each batch from one set, in shuffled order; `round-robin` one batch of each in turn;
   * `mixed` draws each batch from all. Defaults to `proportional`.
   */
  sampling?: 'proportional' | 'round-robin' | 'mixed'
  /** Of `proportional` and `mixed`, above 0: 1 takes every example once, more favours small data sets. Defaults to 1. */
  temperature?: number
  /** Of `round-robin`: the data set that ends the epoch; the shorter ones begin again. Defaults to `longest`. */
  stop?: 'shortest' | 'longest'
  /** `bfloat16`: products in bfloat16, weights and optimizer in float32. Defaults to `float32`. */
  dtype?: DTypeOption
  /** Layers are computed again in the backward pass: less memory, about a third more time. Defaults to false. */
  gradientCheckpointing?: boolean
  /** Of the encoder, 0 to below 1. Default to config.json's. */
  hiddenDropout?: number
  attentionDropout?: number
  /** Tokens of one example, the special ones counted; longer ones are cut. Integer in 2..the model's positions. Defaults to the model's `max_seq_length`. */
  maxLength?: number
  /** Of shuffling and dropout, 0..2^32−1. Defaults to 0. */
  seed?: number
  /** Steps in a row with a non-finite loss, gradient or update before training stops, at least 1. Defaults to 10. */
  maxSkippedSteps?: number
  /** Bytes that the token states of a wholly frozen encoder may take. Defaults to 1 GiB; 0 computes them anew each epoch. */
  cacheBytes?: number
}

/** What a trainer is resolved against. */
export interface TrainContext {
  /** In the order in which losses are reported. */
  heads: readonly Head[]
  layers: number
  /** The model's `max_seq_length`. */
  maxLength: number
  usablePositions: number
  /** config.json's. */
  hiddenDropout: number
  attentionDropout: number
}

/** `TrainerOptions` after every check that needs no parameters and no data, with every default. */
export interface ResolvedTrain extends ResolvedLosses {
  optimizer: TrainingRequest['optimizer']
  rates: ResolvedRates
  batching: ResolvedBatching
  gradientAccumulation: number
  sampling: ResolvedSampling
  /** 0: not clipped. */
  maxGradNorm: number
  schedule: ScheduleOptions
  freeze: readonly Selection[]
  unfreeze: readonly ResolvedUnfreeze[]
  dtype: DTypeOption
  gradientCheckpointing: boolean
  hiddenDropout: number
  attentionDropout: number
  maxLength: number
  seed: number
  maxSkippedSteps: number
  cacheBytes: number
}

export const TRAIN_KEYS = keysOf<TrainerOptions>({
  optimizer: 1,
  learningRate: 1,
  headLearningRate: 1,
  betas: 1,
  eps: 1,
  weightDecay: 1,
  layerDecay: 1,
  layerBands: 1,
  groups: 1,
  batchSize: 1,
  batchTokens: 1,
  groupByLength: 1,
  gradientAccumulation: 1,
  maxGradNorm: 1,
  schedule: 1,
  warmupSteps: 1,
  warmupRatio: 1,
  epochs: 1,
  totalSteps: 1,
  freeze: 1,
  unfreeze: 1,
  tasks: 1,
  uncertainty: 1,
  uncertaintyLearningRate: 1,
  keepEmbeddings: 1,
  distill: 1,
  sampling: 1,
  temperature: 1,
  stop: 1,
  dtype: 1,
  gradientCheckpointing: 1,
  hiddenDropout: 1,
  attentionDropout: 1,
  maxLength: 1,
  seed: 1,
  maxSkippedSteps: 1,
  cacheBytes: 1,
})

/** Checks the options of a trainer against the model and fills in what is not given. ERR_INVALID_ARGUMENT names what cannot be. */
export function resolveTrain(options: TrainerOptions = {}, context: TrainContext): ResolvedTrain {
  options = takeOptions('trainer', options, TRAIN_KEYS)
  const {
    maxGradNorm = 1,
    dtype = 'float32',
    gradientCheckpointing = false,
    hiddenDropout = context.hiddenDropout,
    attentionDropout = context.attentionDropout,
    maxLength = Math.min(context.maxLength, context.usablePositions),
    seed = 0,
    maxSkippedSteps = 10,
    cacheBytes = 2 ** 30,
  } = options
  const losses = lossesOf(options, context)
  const freeze = freezeOf(options, context)
  const unfreeze = unfreezeOf(options, freeze.length > 0, context)
  refuseUntrainedHeads(unfreeze, losses)
  return {
    optimizer: optimizerOf(options),
    rates: ratesOf(options, context.layers),
    batching: batchingOf(options),
    gradientAccumulation: accumulationOf(options),
    sampling: samplingOf(options),
    maxGradNorm: atLeastZero('maxGradNorm', maxGradNorm),
    schedule: scheduleOf(options),
    freeze,
    unfreeze,
    ...losses,
    dtype: oneOf('dtype', dtype, ['float32', 'bfloat16']),
    gradientCheckpointing: booleanOf('gradientCheckpointing', gradientCheckpointing),
    hiddenDropout: belowOne('hiddenDropout', hiddenDropout),
    attentionDropout: belowOne('attentionDropout', attentionDropout),
    maxLength: integerIn('maxLength', maxLength, 2, context.usablePositions),
    seed: integerIn('seed', seed, 0, 2 ** 32 - 1),
    maxSkippedSteps: integerIn('maxSkippedSteps', maxSkippedSteps, 1, 2 ** 31 - 1),
    cacheBytes: integerIn('cacheBytes', cacheBytes, 0, Number.MAX_SAFE_INTEGER),
  }
}

function refuseUntrainedHeads(unfreeze: readonly ResolvedUnfreeze[], { tasks }: ResolvedLosses): void {
  for (const { what } of unfreeze) {
    if (what.kind !== 'head' || tasks.some(({ head }) => head === what.head)) continue
    throw refusal(`'unfreeze' names the head '${what.head}', which 'tasks' switches off.`)
  }
}
