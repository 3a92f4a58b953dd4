import { invalid, integerIn, knownKeys, stringOf } from '../../base/check'
import { functionOf, keysOf, signalOf, takeOptions } from '../../base/arguments'
import type { EpochProgress } from '../loop/progress'
import type { StepReport } from '../loop/report'

/**
 * Checkpoints while training runs, at the end of a step. Give `steps`, `minutes` or both. A save that fails for lack of space or another error of
 * the disk does not end training: it is a warning (`SENTORCH_CHECKPOINT_NOT_SAVED`), and the next one is tried when it is due.
 */
export interface SaveEvery {
  /** The checkpoint's folder. Each save replaces the one before it when it is whole. With `keep`: a folder of several checkpoints. */
  dir: string
  /** Number of checkpoints to keep, at least 1: each save makes a folder in `dir`, and the oldest are removed. Without it `dir` is the one checkpoint. */
  keep?: number
  /** After this many steps, counted from the start of training. */
  steps?: number
  /** When this many minutes went by since the last save, or since the call began. More than 0. */
  minutes?: number
}

export interface EpochOptions {
  /** Called at most ten times a second, and once at the end. A promise that it gives is awaited. */
  onProgress?: (progress: EpochProgress) => void
  /**
   * After each step; awaited before the next one begins, so that `trainer.saveCheckpoint`, `encode` and `predict` see the weights of just that
   * step. What it throws ends the call with ERR_CALLBACK; the trainer can go on afterwards.
   */
  onStep?: (step: StepReport) => void | Promise<void>
  saveEvery?: SaveEvery
  /** The step under way is dropped whole; the promise rejects with ERR_ABORTED. The same data continues the epoch where it stopped. */
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

/** Of options whose keys have been checked. */
export function epochOptions(options: EpochOptions): ResolvedEpoch {
  return {
    onProgress: functionOf('onProgress', options.onProgress),
    onStep: functionOf('onStep', options.onStep),
    saveEvery: options.saveEvery === undefined ? undefined : saveEveryOf(options.saveEvery),
    signal: signalOf(options.signal),
  }
}

/** Without `steps` or `minutes` that side never asks for a save. */
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
