import { SentorchError } from '../base/errors'

/**
 * Limits the memory held by queued work of a model. JavaScript is never blocked: a call that would exceed the limit is refused.
 * An idle model accepts a call of any size, because a call above the limit could never run otherwise.
 */
export class Admission {
  readonly #limit: number
  #bytes = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Runs `work`, and counts `bytes` until it settles. Rejects with ERR_BUSY if they exceed the limit. */
  async hold<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#limit) {
      throw new SentorchError(
        'ERR_BUSY',
        `The model's queue is full: ${this.#bytes} bytes are waiting, this call adds ${bytes}, and the limit is ${this.#limit}. ` +
          `Wait for earlier calls, pass the texts together in one call, or raise 'queueBytes' in Model.load.`,
        { detail: { waiting: this.#bytes, added: bytes, limit: this.#limit } },
      )
    }
    this.#bytes += bytes
    try {
      return await work()
    } finally {
      this.#bytes -= bytes
    }
  }
}

/** Runs asynchronous functions one at a time, in the order in which they were submitted. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    // A failure is reported to its own caller; the next function still runs.
    this.#last = result.catch(() => {})
    return result
  }
}
