import { describe } from '../check'
import { SentorchError } from '../errors'
import { textOf, wordPlaces } from './align'
import type { Example, Span } from './example'

/** How messages name an example: by its number from 0 and the beginning of its text. */
export function exampleName(set: string, index: number, text?: string): string {
  return `Example ${index} of '${set}'${text === undefined ? '' : ` (${describe(text)})`}`
}

/** The refusal of an example. */
export function badExample(what: string, why: string, detail?: Record<string, unknown>): SentorchError {
  return new SentorchError('ERR_DATA', `${what}: ${why}`, { detail })
}

/** Whether a list of labels is a list of entities. An empty one may be either. */
export function isSpans(value: unknown): value is readonly Span[] {
  return Array.isArray(value) && value.length > 0 && typeof value[0] === 'object'
}

/**
 * The value as an `Example`: with a text, and with labels that have a known shape. Spans lie in the text and do not overlap; words are found in
 * it. Throws ERR_DATA with the example's name.
 */
export function checkExample(value: unknown, set: string, index: number): Example {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badExample(exampleName(set, index), `expected an object with text and labels, received ${describe(value)}.`, { example: index })
  }
  const { text, words, labels = {} } = value as { text?: unknown; words?: unknown; labels?: unknown }
  const fail = (why: string) => badExample(exampleName(set, index, typeof text === 'string' ? text : undefined), why, { example: index })
  if (words !== undefined && !(Array.isArray(words) && words.every((word) => typeof word === 'string'))) {
    throw fail(`expected 'words' to be a list of strings, received ${describe(words)}.`)
  }
  if (typeof text !== 'string' && (text !== undefined || words === undefined)) {
    throw fail(`expected 'text' to be a string, received ${describe(text)}.`)
  }
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) {
    throw fail(`expected 'labels' to be an object with a value for each head, received ${describe(labels)}.`)
  }
  const whole = textOf({ text, words })
  if (text !== undefined && words !== undefined) wordPlaces({ text, words }, () => exampleName(set, index, text))
  for (const [head, label] of Object.entries(labels)) checkLabel(head, label, whole.length, fail)
  const complete = text !== undefined && 'labels' in value
  return complete ? (value as Example) : { ...value, text: whole, labels: labels as Example['labels'] }
}

function checkLabel(head: string, label: unknown, length: number, fail: (why: string) => SentorchError): void {
  if (label === undefined || label === null || typeof label === 'boolean') return
  const list: readonly unknown[] = Array.isArray(label) ? label : [label]
  const kind = typeof list[0]
  for (const item of list) {
    if (typeof item === 'string' && item === '') throw fail(`labels.${head} has an empty label.`)
    const known = typeof item === 'string' || (Array.isArray(label) && isSpan(item))
    if (known && typeof item === kind) continue
    throw fail(
      `expected a label, true or false, a list of labels or a list of { start, end, label } for labels.${head}; it has ${describe(item)}.`,
    )
  }
  if (isSpans(label)) checkSpans(head, label, length, fail)
}

function isSpan(value: unknown): boolean {
  const { start, end, label } = (value ?? {}) as Partial<Record<keyof Span, unknown>>
  return Number.isInteger(start) && Number.isInteger(end) && typeof label === 'string' && label !== ''
}

function checkSpans(head: string, spans: readonly Span[], length: number, fail: (why: string) => SentorchError): void {
  let before: Span | undefined
  for (const span of inOrder(spans)) {
    if (span.start < 0 || span.start >= span.end || span.end > length) {
      throw fail(`the entity ${spanName(span)} of labels.${head} is empty or not in the text of ${length} UTF-16 units.`)
    }
    if (before && span.start < before.end) {
      throw fail(`the entities ${spanName(before)} and ${spanName(span)} of labels.${head} overlap. A tag head gives each word one tag.`)
    }
    before = span
  }
}

function spanName({ label, start, end }: Span): string {
  return `'${label}' [${start}, ${end})`
}

/** Spans by their start. */
export function inOrder(spans: readonly Span[]): Span[] {
  return [...spans].sort((a, b) => a.start - b.start)
}
