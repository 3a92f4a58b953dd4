import { describe } from '../../check'
import type { OffsetUnit, ResolvedJson } from '../../options/readers'
import type { Example, LabelValue, Span } from '../example'
import type { RawSpan } from './offsets'
import { resolveSpans } from './offsets'
import { exampleOf } from './mapping'
import type { Fail } from './source'
import { type Fields, field, isFields, labelIn, labelValueIn, listIn, offsetIn, spanIn, spansIn, textIn, wordsIn } from './values'

/** An example of one JSON record; undefined for one that its annotator rejected or left out. */
export function exampleOfRecord(record: unknown, options: ResolvedJson, fail: Fail): Example | undefined {
  if (Array.isArray(record)) return exampleOfList(record, options, fail)
  if (!isFields(record)) throw fail(`Expected an object, received ${describe(record)}.`)
  const { mapping } = options
  if (mapping) {
    const get = (column: string | number) => (typeof column === 'string' ? field(record, column) : undefined)
    return exampleOf({ get, defaultText: 'text', fail }, mapping, options.offsets)
  }
  const shape = options.shape === 'auto' ? shapeOf(record, fail) : options.shape
  switch (shape) {
    case 'sentorch':
      return own(record, options, fail)
    case 'doccano':
      return doccano(record, options, fail)
    case 'prodigy':
      return prodigy(record, options, fail)
  }
}

/** `[text, label]`, as CLINC150 has them; other columns by the mapping. */
function exampleOfList(list: readonly unknown[], { mapping, heads, offsets }: ResolvedJson, fail: Fail): Example {
  const { sentence } = heads
  const labels = sentence === false ? [] : ([[sentence, { column: 1, separator: undefined, names: undefined }]] as const)
  const get = (column: string | number) => (typeof column === 'number' ? list.at(column) : undefined)
  return exampleOf({ get, defaultText: 0, fail }, mapping ?? { text: 0, words: undefined, labels }, offsets)
}

const PRODIGY_FIELDS = ['answer', 'spans', 'accept', '_input_hash', '_task_hash']
const DOCCANO_FIELDS = ['label', 'labels', 'entities', 'cats']
/** What a record without any label may hold. */
const PLAIN_FIELDS = ['text', 'words', 'id', 'meta', 'labels']

function shapeOf(record: Fields, fail: Fail): 'sentorch' | 'doccano' | 'prodigy' {
  if (isFields(field(record, 'labels'))) return 'sentorch'
  if (PRODIGY_FIELDS.some((name) => Object.hasOwn(record, name))) return 'prodigy'
  if (DOCCANO_FIELDS.some((name) => field(record, name) != null)) return 'doccano'
  const others = Object.keys(record).filter((name) => !PLAIN_FIELDS.includes(name))
  if (others.length === 0) return 'sentorch'
  throw fail(`No field holds labels in a form that is known (fields: ${Object.keys(record).join(', ')}). Name them with the option labels.`)
}

function own(record: Fields, { offsets }: ResolvedJson, fail: Fail): Example {
  const given = field(record, 'words') ?? undefined
  const words = given === undefined ? undefined : wordsIn(given, 'words', fail)
  const text = words && field(record, 'text') == null ? words.join(' ') : textIn(field(record, 'text'), 'text', fail)
  const values = field(record, 'labels') ?? {}
  if (!isFields(values)) throw fail(`Expected an object of head → label in labels, received ${describe(values)}.`)
  const labels: Record<string, LabelValue> = {}
  for (const [head, value] of Object.entries(values)) {
    const label = labelValueIn(value, `labels.${head}`, { text, offsets, unit: 'utf16', fail })
    if (label !== undefined) labels[head] = label
  }
  return words ? { text, words, labels } : { text, labels }
}

/**
 * Doccano's exports: entities are `[start, end, label]` in `label`, `labels` or `entities`, or objects with `start_offset` and
 * `end_offset`; categories are lists of strings in `label`, `labels` or `cats`. Its offsets are those of JavaScript (doccano issue 2290).
 */
function doccano(record: Fields, options: ResolvedJson, fail: Fail): Example {
  const { heads } = options
  const text = textIn(field(record, 'text'), 'text', fail)
  const labels: Record<string, LabelValue> = {}
  for (const name of DOCCANO_FIELDS) {
    const value = field(record, name)
    if (value === undefined || value === null) continue
    const list = typeof value === 'string' ? [value] : listIn(value, name, fail)
    if (list.length > 0 ? list.every((item) => typeof item === 'string') : name === 'cats' || heads.tokens === false) {
      if (heads.sentence !== false) setCategory(labels, heads.sentence, list, name, options, fail)
    } else if (heads.tokens !== false) {
      const spans = list.map((item, i) => doccanoSpan(item, `${name}[${i}]`, fail))
      labels[heads.tokens] = spansOf(text, spans, options, 'utf16', fail)
    }
  }
  return { text, labels }
}

function doccanoSpan(value: unknown, name: string, fail: Fail): RawSpan {
  if (isFields(value)) return spanIn(value, name, fail, { start: 'start_offset', end: 'end_offset', label: 'label' })
  if (!Array.isArray(value) || value.length !== 3) throw fail(`Expected [start, end, label] in ${name}, received ${describe(value)}.`)
  const [start, end, label] = value as unknown[]
  return { start: offsetIn(start, `${name}[0]`, fail), end: offsetIn(end, `${name}[1]`, fail), label: labelIn(label, `${name}[2]`, fail) }
}

/** Prodigy's annotations: entities in `spans`, one category in `label`, chosen ones in `accept`. Its offsets are those of Python. */
function prodigy(record: Fields, options: ResolvedJson, fail: Fail): Example | undefined {
  const answer = field(record, 'answer') ?? 'accept'
  if (answer === 'reject' || answer === 'ignore') return undefined
  if (answer !== 'accept') throw fail(`Expected 'accept', 'reject' or 'ignore' in answer, received ${describe(answer)}.`)
  const { heads } = options
  const text = textIn(field(record, 'text'), 'text', fail)
  const labels: Record<string, LabelValue> = {}
  const spans = field(record, 'spans') ?? undefined
  if (spans !== undefined && heads.tokens !== false) {
    labels[heads.tokens] = spansIn(listIn(spans, 'spans', fail), 'spans', { text, offsets: options.offsets, unit: 'code-points', fail })
  }
  const chosen = field(record, 'accept') ?? undefined
  const label = field(record, 'label') ?? undefined
  if (heads.sentence !== false) {
    if (chosen !== undefined) setCategory(labels, heads.sentence, listIn(chosen, 'accept', fail), 'accept', options, fail)
    else if (label !== undefined) setCategory(labels, heads.sentence, [label], 'label', options, fail)
  }
  return { text, labels }
}

function spansOf(text: string, spans: readonly RawSpan[], { offsets }: ResolvedJson, unit: OffsetUnit, fail: Fail): Span[] {
  return resolveSpans(text, spans, offsets, unit, fail)
}

/** A list of categories as the label of a head: the one of them, none at all, or with `multiLabel` the list. */
function setCategory(
  labels: Record<string, LabelValue>,
  head: string,
  list: readonly unknown[],
  name: string,
  { multiLabel }: ResolvedJson,
  fail: Fail,
): void {
  const categories = list.map((item, i) => labelIn(item, `${name}[${i}]`, fail))
  if (multiLabel) labels[head] = categories
  else if (categories.length > 1) throw fail(`There are ${categories.length} categories in ${name}. Set multiLabel: true to keep them all.`)
  else if (categories.length === 1) labels[head] = categories[0]!
}
