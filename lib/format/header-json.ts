import { visit } from 'jsonc-parser'

/** A JSON value whose objects keep every key as data, `__proto__` too. */
export type HeaderValue = string | number | boolean | null | HeaderValue[] | Map<string, HeaderValue>

/** The only numbers of a header; the reference reader refuses `2.0`, `1e0` and `-0` where a size is meant. */
const INTEGER = /^(?:0|[1-9]\d*)$/

/** A shape of more dimensions, or an object in an object in an object, is nothing that a header holds. */
const MAX_DEPTH = 3
const MAX_ARRAY = 64
const MAX_BLANKS = 4096

/**
 * Strict JSON that sees what JSON.parse hides: a key given twice, and a number that is not written as an integer (NaN here). Strings must be
 * Unicode text: an escaped half of a surrogate pair is refused, as by the reference reader. Throws an Error with the reason.
 * Nothing is built for what is refused, so a hostile header of 100 MB stops at its first fault.
 */
export function parseHeaderJson(text: string): Map<string, HeaderValue> {
  // The scanner joins white space character by character, 32 bytes for each; writers pad at the end only.
  const body = text.slice(0, endOfText(text))
  for (const [blanks] of body.matchAll(/[ \t]{2,}/g)) {
    if (blanks.length > MAX_BLANKS) throw new Error(`it holds more than ${MAX_BLANKS} blanks in a row`)
  }
  let root: HeaderValue | undefined
  const open: (HeaderValue[] | Map<string, HeaderValue>)[] = []
  let key = ''

  const put = (value: HeaderValue, offset: number): void => {
    const parent = open.at(-1)
    if (parent === undefined) root = value
    else if (parent instanceof Map) parent.set(key, value)
    else if (parent.push(value) > MAX_ARRAY) throw new Error(`an array has more than ${MAX_ARRAY} numbers at character ${offset}`)
  }
  const begin = (value: HeaderValue[] | Map<string, HeaderValue>, offset: number): void => {
    put(value, offset)
    if (open.push(value) > MAX_DEPTH) throw new Error(`it is nested deeper than ${MAX_DEPTH} levels at character ${offset}`)
  }
  visit(
    body,
    {
      onObjectBegin: (offset) => begin(new Map(), offset),
      onArrayBegin: (offset) => begin([], offset),
      onObjectEnd: () => void open.pop(),
      onArrayEnd: () => void open.pop(),
      onObjectProperty: (name, offset) => {
        refuseHalfPair(name, offset)
        if ((open.at(-1) as Map<string, HeaderValue>).has(name))
          throw new Error(`the key ${JSON.stringify(name.slice(0, 200))} is there twice`)
        key = name
      },
      onLiteralValue: (value, offset, length) => {
        if (typeof value === 'string') refuseHalfPair(value, offset)
        const size = typeof value !== 'number' || INTEGER.test(body.slice(offset, offset + length))
        put(size ? (value as HeaderValue) : NaN, offset)
      },
      onError: (_error, offset) => {
        throw new Error(`it is not JSON at character ${offset}`)
      },
    },
    { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false },
  )
  if (!(root instanceof Map)) throw new Error('it is not a JSON object')
  return root
}

/** Where the text ends before white space. `trimEnd` would remove characters that are not white space in JSON: U+00A0, U+FEFF, form feeds. */
function endOfText(text: string): number {
  let end = text.length
  while (end > 0 && ' \t\n\r'.includes(text[end - 1]!)) end--
  return end
}

function refuseHalfPair(text: string, offset: number): void {
  if (!text.isWellFormed()) throw new Error(`a string holds half of a surrogate pair at character ${offset}`)
}
