import type { ResolvedJson } from './options'
import type { Example, LabelValue } from '../example'
import { setLabel } from '../labels'
import { setCategory } from './categories'
import { isAccepted, spansIn } from './notations'
import type { Fail } from './source'
import { type Fields, field, listIn, textIn } from './values'

/** Only Prodigy writes these. */
const OWN_FIELDS = ['_input_hash', '_task_hash', '_view_id']
const MARKS = ['answer', 'spans', 'accept', ...OWN_FIELDS]
export const PRODIGY_FIELDS: ReadonlySet<string> = new Set(['text', 'label', 'spans', 'accept', 'answer'])

export function isProdigy(record: Fields): boolean {
  return MARKS.some((name) => Object.hasOwn(record, name))
}

/** Surely written by Prodigy, whatever the names of its fields. */
export function isMarkedByProdigy(record: Fields): boolean {
  return OWN_FIELDS.some((name) => Object.hasOwn(record, name))
}

/** Prodigy's annotations: entities in `spans`, one category in `label`, chosen ones in `accept`. Its offsets are those of Python. */
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
