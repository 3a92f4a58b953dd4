/** Lets pieces of work run one at a time, in the order in which they came. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    // A failure is its caller's; the next in line goes on.
    this.#last = turn.catch(() => {})
    return turn
  }
}
