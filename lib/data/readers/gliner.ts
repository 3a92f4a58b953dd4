import type { ResolvedJson } from './options'
import type { Example } from '../example'
import { wordSpans } from './mapping'
import type { Fail } from './source'
import { type Fields, field, listIn, wordsIn } from './values'

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
