import { invalid, integerIn, knownKeys, stringOf } from '../../base/check'
import { functionOf, keysOf, signalOf, takeOptions } from '../../base/arguments'
import type { HeadTypes, NoHeads } from '../../heads/definition'
import type { EpochProgress } from '../loop/progress'
import type { StepReport } from '../loop/report'

/**
 * Checkpoints during training, each at the end of a step. Set `steps`, `minutes` or both. If a save fails because of a full disk or another disk
 * error, training continues with a warning (`SENTORCH_CHECKPOINT_NOT_SAVED`), and saves again when the next checkpoint is due.
 */
export interface SaveEvery {
  /** Folder of the checkpoint. Each save replaces the previous one once it is complete. With `keep`: folder that contains several checkpoints. */
  dir: string
  /** Number of checkpoints to keep, at least 1: each save creates a folder in `dir`, and the oldest are removed. Without it, `dir` is the only checkpoint. */
  keep?: number
  /** After this many steps, counted from the start of training. */
  steps?: number
  /** After this many minutes since the last save or the start of the call; above 0. */
  minutes?: number
}

export interface EpochOptions<H extends HeadTypes = NoHeads> {
  /**
   * Called at most ten times per second, at least every 250 ms while steps run, and once at the end. If it returns a promise, the promise is awaited
   * before the next native call.
   */
  onProgress?: (progress: EpochProgress) => void
  /**
   * Called after each step and awaited before the next one, so that `trainer.saveCheckpoint`, `encode` and `predict` use the weights of exactly that
   * step. If it throws, the call rejects with ERR_CALLBACK; the trainer can be used afterwards.
   */
  onStep?: (step: StepReport<H>) => void | Promise<void>
  saveEvery?: SaveEvery
  /** Discards the current step; the promise rejects with ERR_ABORTED. Calling again with the same data continues the epoch. */
  signal?: AbortSignal
}

/** `EpochOptions` after every check. */
export interface ResolvedEpoch {
  onProgress: ((progress: EpochProgress) => unknown) | undefined
  onStep: EpochOptions['onStep']
  /** `keep` undefined: one checkpoint, which is `dir`. */
  saveEvery: { dir: string; keep: number | undefined; steps: number; milliseconds: number } | undefined
  signal: AbortSignal | undefined
}

export const EPOCH_KEYS = keysOf<EpochOptions>({ onProgress: 1, onStep: 1, saveEvery: 1, signal: 1 })

export function resolveEpoch(options: EpochOptions = {}): ResolvedEpoch {
  options = takeOptions('trainEpoch', options, EPOCH_KEYS)
  return epochOptions(options)
}

/** Checks the values of options whose keys have been checked. */
export function epochOptions(options: EpochOptions): ResolvedEpoch {
  return {
    onProgress: functionOf('onProgress', options.onProgress),
    onStep: functionOf('onStep', options.onStep),
    saveEvery: options.saveEvery === undefined ? undefined : saveEveryOf(options.saveEvery),
    signal: signalOf(options.signal),
  }
}

/** Fills in an infinite interval for an omitted `steps` or `minutes`. */
function saveEveryOf(option: SaveEvery): NonNullable<ResolvedEpoch['saveEvery']> {
  knownKeys('saveEvery', option, keysOf<SaveEvery>({ dir: 1, keep: 1, steps: 1, minutes: 1 }))
  const { dir, keep, steps, minutes } = option
  if (steps === undefined && minutes === undefined) throw invalid('saveEvery', "'steps' or 'minutes'", option)
  if (minutes !== undefined && (typeof minutes !== 'number' || !(minutes > 0))) {
    throw invalid('saveEvery.minutes', 'a number above 0', minutes)
  }
  return {
    dir: folderOf('saveEvery.dir', dir),
    keep: keep === undefined ? undefined : integerIn('saveEvery.keep', keep, 1, 1_000_000),
    steps: steps === undefined ? Infinity : integerIn('saveEvery.steps', steps, 1, Number.MAX_SAFE_INTEGER),
    milliseconds: minutes === undefined ? Infinity : minutes * 60_000,
  }
}

export function folderOf(name: string, value: unknown): string {
  if (stringOf(name, value) === '') throw invalid(name, 'the path of a folder', value)
  return value as string
}
