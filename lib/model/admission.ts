import { SentorchError } from '../base/errors'

/**
 * Bounds the bytes of work that a model has accepted and not yet finished. JavaScript is never blocked: beyond the bound a call is refused.
 * An idle model takes a request of any size, since none larger than the bound could ever run otherwise.
 */
export class Admission {
  readonly #limit: number
  #bytes = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Runs `work` with `bytes` counted until it settles. Rejects with ERR_BUSY when they do not fit. */
  async hold<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#limit) {
      throw new SentorchError(
        'ERR_BUSY',
        `The model's queue is full: ${this.#bytes} bytes wait, this call adds ${bytes}, the bound is ${this.#limit}. ` +
          `Wait for earlier calls, pass texts together in one call, or raise 'queueBytes' in Model.load.`,
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
