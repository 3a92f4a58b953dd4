import { describe } from '../../base/check'
import type { ResolvedJson } from './options'
import type { Example, LabelValue } from '../example'
import { setLabel } from '../labels'
import { setCategory } from './categories'
import { spansIn } from './notations'
import type { Fail } from './source'
import { type Fields, field, isFields, listIn, textIn } from './values'

export function isSpacy(list: readonly unknown[]): list is readonly [unknown, Fields] {
  return list.length === 2 && isFields(list[1])
}

/**
 * spaCy's training data: `[text, { entities: [[start, end, label]], cats: { label: 1 or 0 } }]`. Its offsets are those of Python. A category
 * that is neither 1 nor 0 (true nor false) is refused.
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
