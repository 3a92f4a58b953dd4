import { availableParallelism } from 'node:os'
import { aborted, SentorchError } from '../base/errors'

/** Bounds what one call of the tokenizers library holds of a libuv thread, and what its answer costs the JavaScript thread to read. */
const CHUNK_CHARS = 16_384

/** Jobs that are done before the list of those that wait is copied without them. */
const COMPACT_AT = 1024

interface Job<T> {
  text: string
  detailed: boolean
  signal: AbortSignal | undefined
  resolve: (value: T) => void
  reject: (error: unknown) => void
}

/**
 * Joins texts of many callers into chunks and has one chunk in flight at a time: libuv's four threads serve the whole process.
 * A job is settled once; jobs whose signal is aborted are dropped when their turn comes.
 */
export class TextQueue<T> {
  readonly #run: (texts: string[], detailed: boolean[]) => Promise<T[]>
  #waiting: Job<T>[] = []
  #next = 0
  #running = false
  #closed: SentorchError | undefined

  /** `detailed`: per text, whether its caller wants more than ids. */
  constructor(run: (texts: string[], detailed: boolean[]) => Promise<T[]>) {
    this.#run = run
  }

  submit(text: string, detailed: boolean, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(this.#closed)
      this.#waiting.push({ text, detailed, signal, resolve, reject })
      if (!this.#running) void this.#drain()
    })
  }

  /** Rejects what waits and what comes. */
  close(error: SentorchError): void {
    this.#closed = error
    for (const job of this.#waiting.slice(this.#next)) job.reject(error)
    this.#waiting = []
    this.#next = 0
  }

  async #drain(): Promise<void> {
    this.#running = true
    // One turn of the microtask queue, so that the texts of one call travel together.
    await Promise.resolve()
    for (let jobs = this.#take(); jobs.length > 0; jobs = this.#take()) await this.#settle(jobs)
    this.#running = false
  }

  #take(): Job<T>[] {
    const jobs: Job<T>[] = []
    let chars = 0
    for (; this.#next < this.#waiting.length; this.#next++) {
      const job = this.#waiting[this.#next]!
      if (job.signal?.aborted) {
        job.reject(aborted(job.signal))
        continue
      }
      if (jobs.length > 0 && chars + job.text.length > CHUNK_CHARS) break
      jobs.push(job)
      chars += job.text.length
    }
    // What is done must not be held: with a steady stream of callers the queue is never empty.
    if (this.#next >= COMPACT_AT || this.#next === this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#next)
      this.#next = 0
    }
    return jobs
  }

  async #settle(jobs: Job<T>[]): Promise<void> {
    try {
      const results = await this.#run(
        jobs.map((job) => job.text),
        jobs.map((job) => job.detailed),
      )
      jobs.forEach((job, i) => job.resolve(results[i]!))
    } catch (error) {
      if (jobs.length === 1) return jobs[0]!.reject(error)
      // One bad text must not fail its neighbours, which may be another caller's.
      for (const job of jobs) await this.#settle([job])
    }
  }
}

let started = false

/**
 * The tokenizers library starts its threads, one per processor, with the first batch of the process, and ends the process where the system refuses one.
 * So they are started while a model is loaded, after it was tried whether the system allows them. Rejects with ERR_THREADS.
 */
export async function startTokenizing(tokenize: () => Promise<unknown>, startableThreads: (count: number) => number): Promise<void> {
  if (started) return
  const needed = Number(process.env.RAYON_NUM_THREADS) || availableParallelism()
  const startable = startableThreads(needed)
  if (startable < needed) {
    throw new SentorchError(
      'ERR_THREADS',
      `Tokenizing needs ${needed} threads, and the system starts ${startable}: its limit on threads or its memory is used up. ` +
        'Set RAYON_NUM_THREADS to a smaller number, or raise the limit (ulimit -u, the pids limit of the container, TasksMax of the service).',
    )
  }
  await tokenize()
  started = true
}
