import { invalid, knownKeys } from './check'
import { isSentorchError, SentorchError } from './errors'

/** Options that are passed through without a copy: their identity matters, or other code reads them. */
const KEPT: ReadonlySet<string> = new Set(['signal', 'teacher', 'model', 'evaluate'])

/** Far above the length of any real option. It stops an object that only claims to be a very long array. */
const MAX_ITEMS = 2 ** 24

/**
 * Runs `read`, which inspects a caller's value. An exception from the caller's getter or proxy becomes ERR_INVALID_ARGUMENT with that
 * exception as its cause. `what` names the argument.
 */
export function reading<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (isSentorchError(cause)) throw cause
    throw new SentorchError('ERR_INVALID_ARGUMENT', `${what} could not be read: ${messageOf(cause)}`, { cause, detail: { name: what } })
  }
}

/** Runs `work` now and returns a function that returns its result or throws its error. */
export function outcomeOf<T>(work: () => T): () => T {
  try {
    const value = work()
    return () => value
  } catch (error) {
    return () => {
      throw error
    }
  }
}

/**
 * A deep copy of the arrays and plain objects in `value`. Each property is read exactly once, so later changes by the caller, or a getter that
 * answers differently the next time, have no effect. Other values (functions, typed arrays, regular expressions, class instances) are not copied.
 */
export function snapshot<T>(what: string, value: T): T {
  const copies = new Map<unknown, unknown>()
  const copyOf = (each: unknown): unknown => {
    if (typeof each !== 'object' || each === null || !(Array.isArray(each) || isPlain(each))) return each
    if (copies.has(each)) return copies.get(each)
    const copy: unknown[] | Record<string, unknown> = Array.isArray(each) ? [] : {}
    copies.set(each, copy)
    if (Array.isArray(copy)) {
      const { length } = each as unknown[]
      if (length > MAX_ITEMS) throw invalid(what, `at most ${MAX_ITEMS} items`, each)
      for (let i = 0; i < length; i++) copy.push(copyOf((each as unknown[])[i]))
    } else {
      for (const key of Object.keys(each)) define(copy, key, copied(key, (each as Record<string, unknown>)[key]))
    }
    return copy
  }
  const copied = (key: string, each: unknown) => (KEPT.has(key) ? each : copyOf(each))
  return reading(what, () => copyOf(value) as T)
}

/** Copies the allowed options of a call, inherited ones included. Rejects anything but an options object, and unknown keys. */
export function takeOptions<T>(call: string, options: T, keys: readonly string[]): T {
  return reading(`The options of ${call}`, () => {
    knownKeys(call, options, keys)
    const taken: Record<string, unknown> = {}
    for (const key of keys) {
      const value = (options as Record<string, unknown>)[key]
      if (value !== undefined) taken[key] = KEPT.has(key) ? value : snapshot(`'${key}'`, value)
    }
    return taken as T
  })
}

/** The message of whatever was thrown. */
function messageOf(error: unknown): string {
  try {
    return error instanceof Error || isErrorLike(error) ? String((error as Error).message) : String(error)
  } catch {
    return 'something that cannot be printed was thrown'
  }
}

function isErrorLike(error: unknown): boolean {
  return typeof error === 'object' && error !== null && typeof (error as { message?: unknown }).message === 'string'
}

/** Whether an object is plain. It checks the prototype's prototype, so that plain objects of another realm (jest, a worker) count too. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Sets a property, including `__proto__`, which JSON.parse creates as an own property. */
export function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
}

/**
 * Wraps an error from a caller's function or iterable as ERR_CALLBACK, with the same message and the error as its cause. `name` is the name of
 * the callback. A SentorchError is returned unchanged, since the callback may itself call sentorch.
 */
function fromCaller(name: string, thrown: unknown): SentorchError {
  if (isSentorchError(thrown)) return thrown
  return new SentorchError('ERR_CALLBACK', messageOf(thrown), { cause: thrown, detail: { callback: name } })
}

/** Wraps a caller's function so that its errors, thrown or rejected, go through `fromCaller`. */
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

/** Waits for the result of a caller's callback, or returns undefined as soon as `signal` aborts. */
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

/** The items of a caller's iterable, which is closed when reading stops early. Errors, including those of closing it, go through `fromCaller`. */
export async function* itemsOf<T>(name: string, source: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T> {
  try {
    for await (const item of source) yield item
  } catch (thrown) {
    throw fromCaller(name, thrown)
  }
}

/** Whether `for await` can read the value. Strings are excluded: iterating over their characters is never intended. */
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

/** The names of an interface's options. The compiler rejects a list that omits one. */
export function keysOf<T>(keys: Record<keyof T & string, 1>): readonly (keyof T & string)[] {
  return Object.keys(keys) as (keyof T & string)[]
}

/** Checks a function that the caller passed. If it throws, the call rejects with ERR_CALLBACK. */
export function functionOf<A extends unknown[], R>(name: string, value: ((...args: A) => R) | undefined): ((...args: A) => R) | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'function') throw invalid(name, 'a function', value)
  return guarded(name, value)
}

/** Checks by shape, so that a signal of another realm (a worker, jest) is accepted too. */
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

/** An error for options that are valid on their own but conflict with each other or with the model. */
export function refusal(message: string): SentorchError {
  return new SentorchError('ERR_INVALID_ARGUMENT', message)
}
