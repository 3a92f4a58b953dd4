import { type Fields, isObject } from '../../files/fields'

/** How values of a checkpoint are read: ERR_MODEL_FORMAT names what does not fit. */

export const MAX_COUNT = Number.MAX_SAFE_INTEGER

export function count(fields: Fields, key: string): number {
  return fields.integer(key, 0, MAX_COUNT)
}

/** A finite number. */
export function number(fields: Fields, key: string): number {
  const value = fields.raw(key)
  if (!isFinite(value)) throw fields.bad(key, 'a finite number')
  return value
}

/** Any number: a measure may be NaN or infinite. */
export function measure(fields: Fields, key: string): number {
  const value = fields.raw(key)
  if (typeof value !== 'number') throw fields.bad(key, 'a number')
  return value
}

/** Measures by name, of whatever names. */
export function measures(fields: Fields, key: string): Record<string, number> {
  const named = fields.required(key)
  return Object.fromEntries(named.keys().map((name) => [name, measure(named, name)]))
}

export function numbers(fields: Fields, key: string, length?: number): number[] {
  const value = fields.raw(key)
  if (!Array.isArray(value) || !value.every(isFinite) || (length !== undefined && value.length !== length)) {
    throw fields.bad(key, length === undefined ? 'a list of numbers' : `a list of ${length} numbers`)
  }
  return value
}

export function integers(fields: Fields, key: string, length?: number): number[] {
  const list = numbers(fields, key, length)
  if (list.some((value) => !Number.isSafeInteger(value) || value < 0)) throw fields.bad(key, 'whole numbers of at least 0')
  return list
}

export function strings(fields: Fields, key: string): string[] {
  const value = fields.raw(key)
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) throw fields.bad(key, 'a list of strings')
  return value
}

export function objects(fields: Fields, key: string): Record<string, unknown>[] {
  const value = fields.raw(key)
  if (!Array.isArray(value) || !value.every(isObject)) throw fields.bad(key, 'a list of objects')
  return value
}

/** Null where the key is absent or null. */
export function orNull<T>(fields: Fields, key: string, read: (fields: Fields, key: string) => T): T | null {
  return fields.given(key) ? read(fields, key) : null
}

function isFinite(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
