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
  /**
   * Estimated seconds until the end of the epoch, from the tokens that are left and the speed for the second half of those so far; Infinity before
   * the first step.
   */
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

/** Maximum time between two calls while a step runs. */
const LONGEST_MS = 200

/** The numbers that rates are computed from, at one time. */
type Point = Pick<EpochFacts, 'step' | 'examples' | 'tokens'> & { time: number }

/** Reports progress to one listener: at most ten times per second, at least every 250 ms, and once at the end of the epoch. */
export class ProgressReporter {
  readonly #listener: ((progress: EpochProgress) => unknown) | undefined
  readonly #totalTokens: number
  readonly #now: () => number
  readonly #start: Point
  /** The second half of the tokens so far, oldest point first: the first steps are slower, because they fill caches. */
  readonly #recent: Point[]
  #last = -Infinity

  /** `from`: what was completed before this call. `totalTokens`: tokens of the epoch. */
  constructor(
    listener: ((progress: EpochProgress) => unknown) | undefined,
    from: Pick<EpochFacts, 'step' | 'examples' | 'tokens'>,
    totalTokens: number,
    now: () => number = () => performance.now(),
  ) {
    this.#listener = listener
    this.#totalTokens = totalTokens
    this.#now = now
    this.#start = { ...from, time: now() }
    this.#recent = [this.#start]
  }

  /** `facts` is called only if the listener is. `always`: regardless of the time since the last call. Resolves when the listener has returned. */
  async tell(facts: () => EpochFacts, always = false): Promise<void> {
    const now = this.#now()
    if (!this.#listener || (!always && now - this.#last < INTERVAL_MS)) return
    this.#last = now
    const current = facts()
    this.#note(current, now)
    const seconds = (now - this.#start.time) / 1000
    const pace = (count: number) => (seconds > 0 ? count / seconds : 0)
    await this.#listener({
      ...current,
      seconds,
      eta: this.#eta(current, now),
      examplesPerSecond: pace(current.examples - this.#start.examples),
      tokensPerSecond: pace(current.tokens - this.#start.tokens),
    })
  }

  /** Tells the same facts again and again, with the time that has passed, until `work` has ended. */
  async during<T>(work: Promise<T>, facts: () => EpochFacts): Promise<T> {
    if (!this.#listener) return work
    let telling = Promise.resolve()
    let failed: { error: unknown } | undefined
    const timer = setInterval(() => {
      if (this.#now() - this.#last < LONGEST_MS) return
      telling = telling.then(() => this.tell(facts)).catch((error: unknown) => void (failed ??= { error }))
    }, LONGEST_MS / 4)
    try {
      return await work
    } finally {
      clearInterval(timer)
      await telling
      if (failed) throw failed.error // eslint-disable-line no-unsafe-finally -- the listener's error is the first one
    }
  }

  #note({ step, examples, tokens }: EpochFacts, time: number): void {
    if (tokens > this.#recent.at(-1)!.tokens) this.#recent.push({ step, examples, tokens, time })
    const half = (this.#start.tokens + tokens) / 2
    while (this.#recent.length > 2 && this.#recent[1]!.tokens <= half) this.#recent.shift()
  }

  #eta({ step, steps, tokens }: EpochFacts, now: number): number {
    if (step >= steps) return 0
    const [from, to] = [this.#recent[0]!, this.#recent.at(-1)!]
    if (to.tokens === from.tokens) return Infinity
    const perToken = (to.time - from.time) / (to.tokens - from.tokens)
    // The step that is running has used some of the time that is left.
    return Math.max(0, (this.#totalTokens - tokens) * perToken - (now - to.time)) / 1000
  }
}
