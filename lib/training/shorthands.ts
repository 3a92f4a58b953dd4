import { takeOptions } from '../base/arguments'
import type { LoadedModel } from '../model/loaded-model'
import { contextOf, TrainerCore } from './core'
import { evaluate } from './evaluation/evaluate'
import type { Evaluation } from './evaluation/outcomes'
import { heldCorpus, type TrainingData } from './loop/corpus'
import type { FitResult } from './loop/history'
import type { EpochReport } from './loop/report'
import { EPOCH_KEYS, resolveEpoch, type EpochOptions } from './options/epoch'
import { FIT_KEYS, resolveEvaluate, resolveFit, type EvaluateOptions, type FitOptions } from './options/fit'
import { TRAIN_KEYS, type TrainerOptions } from './options/train'
import { firstDifference } from './plain'

/** `model.trainEpoch`: trains an epoch with the trainer that is kept for these options. Different options close it and open a new one. */
export async function trainEpochOf(
  model: LoadedModel,
  data: TrainingData,
  options: TrainerOptions & EpochOptions = {},
): Promise<EpochReport> {
  const { call, trainer } = divided<EpochOptions>('trainEpoch', options, EPOCH_KEYS)
  const epoch = resolveEpoch(call)
  let core = model.keptTrainer as TrainerCore | undefined
  if (!core || core.model.trainer !== core || !isSame(core.given, trainer)) {
    if (core && !core.isBusy) await core.close()
    core = new TrainerCore(model, trainer)
    model.keptTrainer = core
  }
  return core.trainEpoch(data, epoch)
}

/** `model.fit`: a fit with a trainer of its own, which is closed when the call settles. `epochs`, an option of both, is passed to the fit. */
export async function fitOf(model: LoadedModel, data: TrainingData, options: TrainerOptions & FitOptions = {}): Promise<FitResult> {
  const { call, trainer } = divided<FitOptions>('fit', options, FIT_KEYS)
  const fit = resolveFit(call, model.heads.list, undefined)
  const core = new TrainerCore(model, trainer)
  try {
    return await core.fit(data, fit)
  } finally {
    await core.close()
  }
}

/** `model.evaluate`: reads the model only, so it needs no trainer. The loss is the sum over all heads. */
export async function evaluateOf(model: LoadedModel, data: TrainingData, options?: EvaluateOptions): Promise<Evaluation> {
  const { native, tokenizer } = model
  const heads = model.heads.list
  const request = resolveEvaluate(options, heads)
  await model.heads.ready
  const { maxLength, usablePositions } = contextOf(model)
  const limit = Math.min(maxLength, usablePositions)
  const corpus = await heldCorpus(data, { tokenizer, heads, maxLength: limit, signal: request.signal })
  return evaluate({ ...request, native, heads, corpus, lossWeights: new Map(heads.map(({ name }) => [name, 1])) })
}

/** The options of a call, without those of the trainer, and the options of the trainer. */
function divided<T extends object>(
  name: string,
  options: TrainerOptions & T,
  keys: readonly string[],
): { call: T; trainer: TrainerOptions } {
  const entries = Object.entries(takeOptions(name, options, [...new Set([...keys, ...TRAIN_KEYS])]))
  const part = (ofCall: boolean) => Object.fromEntries(entries.filter(([key]) => keys.includes(key) === ofCall))
  return { call: part(true) as T, trainer: part(false) }
}

function isSame(a: TrainerOptions, b: TrainerOptions): boolean {
  return firstDifference(a, b) === undefined && a.distill?.teacher === b.distill?.teacher
}
