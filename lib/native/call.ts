import { ERROR_CODES, isSentorchError, SentorchError, type ErrorCode } from '../base/errors'

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
