import { integerIn, oneOf, shareOf } from '../../base/check'
import { refusal } from '../../base/arguments'

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
