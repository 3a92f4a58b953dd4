import type { PoolingMode, PostStep, VectorObjective } from '../../../binding'
import type { PreparedSet } from '../../data/targets'
import type { LoadedModel } from '../../model/loaded-model'
import type { ResolvedTrain } from '../options/train'

/** How token states become a sentence vector. */
export interface VectorRecipe {
  pooling: PoolingMode[]
  steps: PostStep[]
}

/** The data set that vectors are computed for, and the model at that time. */
export interface TargetRequest {
  model: LoadedModel
  options: ResolvedTrain
  recipe: VectorRecipe
  /** Length of a sentence vector. */
  dimension: number
  set: PreparedSet
  /** Name of the data set, for messages. */
  setName: string
  /** Whether the model is still the original one: no step has been applied. */
  isFresh: boolean
  signal: AbortSignal | undefined
}

/** An objective that trains the sentence vector to match given vectors, the targets. */
export interface VectorObjectiveKind {
  /** Its name in reports, and in checkpoints for its targets. */
  name: string
  /** Its loss and weight; undefined if the options do not enable it. */
  loss(options: ResolvedTrain): Pick<VectorObjective, 'loss' | 'weight'> | undefined
  /** Computes the targets of one data set: [examples, dimension]. */
  targets(request: TargetRequest): Promise<Float32Array>
}
