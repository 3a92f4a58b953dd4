import { SentorchError } from './errors'
import { elsewhere, ourOption } from './words'

/** The common form of an invalid argument error: "Expected X for name, received Y." */
export function invalid(name: string, expected: string, received: unknown): SentorchError {
  return new SentorchError('ERR_INVALID_ARGUMENT', `Expected ${expected} for ${name}, received ${describe(received)}.`, {
    detail: { name, expected },
  })
}

/** A short, printable description of a value: strings are cut, objects are named by their class. */
export function describe(value: unknown): string {
  try {
    return inWords(value)
  } catch {
    return 'a value that cannot be read'
  }
}

function inWords(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  if (typeof value === 'bigint') return `${value}n`
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object') return `an instance of ${classOf(value)}`
  if (typeof value === 'function') return 'a function'
  return String(value)
}

/** The name of an object's class. An exception from a getter or a proxy is ignored. */
function classOf(value: object): string {
  try {
    const name: unknown = value.constructor?.name
    return typeof name === 'string' && name !== '' ? name : 'Object'
  } catch {
    return 'Object'
  }
}

export function integerIn(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `an integer of at least ${min}` : `an integer in ${min}..${max}`
    throw invalid(name, range, value)
  }
  return value
}

export function oneOf<T extends string>(name: string, value: unknown, allowed: readonly T[]): T {
  if (!allowed.includes(value as T)) throw invalid(name, `one of ${allowed.map((x) => `'${x}'`).join(', ')}`, value)
  return value as T
}

export function booleanOf(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalid(name, 'a boolean', value)
  return value
}

export function stringOf(name: string, value: unknown): string {
  if (typeof value !== 'string') throw invalid(name, 'a string', value)
  return value
}

const sentence = (text: string | undefined): string => (text === undefined ? '' : ` ${text}`)

const quoted = (name: string): string => `'${name.length > 60 ? `${name.slice(0, 60)}…` : name}'`

/** Rejects a value that is not a plain options object, and any key that is not in `allowed`; the message suggests the nearest known key. */
export function knownKeys(what: string, options: unknown, allowed: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw invalid(what, 'an options object', options)
  for (const key of Object.keys(options)) {
    if (allowed.includes(key)) continue
    const near = ourOption(what, key, allowed) ?? nearest(key, allowed)
    const hint = near !== undefined ? ` Did you mean '${near}'?` : sentence(elsewhere(key))
    throw new SentorchError(
      'ERR_INVALID_ARGUMENT',
      `Unknown option ${quoted(key)} for ${what}.${hint} Known options: ${allowed.join(', ')}.`,
      { detail: { name: key } },
    )
  }
}

/** The known name that is closest to a mistyped key, if one is close enough. */
export function nearest(key: string, names: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(key.length / 3)) + 1
  for (const name of names) {
    const distance = editDistance(key.toLowerCase(), name.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [name, distance]
  }
  return best
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]!
}

/** Checks for a finite number of at least 0. */
export function atLeastZero(name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw invalid(name, 'a finite number of at least 0', value)
  return value
}

/** Checks for a finite number above 0. */
export function positive(name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) throw invalid(name, 'a finite number above 0', value)
  return value
}

/** Checks for 0 ≤ value ≤ 1. */
export function shareOf(name: string, value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1)) throw invalid(name, 'a number in 0..1', value)
  return value
}

/** Checks for 0 ≤ value < 1, the range of betas, dropout and label smoothing. */
export function belowOne(name: string, value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0 && value < 1)) throw invalid(name, 'a number from 0 to below 1', value)
  return value
}
