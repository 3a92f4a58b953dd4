/** Runs asynchronous functions one at a time, in the order in which they were submitted. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    // A failure is reported to its own caller; the next function still runs.
    this.#last = turn.catch(() => {})
    return turn
  }
}
