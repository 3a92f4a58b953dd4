import { refusal } from '../../base/arguments'
import { integerIn, oneOf, shareOf } from '../../base/check'
import { afterScore, FULL_RATE, plateauOf, type PlateauOptions, type PlateauState, type ResolvedPlateau } from './plateau'

/** A schedule in steps. */
export interface ResolvedSchedule {
  shape: ScheduleShape
  /** Number of steps until the full rate; 0: from the first step. */
  warmup: number
  /** Number of steps until the end; null: not known (only for `constant`). */
  total: number | null
  /** For `plateau`: what the evaluations so far have decided. */
  plateau?: PlateauState
}

/**
 * The schedule in steps. `total` is null if the number of steps is not known (single epochs without `epochs` or `totalSteps`).
 * ERR_INVALID_ARGUMENT if the shape or the ratio requires a total, or if the warm-up is longer than the total.
 */
export function resolveSchedule(options: ScheduleOptions, total: number | null): ResolvedSchedule {
  const shape = options.shape ?? (total === null ? 'constant' : 'linear')
  const isLevel = shape === 'constant' || shape === 'plateau'
  if (total === null && !isLevel) throw needsTotal(`The schedule '${shape}'`)
  const warmup = options.warmupSteps ?? warmupOf(options.warmupRatio ?? (isLevel ? 0 : 0.1), total)
  if (total !== null && warmup > total) {
    throw refusal(`'warmupSteps' (${warmup}) exceeds the ${total} steps of this training, so the warm-up would never end.`)
  }
  return { shape, warmup, total, ...(shape === 'plateau' && { plateau: FULL_RATE }) }
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
 * `get_cosine_schedule_with_warmup`; 0 from the total on;
 * plateau: the product of all reductions, which also applies during the warm-up.
 */
export function multiplier({ shape, warmup, total, plateau }: ResolvedSchedule, step: number): number {
  const level = plateau?.multiplier ?? 1
  if (step < warmup) return (level * (step + 1)) / warmup
  if (shape === 'constant' || shape === 'plateau' || total === null) return level
  if (step >= total) return 0
  return shape === 'linear'
    ? (total - step) / (total - warmup)
    : 0.5 * (1 + Math.cos(Math.PI * 2 * 0.5 * ((step - warmup) / (total - warmup))))
}

/** The schedule after an evaluation. */
export function scheduleAfter(schedule: ResolvedSchedule, score: number, { plateau }: ScheduleOptions): ResolvedSchedule {
  return plateau && schedule.plateau ? { ...schedule, plateau: afterScore(schedule.plateau, score, plateau) } : schedule
}

/** The factors of `count` steps from `step` on, for the native side. */
export function multipliers(schedule: ResolvedSchedule, step: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => multiplier(schedule, step + i))
}

/** The schedule of a trainer's learning rates. */
export interface ScheduleChoice {
  /**
   * Shape of the learning rate after the warm-up. Defaults to `linear` if the length of the training is known, otherwise to `constant`.
   * `plateau` keeps the rate and reduces it when the score of the evaluations in `fit` stops improving.
   */
  schedule?: ScheduleShape
  /** When `plateau` reduces the rate. */
  plateau?: PlateauOptions
  /** Number of warm-up steps. Cannot be combined with `warmupRatio`. */
  warmupSteps?: number
  /** Share of all steps for the warm-up, 0..1, rounded down, at least one step unless 0. Defaults to 0.1, or to 0 for `constant` and `plateau`. */
  warmupRatio?: number
  /** Epochs that the schedule spans. Defaults to those of `fit`. */
  epochs?: number
  /** Steps that the schedule spans, instead of `epochs`. */
  totalSteps?: number
}

export const SHAPES = ['linear', 'cosine', 'constant', 'plateau'] as const

export type ScheduleShape = (typeof SHAPES)[number]

/** The schedule as far as it is known before the data; `resolveSchedule` converts it to steps. */
export interface ScheduleOptions {
  /** Undefined: linear if a total is known, otherwise constant. */
  shape: ScheduleShape | undefined
  /** Only for the shape `plateau`. */
  plateau: ResolvedPlateau | undefined
  /** At most one of the two is set. If neither is: 10 % for linear and cosine, none for constant. */
  warmupSteps: number | undefined
  warmupRatio: number | undefined
  /** At most one of the two is set. If neither is, `fit` determines the length. */
  epochs: number | undefined
  totalSteps: number | undefined
}

const MAX_STEPS = Number.MAX_SAFE_INTEGER

export function scheduleOf({ schedule, plateau, warmupSteps, warmupRatio, epochs, totalSteps }: ScheduleChoice): ScheduleOptions {
  if (warmupSteps !== undefined && warmupRatio !== undefined) {
    throw refusal(`'warmupSteps' and 'warmupRatio' were both given. Leave one of them out.`)
  }
  if (plateau !== undefined && schedule !== 'plateau') throw refusal(`'plateau' requires schedule: 'plateau'.`)
  if (epochs !== undefined && totalSteps !== undefined) throw refusal(`'epochs' and 'totalSteps' were both given. Leave one of them out.`)
  const result: ScheduleOptions = {
    shape: schedule === undefined ? undefined : oneOf('schedule', schedule, SHAPES),
    plateau: schedule === 'plateau' ? plateauOf(plateau) : undefined,
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
