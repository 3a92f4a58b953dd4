/** Progress of the current epoch. */
export interface EpochProgress {
  /** Number of the epoch, from 0. */
  epoch: number
  /** Number of epochs of the fit; not set for a single epoch. */
  epochs?: number
  /** Completed steps of the epoch, and its total number of steps. */
  step: number
  steps: number
  examples: number
  totalExamples: number
  tokens: number
  /** Seconds since the start of this call. */
  seconds: number
  /** Estimated seconds until the end of the epoch; Infinity before the first step. */
  eta: number
  examplesPerSecond: number
  tokensPerSecond: number
  /** Mean loss of the epoch so far, computed as in its report; NaN before the first step that was applied. */
  loss: number
  /** The largest learning rate of any parameter group in the last step. */
  learningRate: number
  skippedSteps: number
}

export type EpochFacts = Omit<EpochProgress, 'seconds' | 'eta' | 'examplesPerSecond' | 'tokensPerSecond'>

/** Minimum time between two calls. Ten per second are enough for a display and do not slow down training. */
const INTERVAL_MS = 100

/** Reports progress to one listener, at most ten times per second and once at the end of the epoch. */
export class ProgressReporter {
  readonly #listener: ((progress: EpochProgress) => unknown) | undefined
  readonly #now: () => number
  readonly #start: Pick<EpochFacts, 'step' | 'examples' | 'tokens'> & { time: number }
  #last = -Infinity

  /** `from`: the steps of the epoch that were completed before this call. */
  constructor(
    listener: ((progress: EpochProgress) => unknown) | undefined,
    from: Pick<EpochFacts, 'step' | 'examples' | 'tokens'>,
    now: () => number = () => performance.now(),
  ) {
    this.#listener = listener
    this.#now = now
    this.#start = { ...from, time: now() }
  }

  /** `facts` is called only if the listener is. `always`: regardless of the time since the last call. Resolves when the listener has returned. */
  async tell(facts: () => EpochFacts, always = false): Promise<void> {
    const now = this.#now()
    if (!this.#listener || (!always && now - this.#last < INTERVAL_MS)) return
    this.#last = now
    const current = facts()
    const seconds = (now - this.#start.time) / 1000
    const steps = current.step - this.#start.step
    const pace = (count: number) => (seconds > 0 ? count / seconds : 0)
    await this.#listener({
      ...current,
      seconds,
      eta: current.step >= current.steps ? 0 : steps === 0 ? Infinity : ((current.steps - current.step) * seconds) / steps,
      examplesPerSecond: pace(current.examples - this.#start.examples),
      tokensPerSecond: pace(current.tokens - this.#start.tokens),
    })
  }
}
