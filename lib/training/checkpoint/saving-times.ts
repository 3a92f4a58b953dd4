import { asSentorchError } from '../../files/file-errors'
import type { ResolvedEpoch } from '../options/epoch'
import { warn } from '../../base/errors'

type Rule = NonNullable<ResolvedEpoch['saveEvery']>

/** When `saveEvery` asks for a checkpoint, over the epochs of one call. */
export class SavingTimes {
  readonly #rule: Rule | undefined
  readonly #save: (rule: Rule) => Promise<void>
  readonly #now: () => number
  #last: number

  constructor(rule: Rule | undefined, save: (rule: Rule) => Promise<void>, now: () => number = () => performance.now()) {
    this.#rule = rule
    this.#save = save
    this.#now = now
    this.#last = now()
  }

  /** Steps until the next save by steps. `attempted`: run since training began. */
  room(attempted: number): number {
    return this.#rule && this.#rule.steps < Infinity ? this.#rule.steps - (attempted % this.#rule.steps) : Infinity
  }

  /** At a step's end. What fails on the disk is a warning: hours of training are not given up for a checkpoint. */
  async saveIfDue(attempted: number): Promise<void> {
    if (!this.#rule) return
    const { steps, milliseconds } = this.#rule
    if (attempted % steps !== 0 && this.#now() - this.#last < milliseconds) return
    try {
      await this.#save(this.#rule)
    } catch (error) {
      const failure = asSentorchError(error)
      if (failure.code !== 'ERR_FILE') throw error
      warn('SENTORCH_CHECKPOINT_NOT_SAVED', `After ${attempted} steps no checkpoint was saved; training continues. ${failure.message}`)
    }
    this.#last = this.#now()
  }
}
