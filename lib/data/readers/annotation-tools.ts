import type { Example, LabelValue } from '../example'
import { setLabel } from '../labels'
import { isAccepted, spansIn } from './notations'
import type { ResolvedJson } from './options'
import type { Fail } from './source'
import { field, listIn, setCategory, textIn, type Fields } from './values'

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
