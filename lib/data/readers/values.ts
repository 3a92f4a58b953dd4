import { describe } from '../../check'
import type { OffsetChoice, OffsetUnit } from '../../options/readers'
import type { LabelValue, Span } from '../example'
import { type RawSpan, resolveSpans } from './offsets'
import type { Fail } from './source'

export type Fields = Readonly<Record<string, unknown>>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An own field; what the prototype has is not in the file. */
export function field(record: Fields, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

export function textIn(value: unknown, name: string, fail: Fail): string {
  if (typeof value !== 'string') throw fail(`Expected a string in ${name}, received ${describe(value)}.`)
  return value
}

/** A label is a name: an empty one is always a slip. */
export function labelIn(value: unknown, name: string, fail: Fail): string {
  if (typeof value === 'string' && value !== '') return value
  const hint = typeof value === 'number' || typeof value === 'bigint' ? ' Numbers stand for labels only where `names` lists them.' : ''
  throw fail(`Expected a label in ${name}, received ${describe(value)}.${hint}`)
}

export function listIn(value: unknown, name: string, fail: Fail): readonly unknown[] {
  if (!Array.isArray(value)) throw fail(`Expected a list in ${name}, received ${describe(value)}.`)
  return value
}

export function wordsIn(value: unknown, name: string, fail: Fail): string[] {
  return listIn(value, name, fail).map((word, i) => textIn(word, `${name}[${i}]`, fail))
}

/** `{ start, end, label }` under the names that a format gives them. */
export function spanIn(value: unknown, name: string, fail: Fail, keys = { start: 'start', end: 'end', label: 'label' }): RawSpan {
  if (!isFields(value)) throw fail(`Expected an entity in ${name}, received ${describe(value)}.`)
  const text = field(value, 'text')
  return {
    start: offsetIn(field(value, keys.start), `${name}.${keys.start}`, fail),
    end: offsetIn(field(value, keys.end), `${name}.${keys.end}`, fail),
    label: labelIn(field(value, keys.label), `${name}.${keys.label}`, fail),
    ...(typeof text === 'string' ? { text } : {}),
  }
}

/** Parquet gives whole numbers of 64 bits as bigint. */
export function offsetIn(value: unknown, name: string, fail: Fail): number {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) {
    throw fail(`Expected an offset in ${name}, received ${describe(value)}.`)
  }
  return number
}

export interface LabelContext {
  text: string
  offsets: OffsetChoice
  /** Where `offsets` is `auto` and nothing else decides. */
  unit: OffsetUnit
  fail: Fail
}

/** A label as it lies in JSON or Parquet; undefined for null and undefined: nothing is known. */
export function labelValueIn(value: unknown, name: string, context: LabelContext): LabelValue | undefined {
  const { fail } = context
  if (value === undefined || value === null) return undefined
  if (typeof value === 'boolean') return value
  if (!Array.isArray(value)) return labelIn(value, name, fail)
  const list: readonly unknown[] = value
  return list.length > 0 && list.every(isFields)
    ? spansIn(list, name, context)
    : list.map((label, i) => labelIn(label, `${name}[${i}]`, fail))
}

export function spansIn(list: readonly unknown[], name: string, { text, offsets, unit, fail }: LabelContext): Span[] {
  const spans = list.map((span, i) => spanIn(span, `${name}[${i}]`, fail))
  return resolveSpans(text, spans, offsets, unit, fail)
}
