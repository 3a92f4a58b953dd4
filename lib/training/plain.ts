import { types } from 'node:util'

/**
 * JSON that keeps what options and reports hold beside plain values: regular expressions and numbers that are not finite. Typed arrays become
 * arrays; a teacher, functions and instances of classes become
 * `{ "$given": true }`: that there was one.
 */
export function toPlainJson(value: unknown): string {
  return `${JSON.stringify(value, (key, each: unknown) => (key === 'teacher' && each ? GIVEN : encode(each)), 1)}\n`
}

function encode(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) }
  if (types.isRegExp(value)) return { $regexp: [value.source, value.flags] }
  if (types.isTypedArray(value)) return Array.from(value as Float32Array)
  if (typeof value === 'function') return GIVEN
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !isPlain(value)) return GIVEN
  return value
}

const GIVEN = { $given: true }

/** By its prototype's prototype: an object of another realm (jest's, a worker's) is plain too. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Throws an Error where the text is not such JSON. What was an instance comes back as `{ $given: true }`. */
export function fromPlainJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value
    const { $number, $regexp } = value as { $number?: unknown; $regexp?: unknown }
    if (typeof $number === 'string') return Number($number)
    if (Array.isArray($regexp)) return new RegExp(String($regexp[0]), String($regexp[1]))
    return value
  })
}

/** The first key by whose value two sets of options differ, as they would be written; undefined: none. */
export function firstDifference(a: object, b: object): string | undefined {
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])]
  return keys.find((key) => toPlainJson((a as Record<string, unknown>)[key]) !== toPlainJson((b as Record<string, unknown>)[key]))
}
