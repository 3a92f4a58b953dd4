import { describe } from '../../base/check'
import type { Example, LabelValue } from '../example'
import { setLabel } from '../labels'
import { wordSpans } from './mapping'
import type { ResolvedJson } from './options'
import type { Fail } from './source'
import { field, isAccepted, isFields, labelIn, listIn, setCategory, spansIn, textIn, wordsIn, type Fields } from './values'

/** Fields that only Prodigy writes. */
const OWN_FIELDS = ['_input_hash', '_task_hash', '_view_id']
const MARKS = ['answer', 'spans', 'accept', ...OWN_FIELDS]
export const PRODIGY_FIELDS: ReadonlySet<string> = new Set(['text', 'label', 'spans', 'accept', 'answer'])

export function isProdigy(record: Fields): boolean {
  return MARKS.some((name) => Object.hasOwn(record, name))
}

/** Whether Prodigy certainly wrote the record, whatever the names of its fields. */
export function isMarkedByProdigy(record: Fields): boolean {
  return OWN_FIELDS.some((name) => Object.hasOwn(record, name))
}

/** Prodigy's annotations: entities in `spans`, one category in `label`, selected ones in `accept`. Offsets count code points, as in Python. */
export function prodigy(record: Fields, options: ResolvedJson, fail: Fail): Example | undefined {
  if (!isAccepted(record, 'answer', fail)) return undefined
  const { heads, offsets } = options
  const text = textIn(field(record, 'text'), 'text', fail)
  const labels: Record<string, LabelValue> = {}
  const spans = field(record, 'spans') ?? undefined
  if (spans !== undefined && heads.tokens !== false) {
    setLabel(labels, heads.tokens, spansIn(listIn(spans, 'spans', fail), 'spans', { text, offsets, unit: 'codePoint', fail }))
  }
  const chosen = field(record, 'accept') ?? undefined
  const label = field(record, 'label') ?? undefined
  if (chosen !== undefined) setCategory(labels, listIn(chosen, 'accept', fail), 'accept', options, fail)
  else if (label !== undefined) setCategory(labels, [label], 'label', options, fail)
  return { text, labels }
}

const LABEL_FIELDS = ['label', 'labels', 'entities', 'cats']
export const DOCCANO_FIELDS: ReadonlySet<string> = new Set(['text', 'data', ...LABEL_FIELDS])

export function isDoccano(record: Fields): boolean {
  return LABEL_FIELDS.some((name) => field(record, name) != null)
}

/**
 * Doccano's exports: the text in `text`, or in older ones in `data`; entities in `label`, `labels` or `entities`; categories as lists of
 * strings in `label`, `labels` or `cats`. Offsets count UTF-16 units, as in JavaScript (doccano issue 2290); a project may count graphemes instead.
 */
export function doccano(record: Fields, options: ResolvedJson, fail: Fail): Example {
  const { heads, offsets } = options
  const textField = Object.hasOwn(record, 'data') && !Object.hasOwn(record, 'text') ? 'data' : 'text'
  const text = textIn(field(record, textField), textField, fail)
  const labels: Record<string, LabelValue> = {}
  for (const name of LABEL_FIELDS) {
    const value = field(record, name)
    if (value === undefined || value === null) continue
    const list = typeof value === 'string' ? [value] : listIn(value, name, fail)
    const isCategories = list.length > 0 ? list.every((item) => typeof item !== 'object') : name === 'cats' || heads.tokens === false
    if (isCategories) setCategory(labels, list, name, options, fail)
    else if (heads.tokens !== false) setLabel(labels, heads.tokens, spansIn(list, name, { text, offsets, unit: 'utf16', fail }))
  }
  return { text, labels }
}

export function isSpacy(list: readonly unknown[]): list is readonly [unknown, Fields] {
  return list.length === 2 && isFields(list[1])
}

/**
 * spaCy's training data: `[text, { entities: [[start, end, label]], cats: { label: 1 or 0 } }]`. Offsets count code points, as in Python. A
 * category value other than 1, 0, true and false is an error.
 */
export function spacy([first, annotations]: readonly [unknown, Fields], options: ResolvedJson, fail: Fail): Example {
  const { heads, offsets } = options
  const text = textIn(first, 'the text', fail)
  const labels: Record<string, LabelValue> = {}
  const entities = field(annotations, 'entities') ?? undefined
  if (entities !== undefined && heads.tokens !== false) {
    setLabel(labels, heads.tokens, spansIn(listIn(entities, 'entities', fail), 'entities', { text, offsets, unit: 'codePoint', fail }))
  }
  const cats = field(annotations, 'cats') ?? undefined
  if (cats !== undefined) setCategory(labels, chosenIn(cats, fail), 'cats', options, fail)
  return { text, labels }
}

function chosenIn(cats: unknown, fail: Fail): string[] {
  if (!isFields(cats)) throw fail(`Expected an object of category → 1 or 0 in cats, received ${describe(cats)}.`)
  return Object.entries(cats).flatMap(([category, value]) => {
    if (value === true || value === 1) return [category]
    if (value === false || value === 0) return []
    throw fail(`Expected 1 or 0 in cats.${category}, received ${describe(value)}.`)
  })
}

export const GLINER_FIELDS: ReadonlySet<string> = new Set(['tokenized_text', 'ner'])

export function isGliner(record: Fields): boolean {
  return Array.isArray(field(record, 'tokenized_text'))
}

/** GLiNER's training data: words in `tokenized_text`, entities in `ner` as [first word, last word, label]. */
export function gliner(record: Fields, { heads }: ResolvedJson, fail: Fail): Example {
  const words = wordsIn(field(record, 'tokenized_text'), 'tokenized_text', fail)
  const text = words.join(' ')
  const entities = field(record, 'ner') ?? undefined
  if (heads.tokens === false || entities === undefined) return { text, words, labels: {} }
  return { text, words, labels: { [heads.tokens]: wordSpans(listIn(entities, 'ner', fail), 'ner', text, words, fail) } }
}

export const SETFIT_FIELDS: ReadonlySet<string> = new Set(['text', 'label', 'label_text'])

export function isSetfit(record: Fields): boolean {
  return typeof field(record, 'label_text') === 'string' || ['number', 'boolean'].includes(typeof field(record, 'label'))
}

/** A text with its class index in `label` and, optionally, the name of the class in `label_text`; true and false are not changed. */
export function setfit(record: Fields, { heads, multiLabel }: ResolvedJson, fail: Fail): Example {
  const text = textIn(field(record, 'text'), 'text', fail)
  const name = field(record, 'label_text') == null ? 'label' : 'label_text'
  const value = field(record, name) ?? undefined
  const labels: Record<string, LabelValue> = {}
  if (heads.sentence !== false && value !== undefined) {
    const label = typeof value === 'boolean' ? value : labelIn(value, name, fail)
    setLabel(labels, heads.sentence, multiLabel && typeof label === 'string' ? [label] : label)
  }
  return { text, labels }
}
