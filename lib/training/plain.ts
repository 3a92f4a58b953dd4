import { types } from 'node:util'
import { MatchedNames } from './parameters/patterns'
import { isPlain } from '../base/arguments'

/**
 * JSON that also represents non-finite numbers and the names that a pattern matched, which occur in options and reports. Typed arrays become
 * arrays and a RegExp becomes its text. A teacher, a function or an instance of a class becomes `{ "$given": true }`.
 */
export function toPlainJson(value: unknown): string {
  return `${JSON.stringify(value, (key, each: unknown) => (key === 'teacher' && each ? GIVEN : encode(each)), 1)}\n`
}

/** The same without the names that a pattern matched, because only the text of a RegExp can be compared with one from a checkpoint. */
export function comparable(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(toPlainJson(value), (key, each: unknown) => (key === '$names' ? undefined : each))
}

function encode(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) }
  if (types.isRegExp(value)) return { $pattern: String(value) }
  if (value instanceof MatchedNames) return { $pattern: value.pattern, $names: [...value.names] }
  if (types.isTypedArray(value)) return Array.from(value as Float32Array)
  if (typeof value === 'function') return GIVEN
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !isPlain(value)) return GIVEN
  return value
}

const GIVEN = { $given: true }

/** Parses the result of `toPlainJson`. Throws an Error for invalid JSON. Instances stay `{ $given: true }`. */
export function fromPlainJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value
    const { $number, $pattern, $names } = value as { $number?: unknown; $pattern?: unknown; $names?: unknown }
    if (typeof $number === 'string') return Number($number)
    if (typeof $pattern === 'string' && Array.isArray($names)) return new MatchedNames($pattern, new Set($names.map(String)))
    return value
  })
}

/** The first key whose value differs between two sets of options in their JSON form; undefined if they are equal. */
export function firstDifference(a: object, b: object): string | undefined {
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])]
  const text = (value: unknown) => JSON.stringify(comparable(value))
  return keys.find((key) => text((a as Record<string, unknown>)[key]) !== text((b as Record<string, unknown>)[key]))
}
