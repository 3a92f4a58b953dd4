import type { TrainingRequest } from '../../../binding'
import { atLeastZero, belowOne, booleanOf, integerIn, oneOf } from '../../base/check'
import { keysOf, refusal, takeOptions } from '../../base/arguments'
import type { HeadName, HeadTypes, NoHeads } from '../../heads/definition'
import type { TrainContext } from './context'
import type { DTypeOption } from '../../model/load-options'
import { type BatchingOptions, accumulationOf, batchingOf, type ResolvedBatching, type ResolvedSampling, samplingOf } from './batching'
import { type FreezeOptions, freezeOf, type ResolvedUnfreeze, type Selection, unfreezeOf } from './freezing'
import { type OptimizerOptions, optimizerOf, type ResolvedRates, ratesOf } from './optimizer'
import { scheduleOf, type ScheduleChoice, type ScheduleOptions } from '../plan/schedule'
import { type LossOptions, lossesOf, type ResolvedLosses } from './tasks'

/** Options of a trainer. They cannot be changed after the trainer is created. */
export interface TrainerOptions<H extends HeadTypes = NoHeads>
  extends OptimizerOptions, BatchingOptions, ScheduleChoice, FreezeOptions<HeadName<H>>, LossOptions<H> {
  /** Maximum norm of all gradients together, to which they are scaled down; 0 disables clipping. Defaults to 1. */
  maxGradNorm?: number
  /** `bfloat16`: products in bfloat16, weights and optimizer in float32. Defaults to `float32`. */
  dtype?: DTypeOption
  /** Whether to recompute layers in the backward pass, which saves memory and takes about a third more time. Defaults to false. */
  gradientCheckpointing?: boolean
  /** Dropout of the encoder, 0 to below 1. Both default to the values in config.json. */
  hiddenDropout?: number
  attentionDropout?: number
  /** Maximum tokens per example, special tokens included; longer ones are cut. Integer in 2..the model's positions. Defaults to the model's `max_seq_length`. */
  maxLength?: number
  /** Seed of shuffling and dropout, 0..2^32−1. Defaults to 0. */
  seed?: number
  /** Number of consecutive steps with a non-finite loss, gradient or update after which training stops, at least 1. Defaults to 10. */
  maxSkippedSteps?: number
  /** Maximum bytes for the cached token states of a completely frozen encoder. Defaults to 1 GiB; 0 recomputes them in each epoch. */
  cacheBytes?: number
}

/** The given options among those that depend on the data, or whose default is another of them. */
export type GivenRecipe = Pick<
  TrainerOptions,
  'learningRate' | 'headLearningRate' | 'uncertaintyLearningRate' | 'batchSize' | 'epochs' | 'totalSteps'
>

/** `TrainerOptions` with every default, after all checks that do not need the parameters or the data. */
export interface ResolvedTrain extends ResolvedLosses {
  optimizer: TrainingRequest['optimizer']
  rates: ResolvedRates
  batching: ResolvedBatching
  gradientAccumulation: number
  sampling: ResolvedSampling
  /** 0: gradients are not clipped. */
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
  /** The options that are otherwise chosen from the data. Until it is known, `rates` and `batching` are those for a large amount. */
  given: GivenRecipe
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
  plateau: 1,
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

/** Checks the options of a trainer against the model and fills in the defaults. ERR_INVALID_ARGUMENT names an invalid option. */
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
  const { learningRate, headLearningRate, uncertaintyLearningRate, batchSize, epochs, totalSteps } = options
  const losses = lossesOf(options, context)
  const freeze = freezeOf(options, context)
  const unfreeze = unfreezeOf(options, freeze.length > 0, context)
  refuseUntrainedHeads(unfreeze, losses)
  return {
    optimizer: optimizerOf(options),
    rates: ratesOf(options, context),
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
    given: { learningRate, headLearningRate, uncertaintyLearningRate, batchSize, epochs, totalSteps },
  }
}

function refuseUntrainedHeads(unfreeze: readonly ResolvedUnfreeze[], { tasks }: ResolvedLosses): void {
  for (const { what } of unfreeze) {
    if (what.kind !== 'head' || tasks.some(({ head }) => head === what.head)) continue
    throw refusal(`'unfreeze' names the head '${what.head}', which 'tasks' excludes from training.`)
  }
}
