import { setImmediate } from 'node:timers/promises'
import { define, isIterable, isPlain, reading } from '../base/arguments'
import { describe, nearest } from '../base/check'
import { SentorchError, throwIfAborted } from '../base/errors'
import { inOrder, isSpans } from '../tags/schemes'
import { textOf, wordPlaces } from './align'
import type { Example, Examples, Span } from './example'

/** How messages refer to an example: by its index from 0 and the beginning of its text. */
export function exampleName(set: string, index: number, text?: string): string {
  return `Example ${index} of '${set}'${text === undefined ? '' : ` (${describe(text)})`}`
}

/** The error for an invalid example. */
export function badExample(what: string, why: string, detail?: Record<string, unknown>): SentorchError {
  return new SentorchError('ERR_DATA', `${what}: ${why}`, { detail })
}

const EXAMPLE_KEYS = ['text', 'words', 'labels']
const SPAN_KEYS = ['start', 'end', 'label']

/**
 * Checks that the value is an example, or a text without labels: it has a text, labels of a valid form, and no unknown fields. Spans must lie in the text and not
 * overlap; words must occur in the text. Throws ERR_DATA with the index and text of the example.
 */
export function checkExample(value: unknown, set: string, index: number): Example {
  if (typeof value === 'string') return { text: value, labels: {} }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badExample(exampleName(set, index), `expected a text, or an object with text and labels, received ${describe(value)}.`, {
      example: index,
    })
  }
  const { text, words, labels = {} } = value as { text?: unknown; words?: unknown; labels?: unknown }
  const fail: Fail = (why) => badExample(exampleName(set, index, typeof text === 'string' ? text : undefined), why, { example: index })
  refuseOthers(value, EXAMPLE_KEYS, '', 'An example has text, words and labels.', fail)
  if (words !== undefined && !(Array.isArray(words) && words.every((word) => typeof word === 'string'))) {
    throw fail(`expected 'words' to be a list of strings, received ${describe(words)}.`)
  }
  if (typeof text !== 'string' && (text !== undefined || words === undefined)) {
    throw fail(`expected 'text' to be a string, received ${describe(text)}.`)
  }
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) {
    throw fail(`expected 'labels' to be an object with a value for each head, received ${describe(labels)}.`)
  }
  const named = inDigits(labels as Labels, words, fail)
  const whole = textOf({ text, words })
  if (text !== undefined && words !== undefined) wordPlaces({ text, words }, () => exampleName(set, index, text))
  for (const [head, label] of Object.entries(named)) checkLabel(head, label, whole, fail)
  const complete = text !== undefined && 'labels' in value && named === labels
  return complete ? (value as Example) : { ...value, text: whole, labels: named as Example['labels'] }
}

type Labels = Readonly<Record<string, unknown>>

/** The labels with decimal digits for numbers: a number stands for a class, a list of them for the tags of the words. */
function inDigits(labels: Labels, words: readonly string[] | undefined, fail: Fail): Labels {
  const isNumbered = (label: unknown) => typeof (Array.isArray(label) ? label[0] : label) === 'number'
  if (!Object.values(labels).some(isNumbered)) return labels
  const named: Record<string, unknown> = {}
  for (const [head, label] of Object.entries(labels)) {
    define(named, head, isNumbered(label) ? digitsIn(label, `labels.${head}`, words, fail) : label)
  }
  return named
}

function digitsIn(label: unknown, name: string, words: readonly string[] | undefined, fail: Fail): string | string[] {
  if (!Array.isArray(label)) return digitsOf(label, name, fail)
  if (label.length === words?.length) return label.map((each: unknown, i) => digitsOf(each, `${name}[${i}]`, fail))
  throw fail(`${name} has ${label.length} numbers. A list of numbers gives the tag of each word and needs as many 'words'; pass other labels as strings.`) // prettier-ignore
}

function digitsOf(label: unknown, name: string, fail: Fail): string {
  if (Number.isSafeInteger(label) && (label as number) >= 0) return String(label)
  throw fail(`expected the number of a class, a whole number of at least 0, for ${name}; received ${describe(label)}.`)
}

type Fail = (why: string) => SentorchError

/** Rejects unknown keys, which are most likely typing errors: their data would be ignored silently. */
function refuseOthers(value: object, known: readonly string[], where: string, all: string, fail: Fail): void {
  const other = Object.keys(value).find((key) => !known.includes(key))
  if (other === undefined) return
  const near = nearest(other, known)
  throw fail(`unknown field '${other}'${where}.${near === undefined ? '' : ` Did you mean '${near}'?`} ${all}`)
}

function checkLabel(head: string, label: unknown, text: string, fail: Fail): void {
  if (label === undefined || label === null || typeof label === 'boolean') return
  const list: readonly unknown[] = Array.isArray(label) ? label : [label]
  const kind = typeof list[0]
  for (const [i, item] of list.entries()) {
    if (typeof item === 'string' && item === '') throw fail(`labels.${head} has an empty label.`)
    const isObject = typeof item === 'object' && item !== null && !Array.isArray(item)
    if (isObject && Array.isArray(label)) checkSpan(item, `labels.${head}[${i}]`, fail)
    if ((typeof item === 'string' || (isObject && Array.isArray(label))) && typeof item === kind) continue
    const what = isObject ? `an object with ${Object.keys(item).join(', ') || 'nothing'}` : describe(item)
    throw fail(
      `expected a label, true or false, a list of labels or a list of { start, end, label } for labels.${head}; received ${what}${list.length > 1 ? ` at index ${i}` : ''}.`,
    )
  }
  if (isSpans(label)) checkSpans(head, label, text, fail)
}

