import { setImmediate } from 'node:timers/promises'
import { throwIfAborted } from '../base/errors'

/** Milliseconds of uninterrupted work after which the event loop gets a turn. */
const TURN = 8

/**
 * For long loops: returns a function that yields to the event loop if the loop has held the thread for too long. It rejects with ERR_ABORTED
 * if the signal was aborted in the meantime.
 */
export function breather(signal?: AbortSignal): () => Promise<void> | undefined {
  let since = performance.now()
  return () => {
    if (performance.now() - since < TURN) return undefined
    return setImmediate().then(() => {
      since = performance.now()
      throwIfAborted(signal)
    })
  }
}
