import { describe } from '../../base/check'
import type { LabelValue } from '../example'
import { setLabel } from '../labels'
import type { ResolvedJson } from './options'
import type { Fail } from './source'

export type Fields = Readonly<Record<string, unknown>>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An own field. Inherited properties are not part of the file. */
export function field(record: Fields, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

export function textIn(value: unknown, name: string, fail: Fail): string {
  if (typeof value !== 'string') throw fail(`Expected a string in ${name}, received ${describe(value)}.`)
  return value
}

/** Converts a value to a label. An empty string is an error; an integer becomes its decimal digits. */
export function labelIn(value: unknown, name: string, fail: Fail): string {
  if (typeof value === 'string' && value !== '') return value
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))) return String(value)
  throw fail(`Expected a label in ${name}, received ${describe(value)}.`)
}

/** The labels in a list. Numbers in a list are ambiguous (indices into names, or 0 and 1 by position), so they are rejected. */
export function labelsIn(list: readonly unknown[], name: string, fail: Fail): string[] {
  return list.map((label, i) => {
    if (typeof label !== 'number' && typeof label !== 'bigint') return labelIn(label, `${name}[${i}]`, fail)
    throw fail(
      `Expected a label in ${name}[${i}], received ${describe(label)}. In a list, numbers are accepted only together with \`names\`.`,
    )
  })
}

export function listIn(value: unknown, name: string, fail: Fail): readonly unknown[] {
  if (!Array.isArray(value)) throw fail(`Expected a list in ${name}, received ${describe(value)}.`)
  return value
}

export function wordsIn(value: unknown, name: string, fail: Fail): string[] {
  return listIn(value, name, fail).map((word, i) => textIn(word, `${name}[${i}]`, fail))
}

/** An offset. Parquet returns 64-bit integers as bigint. */
export function offsetIn(value: unknown, name: string, fail: Fail): number {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) {
    throw fail(`Expected an offset in ${name}, received ${describe(value)}.`)
  }
  return number
}

/** Converts a list of categories to the label of the sentence head: the only category, none, or with `multiLabel` the list. */
export function setCategory(
  labels: Record<string, LabelValue>,
  list: readonly unknown[],
  name: string,
  { heads, multiLabel }: ResolvedJson,
  fail: Fail,
): void {
  if (heads.sentence === false) return
  const categories = labelsIn(list, name, fail)
  if (multiLabel) setLabel(labels, heads.sentence, categories)
  else if (categories.length > 1) throw fail(`${name} contains ${categories.length} categories. Set multiLabel: true to keep all of them.`)
  else if (categories.length === 1) setLabel(labels, heads.sentence, categories[0]!)
}
