import type { ResolvedJson } from './options'
import type { Example, LabelValue } from '../example'
import { setLabel } from '../labels'
import type { Fail } from './source'
import { type Fields, field, labelIn, textIn } from './values'

export const SETFIT_FIELDS: ReadonlySet<string> = new Set(['text', 'label', 'label_text'])

export function isSetfit(record: Fields): boolean {
  return typeof field(record, 'label_text') === 'string' || ['number', 'boolean'].includes(typeof field(record, 'label'))
}

/** A text with the number of its class in `label`, and its name, where there is one, in `label_text`; true and false stay what they are. */
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
