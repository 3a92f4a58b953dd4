import type { ResolvedJson } from './options'
import type { Example, LabelValue } from '../example'
import { setLabel } from '../labels'
import { setCategory } from './categories'
import { spansIn } from './notations'
import type { Fail } from './source'
import { type Fields, field, listIn, textIn } from './values'

const LABEL_FIELDS = ['label', 'labels', 'entities', 'cats']
export const DOCCANO_FIELDS: ReadonlySet<string> = new Set(['text', 'data', ...LABEL_FIELDS])

export function isDoccano(record: Fields): boolean {
  return LABEL_FIELDS.some((name) => field(record, name) != null)
}

/**
 * Doccano's exports: the text in `text`, in older ones in `data`; entities in `label`, `labels` or `entities`; categories as lists of strings
 * in `label`, `labels` or `cats`. Its offsets are those of JavaScript (doccano issue 2290); a project may count graphemes instead.
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