function checkSpan(span: object, name: string, fail: Fail): void {
  const has = () => `(it has ${Object.keys(span).join(', ') || 'no fields'})`
  const lacking = SPAN_KEYS.find((key) => !Object.hasOwn(span, key))
  if (lacking !== undefined) throw fail(`${name} has no '${lacking}' ${has()}. An entity has start, end and label.`)
  refuseOthers(span, SPAN_KEYS, ` in ${name}`, 'An entity has start, end and label.', fail)
  const { start, end, label } = span as Record<keyof Span, unknown>
  for (const [key, value] of Object.entries({ start, end })) {
    if (!Number.isInteger(value)) throw fail(`expected an integer for ${name}.${key}, received ${describe(value)}.`)
  }
  if (typeof label !== 'string' || label === '') throw fail(`expected a label for ${name}.label, received ${describe(label)}.`)
}

function checkSpans(head: string, spans: readonly Span[], text: string, fail: Fail): void {
  let before: Span | undefined
  for (const span of inOrder(spans)) {
    if (span.start < 0 || span.start >= span.end || span.end > text.length) {
      throw fail(`the entity ${spanName(span)} of labels.${head} is empty or outside the text, which has ${text.length} UTF-16 units.`)
    }
    if (cutsCharacter(text, span.start) || cutsCharacter(text, span.end)) {
      throw fail(
        `the entity ${spanName(span)} of labels.${head} begins or ends inside a character. Offsets count UTF-16 units, as text.slice does.`,
      )
    }
    if (before && span.start < before.end) {
      throw fail(
        `the entities ${spanName(before)} and ${spanName(span)} of labels.${head} overlap. A token classification head assigns one tag to each word.`,
      )
    }
    before = span
  }
}

/** Whether an offset lies between the two halves of a surrogate pair. */
export function cutsCharacter(text: string, at: number): boolean {
  return at > 0 && at < text.length && (text.codePointAt(at - 1) ?? 0) > 0xffff
}

function spanName({ label, start, end }: Span): string {
  return `'${label}' [${start}, ${end})`
}

/** Maximum depth of a copy: example → labels → list → span. The checks refuse anything deeper. */
const DEPTH = 4
const FIELDS = ['text', 'words', 'labels'] as const

/** Examples that are already copies. */
class CopiedExamples extends Array<unknown> {}

/**
 * Copies an array of examples immediately, so that later changes by the caller have no effect while the examples are checked and tokenised.
 * A `Dataset` already holds copies, and each example of an iterable is copied when it is read (`takeExample`).
 */
export function takeSource<T extends Examples>(source: T): T {
  return reading('The examples', () => {
    if (!Array.isArray(source) || source instanceof CopiedExamples) return source
    return CopiedExamples.from(copyOfList(source, copyOfExample)) as unknown as T
  })
}

/** The same for training data: one data set, or several by name. */
export function takeData<T extends Examples | Readonly<Record<string, Examples>> | undefined>(data: T): T {
  return reading('The data', () => {
    if (typeof data !== 'object' || data === null || isIterable(data)) return takeSource(data as Examples) as T
    return Object.fromEntries(Object.entries(data).map(([name, source]) => [name, takeSource(source)])) as T
  })
}

/** Copies one example of a source, unless it is already a copy. */
export function takeExample(source: Examples, example: unknown, index: number): unknown {
  return source instanceof CopiedExamples ? example : reading(`Example ${index}`, () => copyOfExample(example))
}

/** The fields of a class instance may be getters, so the fields of an example are read by name. */
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

/** The types of values in examples. */
const COPIED: ReadonlySet<string> = new Set(['string', 'number', 'object'])

/** Stops after the first item that examples cannot contain: the checks refuse it, so later items do not matter. */
function copyOfList(list: readonly unknown[], copyOf: (value: unknown) => unknown): unknown[] {
  const { length } = list
  const copy: unknown[] = []
  for (let i = 0; i < length; i++) {
    const item = list[i]
    copy.push(copyOf(item))
    if (!COPIED.has(typeof item) || item === null) break
  }
  return copy
}

/** Milliseconds of uninterrupted work after which a loop yields to the event loop. */
const TURN = 8

/**
 * For long loops: returns a function that yields to the event loop if the loop has held the thread for too long. It rejects with ERR_ABORTED
 * if the signal was aborted in the meantime.
 */
export function breather(signal?: AbortSignal): () => Promise<void> | undefined {
  let since = performance.now()
  return () => {
    if (performance.now() - since < TURN) return undefined
    return setImmediate().then(() => {
      since = performance.now()
      throwIfAborted(signal)
    })
  }
}
