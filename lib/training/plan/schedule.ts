import { refusal } from '../../base/arguments'
import type { ScheduleOptions, ScheduleShape } from '../options/train'

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
