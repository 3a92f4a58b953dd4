import { takeOptions } from '../base/arguments'
import { EPOCH_KEYS, resolveEpoch, type EpochOptions } from './options/epoch'
import { TRAIN_KEYS, type TrainerOptions } from './options/train'
import type { LoadedModel } from '../model/loaded-model'
import { TrainerCore } from './core'
import type { TrainingData } from './loop/corpus'
import { firstDifference } from './plain'
import type { EpochReport } from './loop/report'

/** `model.trainEpoch`: an epoch of the trainer that is kept for these options; other options close it and begin another. */
export async function trainEpochOf(
  model: LoadedModel,
  data: TrainingData,
  options: TrainerOptions & EpochOptions = {},
): Promise<EpochReport> {
  options = takeOptions('trainEpoch', options, [...TRAIN_KEYS, ...EPOCH_KEYS])
  const entries = Object.entries(options)
  const epoch = resolveEpoch(Object.fromEntries(entries.filter(([key]) => isEpochKey(key))))
  const given = Object.fromEntries(entries.filter(([key]) => !isEpochKey(key))) as TrainerOptions
  let core = model.keptTrainer as TrainerCore | undefined
  if (!core || core.model.trainer !== core || !isSame(core.given, given)) {
    if (core && !core.isBusy) await core.close()
    core = new TrainerCore(model, given)
    model.keptTrainer = core
  }
  return core.trainEpoch(data, epoch)
}

function isEpochKey(key: string): boolean {
  return (EPOCH_KEYS as readonly string[]).includes(key)
}

function isSame(a: TrainerOptions, b: TrainerOptions): boolean {
  return firstDifference(a, b) === undefined && a.distill?.teacher === b.distill?.teacher
}
