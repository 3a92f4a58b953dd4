import { isSentorchError, SentorchError } from './errors'
import { messageOf } from './snapshot'

/**
 * What a caller's function or iterable threw, as ERR_CALLBACK: in its own words, with the error itself as the cause. `name` says whose it was.
 * An error of ours passes: the caller's code may well call us.
 */
function fromCaller(name: string, thrown: unknown): SentorchError {
  if (isSentorchError(thrown)) return thrown
  return new SentorchError('ERR_CALLBACK', messageOf(thrown), { cause: thrown, detail: { callback: name } })
}

/** A caller's function whose errors, thrown or rejected, are `fromCaller`. */
export function guarded<A extends unknown[], R>(name: string, call: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    try {
      const result = call(...args)
      return isThenable(result) ? (result.then(undefined, (thrown) => raise(fromCaller(name, thrown))) as R) : result
    } catch (thrown) {
      throw fromCaller(name, thrown)
    }
  }
}

/** Waits for what a caller's callback returned, but not past an abort of `signal`: then it is undefined. */
export async function untilAborted<T>(returned: T, signal: AbortSignal): Promise<Awaited<T> | undefined> {
  let stop = () => {}
  const stopped = new Promise<undefined>((resolve) => (stop = () => resolve(undefined)))
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([returned, signal.aborted ? undefined : stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** The items of a caller's iterable, which is closed when the reader stops early. Its errors, of closing too, are `fromCaller`. */
export async function* itemsOf<T>(name: string, source: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T> {
  try {
    for await (const item of source) yield item
  } catch (thrown) {
    throw fromCaller(name, thrown)
  }
}

/** Whether `for await` can read it. A string can be, letter by letter, and is not meant so by anybody. */
export function isIterable(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof value !== 'object' || value === null) return false
  const { [Symbol.asyncIterator]: asynchronous, [Symbol.iterator]: synchronous } = value as Partial<
    AsyncIterable<unknown> & Iterable<unknown>
  >
  return typeof asynchronous === 'function' || typeof synchronous === 'function'
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

function raise(error: Error): never {
  throw error
}
