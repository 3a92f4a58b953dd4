import { invalid, knownKeys } from './check'
import { isSentorchError, SentorchError } from './errors'

/** Options that are used as they are, whatever they are made of: who they are matters, or they are read by somebody else. */
const KEPT: ReadonlySet<string> = new Set(['signal', 'teacher', 'model', 'evaluate'])

/** Far more than any option has: an array that only claims to be longer must not be walked through. */
const MAX_ITEMS = 2 ** 24

/**
 * Runs `read`, which looks at what a caller gave. What a getter or a proxy of theirs throws becomes ERR_INVALID_ARGUMENT with that as its
 * cause; `what` names the argument.
 */
export function reading<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (isSentorchError(cause)) throw cause
    throw new SentorchError('ERR_INVALID_ARGUMENT', `${what} could not be read: ${messageOf(cause)}`, { cause, detail: { name: what } })
  }
}

/** What `work` gives or throws, now, for later: the result throws it again. */
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
 * A copy of the arrays and plain objects in `value`. Each property is read once, here: what a caller changes afterwards, or a getter that
 * answers differently the next time, changes nothing. Anything else (functions, typed arrays, patterns, instances of classes) is kept.
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

/** The options of a call: a snapshot of those of its keys, inherited ones too. Refuses what is not an options object, and unknown keys. */
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

/** An error's own words, from whatever was thrown. */
export function messageOf(error: unknown): string {
  try {
    return error instanceof Error || isErrorLike(error) ? String((error as Error).message) : String(error)
  } catch {
    return 'something that cannot be printed was thrown'
  }
}

function isErrorLike(error: unknown): boolean {
  return typeof error === 'object' && error !== null && typeof (error as { message?: unknown }).message === 'string'
}

/** Whether an object is plain. By its prototype's prototype: one of another realm (jest's, a worker's) is plain too. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Sets a property, also for `__proto__`, which JSON.parse makes a property of its own. */
export function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
}

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
