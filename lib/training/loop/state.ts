import { libraryVersion } from '../../base/platform'
import type { LoadedModel } from '../../model/loaded-model'
import type { ResolvedTrain } from '../options/train'
import type { ResolvedUnfreeze } from '../options/freezing'
import { startUnfreezing, type UnfreezingState } from '../parameters/unfreezing'
import { comparable } from '../plain'
import type { DataRecipe } from '../plan/recipe'
import type { ResolvedSchedule } from '../plan/schedule'
import type { DataIdentity } from './corpus'
import type { FitState } from './history'
import type { EpochReport, EpochSums } from './report'

/**
 * The state of training. Together with the options, the data, and the weights and optimizer state in native code, it determines every later step.
 * Plain JSON.
 */
export interface TrainingState {
  /** Number of finished epochs. */
  epoch: number
  /** Number of steps of the current epoch that have run. */
  step: number
  /** Number of applied steps, which the schedule counts from `scheduleStart` on. */
  applied: number
  /** Number of steps run, including skipped ones. Together with the seed it determines dropout. */
  attempted: number
  skippedInARow: number
  /** Null until the first data determines the length of training. */
  schedule: ResolvedSchedule | null
  scheduleStart: number
  unfreezing: UnfreezingState
  /** Weights of the heads' losses in the current or last epoch, if a function gives one of them; otherwise null. */
  weights: number[] | null
  /** Totals of the current epoch; null between epochs. */
  sums: EpochSums | null
  /** The data of the current or the last epoch; null before the first. */
  data: readonly DataIdentity[] | null
  /** The recipe of the current or the last epoch; null before the first. */
  recipe: DataRecipe | null
  /** State of the current fit. */
  fit: FitState | null
}

export function startState(rules: readonly ResolvedUnfreeze[]): TrainingState {
  return {
    epoch: 0,
    step: 0,
    applied: 0,
    attempted: 0,
    skippedInARow: 0,
    schedule: null,
    scheduleStart: 0,
    unfreezing: startUnfreezing(rules),
    weights: null,
    sums: null,
    data: null,
    recipe: null,
    fit: null,
  }
}

/** How the model was trained, for sentorch.json: the options with every default, the number of steps, the data, and the last epoch's metrics. */
export function recipeOf(
  { options, state, model }: { options: ResolvedTrain; state: TrainingState; model: LoadedModel },
  last?: EpochReport,
): Readonly<Record<string, unknown>> {
  const recipe = {
    options,
    epochs: state.epoch,
    steps: state.applied,
    schedule: state.schedule,
    data: state.data,
    ...(last && { losses: last.losses, metrics: last.metrics }),
    versions: { sentorch: libraryVersion(), libtorch: model.info.libtorch.version },
  }
  return comparable(recipe) as Record<string, unknown>
}
