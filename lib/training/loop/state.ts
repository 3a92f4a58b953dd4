import { libraryVersion } from '../../base/platform'
import type { LoadedModel } from '../../model/loaded-model'
import type { ResolvedTrain } from '../options/train'
import type { ResolvedUnfreeze } from '../options/freezing'
import { startUnfreezing, type UnfreezingState } from '../parameters/unfreezing'
import { comparable } from '../plain'
import type { ResolvedSchedule } from '../plan/schedule'
import type { DataIdentity } from './corpus'
import type { FitState } from './history'
import type { EpochReport, EpochSums } from './report'

/**
 * Where training stands: with the options and the data it decides all that comes. Plain JSON next to the weights and the optimizer's state,
 * which native code keeps.
 */
export interface TrainingState {
  /** Epochs finished. */
  epoch: number
  /** Steps of the epoch under way that have run. */
  step: number
  /** Steps applied: what the schedule goes by, from `scheduleStart` on. */
  applied: number
  /** Steps run, also those that were skipped: with the seed it decides dropout. */
  attempted: number
  skippedInARow: number
  /** Null until the first data determines the length of training. */
  schedule: ResolvedSchedule | null
  scheduleStart: number
  unfreezing: UnfreezingState
  /** Totals of the current epoch; null between epochs. */
  sums: EpochSums | null
  /** The data of the current or the last epoch; null before the first. */
  data: readonly DataIdentity[] | null
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
    sums: null,
    data: null,
    fit: null,
  }
}

/** How the model was trained, for sentorch.json: the options with every default, how far it went, on what, and the last epoch's measures. */
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
