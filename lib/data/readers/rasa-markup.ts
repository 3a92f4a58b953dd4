import { describe } from '../../check'
import type { Span } from '../example'
import { type RawSpan, resolveSpans } from './offsets'
import type { Fail } from './source'
import { field, isFields, labelIn } from './values'

/**
 * `[text](entity)`, `[text](entity:value)`, `[text]{"entity": …}` and `[text][{"entity": …}, …]`, as Rasa's own pattern has them.
 * Brackets that are followed by none of these are letters.
 */
const ENTITY = /\[([^\]]+?)\](?:\(([^:)]+?)(?::[^)]+)?\)|(\{[^}]+?\})|(\[\{.*?\}\]))/g

/** A marked sentence: its text without the marks, and the entities in it. */
export function parseMarkup(marked: string, fail: Fail): { text: string; entities: Span[] } {
  const spans: RawSpan[] = []
  let text = ''
  let last = 0
  for (const match of marked.matchAll(ENTITY)) {
    const [whole, content, name, object, list] = match
    text += marked.slice(last, match.index)
    const place = { start: text.length, end: text.length + content!.length }
    const labels = name === undefined ? namesIn((object ?? list)!, fail) : [name.trim()]
    for (const label of labels) spans.push({ ...place, label })
    text += content
    last = match.index + whole.length
  }
  text += marked.slice(last)
  return { text, entities: resolveSpans(text, spans, 'utf16', fail) }
}

/** The entities of `{"entity": …}` or of a list of such. */
function namesIn(json: string, fail: Fail): string[] {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw fail(`The entity ${describe(json)} is not JSON (${(cause as Error).message}).`, cause)
  }
  return (Array.isArray(value) ? (value as unknown[]) : [value]).map((item) =>
    labelIn(isFields(item) ? field(item, 'entity') : undefined, `entity of ${json}`, fail),
  )
}
