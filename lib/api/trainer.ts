import { booleanOf } from '../base/check'
import { keysOf, refusal, takeOptions } from '../base/arguments'
import type { HeadTypes, NoHeads } from '../heads/definition'
import { loadWithAccess, loadedModelOf } from './access'
import type { Model } from './model'
import { takeData } from '../data/examples'
import { typed } from '../files/file-errors'
import { folderOf, resolveEpoch, type EpochOptions } from '../training/options/epoch'
import { resolveEvaluate, resolveFit, type EvaluateOptions, type FitOptions } from '../training/options/fit'
import type { LoadOptions } from '../model/load-options'
import type { Teacher, TrainerOptions } from '../training/options/train'
import { TrainerCore } from '../training/core'
import type { TrainingData } from '../training/loop/corpus'
import type { Evaluation } from '../training/evaluation/types'
import type { ParameterGroup } from '../training/parameters/groups'
import type { FitResult } from '../training/loop/history'
import type { EpochReport } from '../training/loop/report'
import { resumeCore } from '../training/checkpoint/resume'

export interface ResumeOptions {
  /** Options of `Model.load`. Dtype, device and threads default to those of the run; with others the results agree within rounding, not to the bit. */
  load?: LoadOptions
  /** The options of the run, to be compared: ERR_CHECKPOINT names the first that differs. By default nothing is compared. */
  options?: TrainerOptions
  /** The teacher of `distill`, for data whose vectors the checkpoint does not hold. */
  teacher?: Teacher
  /** Begin anew on other data, with the weights and the optimizer of the checkpoint. Defaults to false: other data is refused. */
  otherData?: boolean
  /**
   * Let `fit` be given more `epochs` or `maxSteps` than the fit of the checkpoint. From here on its schedule spans the new length, so the rate
   * rises again where it had fallen; the warm-up stays, and so does a schedule of `totalSteps`. Defaults to false: another length is refused.
   */
  extend?: boolean
}

/** A parameter group, for printing. */
export type ParameterGroupInfo = Pick<ParameterGroup, 'name' | 'names' | 'count' | 'learningRate' | 'weightDecay'>

/**
 * Trains one model; made by `model.trainer(options)`. There is one at a time: while it is open, heads cannot be added, removed or extended.
 * `encode` and `predict` on the same model are served between steps, with the weights of that moment.
 */
export class Trainer<H extends HeadTypes = NoHeads> implements AsyncDisposable {
  readonly model: Model<H>
  readonly #core: TrainerCore

  /** Throws ERR_INVALID_ARGUMENT for options that do not hold, or where the model has an open trainer. */
  constructor(model: Model<H>, options?: TrainerOptions)
  /** @internal For `resume`, which has read the core from a checkpoint. */
  constructor(model: Model<H>, options: TrainerOptions, core: TrainerCore)
  constructor(model: Model<H>, options: TrainerOptions = {}, core = new TrainerCore(loadedModelOf(model), options)) {
    this.model = model
    this.#core = core
  }

  /**
   * Opens a checkpoint with its model, which is `trainer.model`; of a folder of several (`saveEvery.keep`) the newest that is whole. Damaged ones are
   * passed over with a warning (`SENTORCH_CHECKPOINT_DAMAGED`). The next `trainEpoch` or `fit` must be given the same data, and `fit` the same
   * options: it continues at the step of the checkpoint and ends with the same bits as the run that was not interrupted.
   * Rejects with ERR_CHECKPOINT where the folder is not a checkpoint, is damaged or does not fit; ERR_INVALID_ARGUMENT, and what `Model.load`
   * rejects with.
   */
  static async resume(dir: string, options: ResumeOptions = {}): Promise<Trainer> {
    return typed(async () => {
      const keys = keysOf<ResumeOptions>({ load: 1, options: 1, teacher: 1, otherData: 1, extend: 1 })
      const request = takeOptions('resume', options, keys)
      const { otherData, extend } = request
      if (otherData !== undefined) booleanOf('otherData', otherData)
      if (extend !== undefined) booleanOf('extend', extend)
      if (otherData && extend) throw refusal(`'otherData' begins another fit, so there is none for 'extend' to make longer. Leave one out.`)
      const { model, core } = await resumeCore(folderOf('dir', dir), request, loadWithAccess)
      return new Trainer(model, core.given, core)
    })
  }

  /** Epochs finished, steps applied in all, and the step that comes next in the epoch under way. */
  get position(): { epoch: number; step: number; applied: number } {
    const { epoch, step, applied } = this.#core.state
    return { epoch, step, applied }
  }

  /** What trains now, at which rate (at the top of the schedule) and with which decay. What is frozen is in no group. */
  async parameterGroups(): Promise<ParameterGroupInfo[]> {
    const { groups } = await typed(() => this.#core.session())
    return groups.map(({ name, names, count, learningRate, weightDecay }) => ({ name, names, count, learningRate, weightDecay }))
  }

  /**
   * One pass over the data, or over its rest after an abort with the same data. Several data sets are given by name.
   * Rejects with ERR_DATA (nothing in it, labels that a head does not have, a head without any), ERR_INVALID_ARGUMENT, ERR_ABORTED,
   * ERR_NON_FINITE after `maxSkippedSteps` steps in a row, ERR_CHECKPOINT for other data after `resume`, ERR_FILE where the folder of
   * `saveEvery` cannot take checkpoints, ERR_CALLBACK where a callback fails, ERR_BUSY, ERR_DISPOSED, ERR_OUT_OF_MEMORY. After any of them but ERR_DISPOSED the same call continues at the next step.
   */
  async trainEpoch(data: TrainingData, options?: EpochOptions): Promise<EpochReport> {
    return typed(() => this.#core.trainEpoch(takeData(data), resolveEpoch(options)))
  }

  /**
   * Several epochs, with evaluation, early stopping and the best model saved. After an abort, or `resume`, the same call continues where it was.
   * Rejects as `trainEpoch` and `evaluate` do, and with ERR_FILE where `saveBest` cannot be written.
   */
  async fit(train: TrainingData, options?: FitOptions): Promise<FitResult> {
    const { options: resolved, model } = this.#core
    return typed(() => this.#core.fit(takeData(train), resolveFit(options, model.heads.list, resolved.schedule.epochs)))
  }

  /**
   * Losses and measures of every head that the data has labels for, with the weights of the moment. Labels that a head does not have
   * count as wrong. Rejects with ERR_DATA where no head has any label, ERR_INVALID_ARGUMENT, ERR_NON_FINITE, ERR_CALLBACK where a measure of
   * `metrics` fails, ERR_ABORTED, ERR_DISPOSED, ERR_OUT_OF_MEMORY.
   */
  async evaluate(data: TrainingData, options?: EvaluateOptions): Promise<Evaluation> {
    return typed(() => this.#core.evaluate(takeData(data), resolveEvaluate(options, this.#core.model.heads.list)))
  }

  /**
   * Writes all that `Trainer.resume` needs, at the end of the step under way: a model's folder, which `Model.load` opens too, and the state of
   * training. It replaces the checkpoint or model that is there when it is whole. Rejects with ERR_INVALID_ARGUMENT, ERR_FILE, ERR_NON_FINITE,
   * ERR_DISPOSED, ERR_OUT_OF_MEMORY.
   */
  async saveCheckpoint(dir: string): Promise<void> {
    return typed(() => this.#core.save(folderOf('dir', dir)))
  }

  /** Ends what runs (ERR_DISPOSED), gives the optimizer's memory back and leaves the model with its weights. Idempotent. */
  dispose(): Promise<void> {
    return typed(() => this.#core.close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }
}
