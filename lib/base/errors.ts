/** Stable codes, part of the public API. `docs/errors.md` gives the cause and the remedy of each. */
export const ERROR_CODES = [
  'ERR_INVALID_ARGUMENT',
  'ERR_FILE',
  'ERR_MODEL_NOT_FOUND',
  'ERR_MODEL_FORMAT',
  'ERR_MODEL_UNSUPPORTED',
  'ERR_MODEL_MISMATCH',
  'ERR_UNSAFE_MODEL',
  'ERR_LIBTORCH_MISSING',
  'ERR_LIBTORCH_VERSION',
  'ERR_ADDON_MISSING',
  'ERR_DEVICE_UNAVAILABLE',
  'ERR_OUT_OF_MEMORY',
  'ERR_THREADS',
  'ERR_NON_FINITE',
  'ERR_BUSY',
  'ERR_ABORTED',
  'ERR_DISPOSED',
  'ERR_DOWNLOAD',
  'ERR_DATA',
  'ERR_CHECKPOINT',
  'ERR_CALLBACK',
  'ERR_INTERNAL',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

export interface SentorchErrorOptions {
  /** The underlying error, if any. */
  cause?: unknown
  /** Machine-readable facts: which file, which tensors, which locations were searched. */
  detail?: unknown
}

/** The class of all errors that this library throws. `code` is stable; `message` says what failed, where, and what to do. */
export class SentorchError extends Error {
  override readonly name = 'SentorchError'
  readonly code: ErrorCode
  readonly detail: unknown

  constructor(code: ErrorCode, message: string, options: SentorchErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.detail = options.detail
  }
}

/** True for a `SentorchError`, including one from another copy of the package or another realm (jest). */
export function isSentorchError(error: unknown): error is SentorchError {
  try {
    return typeof error === 'object' && error !== null && (error as { name?: unknown }).name === 'SentorchError'
  } catch {
    // The value is a proxy or has a getter that throws, so it is not a SentorchError.
    return false
  }
}

/** The error that an aborted operation rejects with. Its cause is the reason of the signal. */
export function aborted(signal?: AbortSignal): SentorchError {
  return new SentorchError('ERR_ABORTED', 'The operation was aborted.', { cause: signal?.reason })
}

export function throwIfAborted(signal?: AbortSignal): void {
  if (signal?.aborted) throw aborted(signal)
}

/** Stable codes of the warnings that this library emits on `process`; `docs/errors.md` describes each. */
export const WARNING_CODES = ['SENTORCH_CHECKPOINT_DAMAGED', 'SENTORCH_CHECKPOINT_NOT_SAVED', 'SENTORCH_REPORT_NOT_WRITTEN'] as const

export type WarningCode = (typeof WARNING_CODES)[number]

/** Reports a problem that does not make the call fail. Listeners of `process.on('warning')` receive it; Node prints it by default. */
export function warn(code: WarningCode, message: string): void {
  process.emitWarning(message, { type: 'SentorchWarning', code })
}
