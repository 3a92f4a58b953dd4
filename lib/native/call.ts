import type { NativeModel } from '../../binding'
import { aborted, ERROR_CODES, isSentorchError, SentorchError, throwIfAborted, type ErrorCode } from '../base/errors'

let tasks = 0

/** A number that identifies the native work of one call, so that it can be aborted. Unique in the process. */
export function nextTask(): number {
  return ++tasks
}

/** Errors of the addon carry a code; they become `SentorchError`s here. */
export async function fromNative<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise
  } catch (error) {
    if (isSentorchError(error)) throw error
    const { code, message } = error as { code?: string; message: string }
    const known = ERROR_CODES.includes(code as ErrorCode) ? (code as ErrorCode) : 'ERR_INTERNAL'
    throw new SentorchError(known, message, { cause: error })
  }
}

/** Runs work that `stop` ends early. `stop` is called after any failure and when `signal` aborts; the promise then rejects with ERR_ABORTED. */
export async function stoppable<T>(signal: AbortSignal | undefined, stop: () => void, work: () => Promise<T>): Promise<T> {
  throwIfAborted(signal)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    return await work()
  } catch (error) {
    if (signal?.aborted) throw aborted(signal)
    stop()
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

/** Runs native work with a new task number. If `signal` aborts or the work fails, requests with that number are dropped or end early. */
export function abortable<T>(
  native: Pick<NativeModel, 'abort'>,
  signal: AbortSignal | undefined,
  work: (task: number) => Promise<T>,
): Promise<T> {
  const task = nextTask()
  return stoppable(
    signal,
    () => native.abort(task),
    () => work(task),
  )
}

/** ERR_NON_FINITE for a row of a native result. `row`: its name in the message, such as `texts[3]`. */
export function nonFiniteRow(row: string, detail: Record<string, number>): SentorchError {
  return new SentorchError(
    'ERR_NON_FINITE',
    `The model's output for ${row} contains NaN or infinity: the weights are damaged or too large for this dtype.`,
    { detail },
  )
}
