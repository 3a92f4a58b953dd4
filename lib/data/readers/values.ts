import { describe } from '../../base/check'
import type { LabelValue, Span } from '../example'
import { setLabel } from '../labels'
import { resolveSpans, type RawSpan } from './offsets'
import type { OffsetUnit, ResolvedJson, SpanFields } from './options'
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
function labelsIn(list: readonly unknown[], name: string, fail: Fail): string[] {
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

export interface LabelContext {
  text: string
  /** If undefined, the notation determines it. */
  offsets: OffsetUnit | undefined
  /** Used if `offsets` is not given and the notation is not specific to one tool. */
  unit: OffsetUnit
  /** Names of an entity's fields. By default those of the notations below. */
  fields?: SpanFields | undefined
  fail: Fail
}

/**
 * A label from JSON or Parquet; undefined if the value is null or undefined. Accepts plain labels and lists, entities in every notation
 * of `spansIn`, spaCy's `{ entities: […] }` and Label Studio's `{ choices: […] }`.
 */
export function labelValueIn(value: unknown, name: string, context: LabelContext): LabelValue | undefined {
  const { fail } = context
  if (value === undefined || value === null) return undefined
  if (typeof value === 'boolean') return value
  if (isFields(value)) {
    const choices = field(value, 'choices')
    if (choices !== undefined) return labelsIn(listIn(choices, `${name}.choices`, fail), `${name}.choices`, fail)
    const entities = field(value, 'entities')
    if (entities === undefined) throw fail(`Expected a label in ${name}, received an object (${Object.keys(value).join(', ')}).`)
    return spansIn(listIn(entities, `${name}.entities`, fail), `${name}.entities`, { ...context, unit: 'codePoint' })
  }
  if (!Array.isArray(value)) return labelIn(value, name, fail)
  const list: readonly unknown[] = value
  return list.some((item) => isFields(item) || Array.isArray(item)) ? spansIn(list, name, context) : labelsIn(list, name, fail)
}

/**
 * Entities in any mixture of the notations of the tools: `{ start, end, label }` (sentorch, Prodigy), `[start, end, label]` (Doccano,
 * spaCy), `{ start_offset, end_offset, label }` (Doccano), `{ start, end, labels: [label] }` (Label Studio, which counts code points).
 * Entities whose own `answer` is not 'accept' (Prodigy) are skipped.
 */
export function spansIn(list: readonly unknown[], name: string, context: LabelContext): Span[] {
  const { text, offsets, unit, fail } = context
  const spans = list.flatMap((item, i) => {
    const rejected = isFields(item) && !isAccepted(item, `${name}[${i}].answer`, fail)
    return rejected ? [] : [spanIn(item, `${name}[${i}]`, context)]
  })
  return resolveSpans(text, spans, offsets ?? (list.some(isLabelStudios) ? 'codePoint' : unit), fail)
}

/** Whether Prodigy's `answer` accepts a record or a span. Without an answer it is accepted. */
export function isAccepted(record: Fields, name: string, fail: Fail): boolean {
  const answer = field(record, 'answer') ?? 'accept'
  if (answer !== 'accept' && answer !== 'reject' && answer !== 'ignore') {
    throw fail(`Expected 'accept', 'reject' or 'ignore' in ${name}, received ${describe(answer)}.`)
  }
  return answer === 'accept'
}

function isLabelStudios(item: unknown): boolean {
  return isFields(item) && Array.isArray(field(item, 'labels'))
}

function spanIn(value: unknown, name: string, { fields = {}, fail }: LabelContext): RawSpan {
  if (Array.isArray(value) && value.length === 3) {
    const [start, end, label] = value as unknown[]
    return { start: offsetIn(start, `${name}[0]`, fail), end: offsetIn(end, `${name}[1]`, fail), label: labelIn(label, `${name}[2]`, fail) }
  }
  if (!isFields(value))
    throw fail(`Expected an entity in ${name}, { start, end, label } or [start, end, label], received ${describe(value)}.`)
  const given = (names: readonly string[]) => {
    const found = names.find((each) => Object.hasOwn(value, each))
    if (found !== undefined) return [value[found], `${name}.${found}`] as const
    throw fail(`The entity ${name} has no '${names[0]}' (it has: ${Object.keys(value).join(', ') || 'no fields'}).`)
  }
  const [start, end, label] = [
    given(fields.start === undefined ? ['start', 'start_offset'] : [fields.start]),
    given(fields.end === undefined ? ['end', 'end_offset'] : [fields.end]),
    given(fields.label === undefined ? ['label', 'labels'] : [fields.label]),
  ]
  const text = field(value, 'text')
  return {
    start: offsetIn(...start, fail),
    end: offsetIn(...end, fail),
    label: oneLabelIn(...label, fail),
    ...(typeof text === 'string' ? { text } : {}),
  }
}

function oneLabelIn(value: unknown, name: string, fail: Fail): string {
  if (!Array.isArray(value)) return labelIn(value, name, fail)
  if (value.length !== 1) throw fail(`Expected one label in ${name}, received ${describe(value)}. A word has one tag.`)
  return labelIn(value[0], `${name}[0]`, fail)
}
