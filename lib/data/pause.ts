import { setImmediate } from 'node:timers/promises'
import { throwIfAborted } from '../base/errors'

/** Milliseconds of own work after which others get their turn. */
const TURN = 8

/**
 * For long loops: a function that lets the event loop go round when the loop has held the thread for a while. It rejects with ERR_ABORTED where
 * the signal was aborted meanwhile.
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
