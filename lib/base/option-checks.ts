import { guarded } from './callbacks'
import { invalid } from './check'
import { SentorchError } from './errors'
import { reading } from './snapshot'

/** The names of an interface's options; the compiler refuses a list that misses one. */
export function keysOf<T>(keys: Record<keyof T & string, 1>): readonly (keyof T & string)[] {
  return Object.keys(keys) as (keyof T & string)[]
}

/** A function of the caller; what it throws is ERR_CALLBACK. */
export function functionOf<A extends unknown[], R>(name: string, value: ((...args: A) => R) | undefined): ((...args: A) => R) | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'function') throw invalid(name, 'a function', value)
  return guarded(name, value)
}

/** By its shape: a signal of another realm (a worker's, jest's) is one too. */
export function signalOf(value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined
  const { aborted, addEventListener, removeEventListener } = reading("'signal'", () => {
    const { aborted, addEventListener, removeEventListener } = (value ?? {}) as Partial<AbortSignal>
    return { aborted, addEventListener, removeEventListener }
  })
  if (typeof aborted !== 'boolean' || typeof addEventListener !== 'function' || typeof removeEventListener !== 'function') {
    throw invalid('signal', 'an AbortSignal', value)
  }
  return value as AbortSignal
}

/** The refusal of options that are sound each but do not go together, or not with this model. */
export function refusal(message: string): SentorchError {
  return new SentorchError('ERR_INVALID_ARGUMENT', message)
}
