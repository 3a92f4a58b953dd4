import { booleanOf } from '../base/check'
import { keysOf, refusal, takeOptions } from '../base/arguments'
import type { Declared, DeclaredHeads, HeadTypes, NoHeads } from '../heads/definition'
import { loadWithAccess, loadedModelOf } from './access'
import type { Model } from './model'
import { takeData } from '../data/examples'
import type { DataFor } from '../data/typed'
import { typed } from '../files/file-errors'
import { folderOf, resolveEpoch, type EpochOptions } from '../training/options/epoch'
import { resolveEvaluate, resolveFit, type EvaluateOptions, type FitOptions } from '../training/options/fit'
import type { Teacher } from '../training/options/tasks'
import type { TrainerOptions } from '../training/options/train'
import { TrainerCore } from '../training/core'
import type { TrainingData } from '../training/loop/corpus'
import type { Evaluation } from '../training/evaluation/outcomes'
import type { ParameterGroup } from '../training/parameters/groups'
import type { FitResult } from '../training/loop/history'
import type { EpochReport } from '../training/loop/report'
import { resumeCore, type ResumeLoadOptions } from '../training/checkpoint/resume'

export interface ResumeOptions<S extends DeclaredHeads = NoHeads> {
  /**
   * Options of `Model.load`, except for the model's properties, which are those of the checkpoint. Dtype, device and threads default to those of
   * the run; with other values, results agree only within rounding.
   */
  load?: ResumeLoadOptions<S>
  /**
   * Options to compare with those of the run: ERR_CHECKPOINT names the first difference. By default nothing is compared. Required if a task's
   * `weight` is a function, because checkpoints do not contain functions.
   */
  options?: TrainerOptions
  /** The teacher of `distill`, for data whose vectors are not in the checkpoint. */
  teacher?: Teacher
  /** Start again on other data, with the weights and the optimizer state of the checkpoint. Defaults to false: other data is an error. */
  otherData?: boolean
  /**
   * Allow `fit` to have more `epochs` or `maxSteps` than the fit of the checkpoint. The schedule then spans the new length, so the learning rate
   * rises again if it had decreased; the warm-up and a schedule with `totalSteps` do not change. Defaults to false: another length is an error.
   */
  extend?: boolean
}

/** A parameter group, for printing. */
export type ParameterGroupInfo = Pick<ParameterGroup, 'name' | 'names' | 'count' | 'learningRate' | 'weightDecay'>

/**
 * Trains one model; created by `model.trainer(options)`. While it is open, heads cannot be added, removed or extended, and no other trainer can be
 * opened. `encode` and `predict` on the same model run between steps, with the current weights.
 */
export class Trainer<H extends HeadTypes = NoHeads> implements AsyncDisposable {
  readonly model: Model<H>
  readonly #core: TrainerCore

  /** Throws ERR_INVALID_ARGUMENT for invalid options, or if the model has an open trainer. */
  constructor(model: Model<H>, options?: TrainerOptions<H>)
  /** @internal For `resume`, which has created the core from a checkpoint. */
  constructor(model: Model<H>, options: object, core: TrainerCore)
  constructor(model: Model<H>, options: object = {}, core = new TrainerCore(loadedModelOf(model), options)) {
    this.model = model
    this.#core = core
  }

  /**
   * Opens a checkpoint with its model, which is `trainer.model`. For a folder of several (`saveEvery.keep`) it opens the newest complete one;
   * damaged ones are skipped with a warning (`SENTORCH_CHECKPOINT_DAMAGED`). Pass the next `trainEpoch` or `fit` the same data, and `fit` the same
   * options: training continues at the step of the checkpoint, with results that are bit-identical to an uninterrupted run.
   * Rejects with ERR_CHECKPOINT if the folder is not a checkpoint, is damaged or does not match; with ERR_INVALID_ARGUMENT; and with the errors of
   * `Model.load`.
   */
  static async resume<const S extends DeclaredHeads = NoHeads>(dir: string, options: ResumeOptions<S> = {}): Promise<Trainer<Declared<S>>> {
    return typed(async () => {
      const keys = keysOf<ResumeOptions>({ load: 1, options: 1, teacher: 1, otherData: 1, extend: 1 })
      const request = takeOptions('resume', options, keys)
      const { otherData, extend } = request
      if (otherData !== undefined) booleanOf('otherData', otherData)
      if (extend !== undefined) booleanOf('extend', extend)
      if (otherData && extend) throw refusal(`'otherData' starts a new fit, which 'extend' cannot make longer. Leave one of them out.`)
      const { model, core } = await resumeCore(folderOf('dir', dir), request, loadWithAccess)
      return new Trainer(model as Model<Declared<S>>, core.given, core)
    })
  }

