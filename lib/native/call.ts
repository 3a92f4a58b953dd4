import type { NativeModel } from '../../binding'
import { aborted, ERROR_CODES, isSentorchError, SentorchError, throwIfAborted, type ErrorCode } from '../base/errors'

let tasks = 0

/** A number for one piece of native work, by which it can be aborted; unique in the process. */
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

/**
 * Runs native work under a task number of its own. If `signal` aborts, requests with that number end early and the promise rejects with
 * ERR_ABORTED; after any failure, requests that still wait are dropped.
 */
export async function abortable<T>(
  native: Pick<NativeModel, 'abort'>,
  signal: AbortSignal | undefined,
  work: (task: number) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal)
  const task = nextTask()
  const stop = () => native.abort(task)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    return await work(task)
  } catch (error) {
    if (signal?.aborted) throw aborted(signal)
    stop()
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

/** ERR_NON_FINITE for a row of a native result. `row`: its name in the message, such as `texts[3]`. */
export function nonFiniteRow(row: string, detail: Record<string, number>): SentorchError {
  return new SentorchError(
    'ERR_NON_FINITE',
    `The model's output for ${row} contains NaN or infinity: the weights are damaged or too large for this dtype.`,
    { detail },
  )
}
