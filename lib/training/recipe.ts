import { libraryVersion } from '../base/platform'
import { comparable } from './plain'
import type { EpochReport } from './loop/report'
import type { TrainingState } from './loop/state'
import type { ResolvedTrain } from './options/train'
import type { LoadedModel } from '../model/loaded-model'

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
