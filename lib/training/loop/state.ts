import type { ResolvedUnfreeze } from '../options/train'
import type { DataIdentity } from './corpus'
import type { FitState } from './history'
import type { EpochSums } from './report'
import type { ResolvedSchedule } from '../plan/schedule'
import { startUnfreezing, type UnfreezingState } from '../parameters/unfreezing'

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
