import type { ResolvedEpoch } from '../options/epoch'

/** When `saveEvery` asks for a checkpoint, over the epochs of one call. */
export class SavingTimes {
  readonly #rule: ResolvedEpoch['saveEvery']
  readonly #save: (dir: string) => Promise<void>
  readonly #now: () => number
  #last: number

  constructor(rule: ResolvedEpoch['saveEvery'], save: (dir: string) => Promise<void>, now: () => number = () => performance.now()) {
    this.#rule = rule
    this.#save = save
    this.#now = now
    this.#last = now()
  }

  /** Steps until the next save by steps. `attempted`: run since training began. */
  room(attempted: number): number {
    return this.#rule && this.#rule.steps < Infinity ? this.#rule.steps - (attempted % this.#rule.steps) : Infinity
  }

  /** At a step's end. */
  async saveIfDue(attempted: number): Promise<void> {
    if (!this.#rule) return
    const { dir, steps, milliseconds } = this.#rule
    if (attempted % steps !== 0 && this.#now() - this.#last < milliseconds) return
    await this.#save(dir)
    this.#last = this.#now()
  }
}
