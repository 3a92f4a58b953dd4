import { define, isIterable, isPlain, reading } from '../base/arguments'
import type { Examples } from './example'

/** Example → labels → list → span: whatever lies deeper is refused by the checks. */
const DEPTH = 4
const FIELDS = ['text', 'words', 'labels'] as const

/** Examples that were copied already. */
class CopiedExamples extends Array<unknown> {}

/**
 * A copy of an array of examples, made at once: what the caller changes while the examples are checked and tokenised changes nothing. A data
 * set is copied already, and an iterable is read as it comes, each example being copied when it is read (`takeExample`).
 */
export function takeSource<T extends Examples>(source: T): T {
  return reading('The examples', () => {
    if (!Array.isArray(source) || source instanceof CopiedExamples) return source
    return CopiedExamples.from(copyOfList(source, copyOfExample)) as unknown as T
  })
}

/** Data sets of a training: one, or several by name. */
export function takeData<T extends Examples | Readonly<Record<string, Examples>> | undefined>(data: T): T {
  return reading('The data', () => {
    if (typeof data !== 'object' || data === null || isIterable(data)) return takeSource(data as Examples) as T
    return Object.fromEntries(Object.entries(data).map(([name, source]) => [name, takeSource(source)])) as T
  })
}

/** One example of a source. */
export function takeExample(source: Examples, example: unknown, index: number): unknown {
  return source instanceof CopiedExamples ? example : reading(`Example ${index}`, () => copyOfExample(example))
}

/** An instance of a class may have its fields from getters: those of an example are asked for by name. */
function copyOfExample(example: unknown): unknown {
  if (typeof example !== 'object' || example === null || Array.isArray(example) || isPlain(example)) return copyOf(example, DEPTH)
  const fields = FIELDS.filter((key) => key in example).map((key) => [key, (example as Record<string, unknown>)[key]])
  return copyOf({ ...example, ...(Object.fromEntries(fields) as object) }, DEPTH)
}

function copyOf(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth === 0) return value
  if (Array.isArray(value)) return copyOfList(value, (each) => copyOf(each, depth - 1))
  if (!isPlain(value)) return value
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) define(copy, key, copyOf((value as Record<string, unknown>)[key], depth - 1))
  return copy
}

/** Ends with the first item that is neither a text nor an object: it is refused, whatever comes after it. */
function copyOfList(list: readonly unknown[], copyOf: (value: unknown) => unknown): unknown[] {
  const { length } = list
  const copy: unknown[] = []
  for (let i = 0; i < length; i++) {
    const item = list[i]
    copy.push(copyOf(item))
    if (typeof item !== 'string' && (typeof item !== 'object' || item === null)) break
  }
  return copy
}
