/** Stable codes of the warnings that this library emits on `process`; `docs/errors.md` describes each. */
export const WARNING_CODES = ['SENTORCH_CHECKPOINT_DAMAGED', 'SENTORCH_CHECKPOINT_NOT_SAVED'] as const

export type WarningCode = (typeof WARNING_CODES)[number]

/** For what went wrong without ending the call. `process.on('warning')` hears of it; without a listener Node prints it. */
export function warn(code: WarningCode, message: string): void {
  process.emitWarning(message, { type: 'SentorchWarning', code })
}
