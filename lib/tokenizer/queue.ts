import { availableParallelism } from 'node:os'
import { aborted, SentorchError } from '../base/errors'

/** Limits how long one call of the tokenizers library occupies a libuv thread, and how long JavaScript needs to read its result. */
const CHUNK_CHARS = 16_384

/** Number of finished jobs after which the list of waiting jobs is compacted. */
const COMPACT_AT = 1024

interface Job<T> {
  text: string
  detailed: boolean
  signal: AbortSignal | undefined
  resolve: (value: T) => void
  reject: (error: unknown) => void
}

/**
 * Combines texts of several callers into chunks and keeps one chunk in flight at a time, since libuv's four threads serve the whole process.
 * Each job is settled once. Jobs whose signal is aborted are dropped when their turn comes.
 */
export class TextQueue<T> {
  readonly #run: (texts: string[], detailed: boolean[]) => Promise<T[]>
  #waiting: Job<T>[] = []
  #next = 0
  #running = false
  #closed: SentorchError | undefined

  /** `detailed`: for each text, whether its caller needs more than ids. */
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

  /** Rejects waiting and future jobs. */
  close(error: SentorchError): void {
    this.#closed = error
    for (const job of this.#waiting.slice(this.#next)) job.reject(error)
    this.#waiting = []
    this.#next = 0
  }

  async #drain(): Promise<void> {
    this.#running = true
    // Waits one microtask, so that the texts of one call are in one chunk.
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
    // Finished jobs must not be retained: with a steady stream of callers the queue is never empty.
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
      // One invalid text must not fail the others, which may belong to another caller.
      for (const job of jobs) await this.#settle([job])
    }
  }
}

let started = false

/**
 * The tokenizers library starts its threads, one per processor, with the first batch of the process, and aborts the process if a thread cannot
 * be started. Therefore they are started while a model is loaded, after a check that the system allows them. Rejects with ERR_THREADS.
 */
export async function startTokenizing(tokenize: () => Promise<unknown>, startableThreads: (count: number) => number): Promise<void> {
  if (started) return
  const needed = Number(process.env.RAYON_NUM_THREADS) || availableParallelism()
  const startable = startableThreads(needed)
  if (startable < needed) {
    throw new SentorchError(
      'ERR_THREADS',
      `Tokenization needs ${needed} threads, but the system can start only ${startable}: its thread limit or its memory is exhausted. ` +
        'Set RAYON_NUM_THREADS to a smaller number, or raise the limit (ulimit -u, the pids limit of the container, TasksMax of the service).',
    )
  }
  await tokenize()
  started = true
}
