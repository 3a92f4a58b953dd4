import { availableParallelism } from 'node:os'
import { SentorchError } from '../base/errors'

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
