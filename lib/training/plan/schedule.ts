import { refusal } from '../../base/arguments'
import { integerIn, oneOf, shareOf } from '../../base/check'

/** A schedule in steps. */
export interface ResolvedSchedule {
  shape: ScheduleShape
  /** Number of steps until the full rate; 0: from the first step. */
  warmup: number
  /** Number of steps until the end; null: not known (only for `constant`). */
  total: number | null
}

/**
 * The schedule in steps. `total` is null if the number of steps is not known (single epochs without `epochs` or `totalSteps`).
 * ERR_INVALID_ARGUMENT if the shape or the ratio requires a total, or if the warm-up is longer than the total.
 */
export function resolveSchedule(options: ScheduleOptions, total: number | null): ResolvedSchedule {
  const shape = options.shape ?? (total === null ? 'constant' : 'linear')
  if (total === null && shape !== 'constant') throw needsTotal(`The schedule '${shape}'`)
  const warmup = options.warmupSteps ?? warmupOf(options.warmupRatio ?? (shape === 'constant' ? 0 : 0.1), total)
  if (total !== null && warmup > total) {
    throw refusal(`'warmupSteps' (${warmup}) exceeds the ${total} steps of this training, so the warm-up would never end.`)
  }
  return { shape, warmup, total }
}

function warmupOf(ratio: number, total: number | null): number {
  if (ratio === 0) return 0
  if (total === null) throw needsTotal(`'warmupRatio'`)
  // A product such as 0.29 · 100 is slightly below the intended integer.
  return Math.max(1, Math.floor(ratio * total + 1e-9))
}

function needsTotal(what: string): Error {
  return refusal(`${what} requires the length of the training: set 'epochs' or 'totalSteps' of the trainer, or use fit.`)
}

/**
 * The factor of the learning rates at a step (the number of applied steps before it). While step < warmup it is (step + 1) / warmup; then
 * linear: (total − step) / (total − warmup); cosine: ½(1 + cos(π · (step − warmup) / (total − warmup))), as transformers'
 * `get_cosine_schedule_with_warmup`; 0 from the total on.
 */
export function multiplier({ shape, warmup, total }: ResolvedSchedule, step: number): number {
  if (step < warmup) return (step + 1) / warmup
  if (shape === 'constant' || total === null) return 1
  if (step >= total) return 0
  return shape === 'linear'
    ? (total - step) / (total - warmup)
    : 0.5 * (1 + Math.cos(Math.PI * 2 * 0.5 * ((step - warmup) / (total - warmup))))
}

/** The factors of `count` steps from `step` on, for the native side. */
export function multipliers(schedule: ResolvedSchedule, step: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => multiplier(schedule, step + i))
}

/** The schedule of a trainer's learning rates. */
export interface ScheduleChoice {
  /** Shape of the learning rate after the warm-up. Defaults to `linear` if the length of the training is known, otherwise to `constant`. */
  schedule?: ScheduleShape
  /** Number of warm-up steps. Cannot be combined with `warmupRatio`. */
  warmupSteps?: number
  /** Share of all steps for the warm-up, 0..1, rounded down, at least one step unless 0. Defaults to 0.1, or to 0 for `constant`. */
  warmupRatio?: number
  /** Epochs that the schedule spans. Defaults to those of `fit`. */
  epochs?: number
  /** Steps that the schedule spans, instead of `epochs`. */
  totalSteps?: number
}

export type ScheduleShape = 'linear' | 'cosine' | 'constant'

/** The schedule as far as it is known before the data; `resolveSchedule` converts it to steps. */
export interface ScheduleOptions {
  /** Undefined: linear if a total is known, otherwise constant. */
  shape: ScheduleShape | undefined
  /** At most one of the two is set. If neither is: 10 % for linear and cosine, none for constant. */
  warmupSteps: number | undefined
  warmupRatio: number | undefined
  /** At most one of the two is set. If neither is, `fit` determines the length. */
  epochs: number | undefined
  totalSteps: number | undefined
}

const MAX_STEPS = Number.MAX_SAFE_INTEGER

export function scheduleOf({ schedule, warmupSteps, warmupRatio, epochs, totalSteps }: ScheduleChoice): ScheduleOptions {
  if (warmupSteps !== undefined && warmupRatio !== undefined) {
    throw refusal(`'warmupSteps' and 'warmupRatio' were both given. Leave one of them out.`)
  }
  if (epochs !== undefined && totalSteps !== undefined) throw refusal(`'epochs' and 'totalSteps' were both given. Leave one of them out.`)
  const result: ScheduleOptions = {
    shape: schedule === undefined ? undefined : oneOf<ScheduleShape>('schedule', schedule, ['linear', 'cosine', 'constant']),
    warmupSteps: warmupSteps === undefined ? undefined : integerIn('warmupSteps', warmupSteps, 0, MAX_STEPS),
    warmupRatio: warmupRatio === undefined ? undefined : shareOf('warmupRatio', warmupRatio),
    epochs: epochs === undefined ? undefined : integerIn('epochs', epochs, 1, 1_000_000),
    totalSteps: totalSteps === undefined ? undefined : integerIn('totalSteps', totalSteps, 1, MAX_STEPS),
  }
  if (result.totalSteps !== undefined && (result.warmupSteps ?? 0) > result.totalSteps) {
    throw refusal(`'warmupSteps' (${warmupSteps}) exceeds 'totalSteps' (${totalSteps}), so the warm-up would never end.`)
  }
  return result
}
