import { invalid } from '../check'
import { SentorchError } from '../errors'

/** The names of an interface's options; the compiler refuses a list that misses one. */
export function keysOf<T>(keys: Record<keyof T & string, 1>): readonly (keyof T & string)[] {
  return Object.keys(keys) as (keyof T & string)[]
}

export function functionOf<F>(name: string, value: F | undefined): F | undefined {
  if (value !== undefined && typeof value !== 'function') throw invalid(name, 'a function', value)
  return value
}

/** By its shape: a signal of another realm (a worker's, jest's) is one too. */
export function signalOf(value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined
  const { aborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>
  if (typeof aborted !== 'boolean' || typeof addEventListener !== 'function') {
    throw invalid('signal', 'an AbortSignal', value)
  }
  return value as AbortSignal
}

/** The refusal of options that are sound each but do not go together, or not with this model. */
export function refusal(message: string): SentorchError {
  return new SentorchError('ERR_INVALID_ARGUMENT', message)
}