  /** Number of finished epochs and applied steps, and the next step of the current epoch. */
  get position(): { epoch: number; step: number; applied: number } {
    const { epoch, step, applied } = this.#core.state
    return { epoch, step, applied }
  }

  /** The parameters that are trained, with their learning rate (at the peak of the schedule) and weight decay. Frozen ones are in no group. */
  async parameterGroups(): Promise<ParameterGroupInfo[]> {
    const { groups } = await typed(() => this.#core.session())
    return groups.map(({ name, names, count, learningRate, weightDecay }) => ({ name, names, count, learningRate, weightDecay }))
  }

  /**
   * Trains one pass over the data, or the rest of it after an abort with the same data. Pass several data sets by name.
   * Rejects with ERR_DATA (empty data, unknown labels, a head without labels), ERR_INVALID_ARGUMENT, ERR_ABORTED,
   * ERR_NON_FINITE after `maxSkippedSteps` consecutive steps, ERR_CHECKPOINT for other data after `resume`, ERR_FILE if checkpoints cannot be written
   * to the folder of `saveEvery`, ERR_CALLBACK if a callback fails, ERR_BUSY, ERR_DISPOSED or ERR_OUT_OF_MEMORY. Except after ERR_DISPOSED, the same call continues at the next step.
   */
  trainEpoch<K extends HeadTypes, const T extends TrainingData>(
    this: Trainer<K>,
    data: T & DataFor<K, T>,
    options?: EpochOptions<K>,
  ): Promise<EpochReport<K>>
  async trainEpoch(data: TrainingData, options?: EpochOptions): Promise<unknown> {
    return typed(() => this.#core.trainEpoch(takeData(data), resolveEpoch(options)))
  }

  /**
   * Trains several epochs, with evaluation, early stopping and saving of the best model. After an abort or `resume`, the same call continues.
   * Rejects like `trainEpoch` and `evaluate`, and with ERR_FILE if `saveBest` cannot be written.
   */
  fit<K extends HeadTypes, const T extends TrainingData, const M extends string = never>(
    this: Trainer<K>,
    train: T & DataFor<K, T>,
    options?: FitOptions<K, M>,
  ): Promise<FitResult<K, M>>
  async fit(train: TrainingData, options?: FitOptions): Promise<unknown> {
    const { options: resolved, model } = this.#core
    return typed(() => this.#core.fit(takeData(train), resolveFit(options, model.heads.list, resolved.schedule.epochs)))
  }

  /**
   * Computes the losses and metrics of every head that the data has labels for, with the current weights. Labels that a head does not have
   * count as wrong. Rejects with ERR_DATA if the data has no labels for any head, ERR_INVALID_ARGUMENT, ERR_NON_FINITE, ERR_CALLBACK if a function
   * in `metrics` fails, ERR_ABORTED, ERR_DISPOSED, ERR_OUT_OF_MEMORY.
   */
  evaluate<K extends HeadTypes, const M extends string = never>(
    this: Trainer<K>,
    data: TrainingData,
    options?: EvaluateOptions<K, M>,
  ): Promise<Evaluation<K, M>>
  async evaluate(data: TrainingData, options?: EvaluateOptions): Promise<unknown> {
    return typed(() => this.#core.evaluate(takeData(data), resolveEvaluate(options, this.#core.model.heads.list)))
  }

  /**
   * Writes everything that `Trainer.resume` needs, at the end of the current step: a model folder, which `Model.load` can open too, and the state
   * of training. It replaces an existing checkpoint or model once it is complete. Rejects with ERR_INVALID_ARGUMENT, ERR_FILE, ERR_NON_FINITE,
   * ERR_DISPOSED, ERR_OUT_OF_MEMORY.
   */
  async saveCheckpoint(dir: string): Promise<void> {
    return typed(() => this.#core.save(folderOf('dir', dir)))
  }

  /** Stops training (ERR_DISPOSED), frees the optimizer's memory and keeps the model with its weights. Idempotent. */
  dispose(): Promise<void> {
    return typed(() => this.#core.close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }
}
