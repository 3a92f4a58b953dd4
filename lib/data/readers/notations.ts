import { describe } from '../../base/check'
import type { OffsetUnit, SpanFields } from './options'
import type { LabelValue, Span } from '../example'
import { type RawSpan, resolveSpans } from './offsets'
import type { Fail } from './source'
import { field, type Fields, isFields, labelIn, labelsIn, listIn, offsetIn } from './values'

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
