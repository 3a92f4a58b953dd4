import { describe } from '../../base/check'
import type { Span } from '../example'
import { type RawSpan, resolveSpans } from './offsets'
import type { Fail } from './source'
import { field, isFields, labelIn } from './values'

/** An annotated sentence: its text without the markup, and its entities. */
export function parseMarkup(marked: string, fail: Fail): { text: string; entities: Span[] } {
  const spans: RawSpan[] = []
  let text = ''
  let last = 0
  for (const { start, end, content, name, json } of marksIn(marked)) {
    text += marked.slice(last, start)
    const place = { start: text.length, end: text.length + content.length }
    const labels = json === undefined ? [name.trim()] : namesIn(json, fail)
    for (const label of labels) spans.push({ ...place, label })
    text += content
    last = end
  }
  text += marked.slice(last)
  return { text, entities: resolveSpans(text, spans, 'utf16', fail) }
}

interface Mark {
  start: number
  end: number
  content: string
  /** The name as written in `(…)`; empty if `json` is set. */
  name: string
  /** One object or a list of objects. */
  json?: string
}

/**
 * The entities `[text](entity)`, `[text](entity:value)`, `[text]{"entity": …}` and `[text][{"entity": …}, …]`, as in Rasa's own pattern.
 * Other brackets are ordinary text. Takes linear time for any arrangement of brackets: each end is searched for once.
 */
function* marksIn(marked: string): Generator<Mark> {
  const bracket = finder(marked, ']')
  const colon = finder(marked, ':')
  const round = finder(marked, ')')
  const curly = finder(marked, '}')
  const listEnd = finder(marked, '}]')
  const lineEnds = [...'\n\r\u2028\u2029'].map((end) => finder(marked, end))

  /** The annotation that follows the `]` before `at`. */
  function entityAt(at: number): Pick<Mark, 'end' | 'name' | 'json'> | undefined {
    if (marked[at] === '(') {
      const close = round(at + 1)
      const nameEnd = Math.min(colon(at + 1), close)
      if (close === Infinity || nameEnd === at + 1 || close === nameEnd + 1) return undefined
      return { end: close + 1, name: marked.slice(at + 1, nameEnd) }
    }
    if (marked[at] === '{') {
      const close = curly(at + 1)
      return close === Infinity || close === at + 1 ? undefined : { end: close + 1, name: '', json: marked.slice(at, close + 1) }
    }
    if (!marked.startsWith('[{', at)) return undefined
    const close = listEnd(at + 2)
    if (close === Infinity || lineEnds.some((lineEnd) => lineEnd(at + 2) < close)) return undefined
    return { end: close + 2, name: '', json: marked.slice(at, close + 2) }
  }

  for (let start = marked.indexOf('['); start >= 0;) {
    const close = bracket(start + 1)
    if (close === Infinity) return
    const entity = close === start + 1 ? undefined : entityAt(close + 1)
    if (entity) yield { start, content: marked.slice(start + 1, close), ...entity }
    start = marked.indexOf('[', entity?.end ?? start + 1)
  }
}

/** Finds the next `wanted` at or after a position; Infinity if there is none. Positions must not decrease, so that the text is read only once. */
function finder(text: string, wanted: string): (from: number) => number {
  let found = -1
  return (from) => {
    if (found < from) found = text.indexOf(wanted, from)
    if (found < 0) found = Infinity
    return found
  }
}

/** The entities of `{"entity": …}` or of a list of them. */
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
