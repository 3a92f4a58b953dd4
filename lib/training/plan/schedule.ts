import { refusal } from '../../base/arguments'
import { integerIn, oneOf, shareOf } from '../../base/check'

/** A schedule in steps. */
export interface ResolvedSchedule {
  shape: ScheduleShape
  /** Steps until the full rate; 0: from the first. */
  warmup: number
  /** Steps until the end; null: not known (`constant` alone). */
  total: number | null
}

/**
 * The schedule once the number of steps is known; null: it is not (single epochs, and neither `epochs` nor `totalSteps` given).
 * ERR_INVALID_ARGUMENT: a shape or a ratio that needs a total, or a warm-up beyond it.
 */
export function resolveSchedule(options: ScheduleOptions, total: number | null): ResolvedSchedule {
  const shape = options.shape ?? (total === null ? 'constant' : 'linear')
  if (total === null && shape !== 'constant') throw needsTotal(`The schedule '${shape}'`)
  const warmup = options.warmupSteps ?? warmupOf(options.warmupRatio ?? (shape === 'constant' ? 0 : 0.1), total)
  if (total !== null && warmup > total) {
    throw refusal(`'warmupSteps' (${warmup}) is more than the ${total} steps of this training: the warm-up would never end.`)
  }
  return { shape, warmup, total }
}

function warmupOf(ratio: number, total: number | null): number {
  if (ratio === 0) return 0
  if (total === null) throw needsTotal(`'warmupRatio'`)
  // A product such as 0.29 · 100 lies below the whole number that is meant.
  return Math.max(1, Math.floor(ratio * total + 1e-9))
}

function needsTotal(what: string): Error {
  return refusal(`${what} needs to know how long training is: give the trainer 'epochs' or 'totalSteps', or use fit.`)
}

/**
 * What the rates are multiplied by at a step, counted from 0: applied steps so far. While step < warmup it is (step + 1) / warmup; then
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

/** Of `count` steps from `step` on, for the native side. */
export function multipliers(schedule: ResolvedSchedule, step: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => multiplier(schedule, step + i))
}

/** The schedule of a trainer's rates. */
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

/** What is known of the schedule before the data is: `lib/training/plan/schedule.ts` makes steps of it. */
export interface ScheduleOptions {
  /** Undefined: linear where a total is known, constant where none is. */
  shape: ScheduleShape | undefined
  /** At most one of the two; neither: 10 % for linear and cosine, none for constant. */
  warmupSteps: number | undefined
  warmupRatio: number | undefined
  /** At most one of the two; neither: `fit` says it. */
  epochs: number | undefined
  totalSteps: number | undefined
}

const MAX_STEPS = Number.MAX_SAFE_INTEGER

export function scheduleOf({ schedule, warmupSteps, warmupRatio, epochs, totalSteps }: ScheduleChoice): ScheduleOptions {
  if (warmupSteps !== undefined && warmupRatio !== undefined) {
    throw refusal(`'warmupSteps' and 'warmupRatio' were both given. Leave one out.`)
  }
  if (epochs !== undefined && totalSteps !== undefined) throw refusal(`'epochs' and 'totalSteps' were both given. Leave one out.`)
  const result: ScheduleOptions = {
    shape: schedule === undefined ? undefined : oneOf<ScheduleShape>('schedule', schedule, ['linear', 'cosine', 'constant']),
    warmupSteps: warmupSteps === undefined ? undefined : integerIn('warmupSteps', warmupSteps, 0, MAX_STEPS),
    warmupRatio: warmupRatio === undefined ? undefined : shareOf('warmupRatio', warmupRatio),
    epochs: epochs === undefined ? undefined : integerIn('epochs', epochs, 1, 1_000_000),
    totalSteps: totalSteps === undefined ? undefined : integerIn('totalSteps', totalSteps, 1, MAX_STEPS),
  }
  if (result.totalSteps !== undefined && (result.warmupSteps ?? 0) > result.totalSteps) {
    throw refusal(`'warmupSteps' (${warmupSteps}) is more than 'totalSteps' (${totalSteps}): the warm-up would never end.`)
  }
  return result
}
