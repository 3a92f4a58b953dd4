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
