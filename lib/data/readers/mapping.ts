import { describe } from '../../base/check'
import { isSentorchError } from '../../base/errors'
import type { Column, OffsetUnit, ResolvedColumn, ResolvedMapping } from './options'
import { trim } from '../../base/text'
import { wordPlaces } from '../align'
import type { Example, LabelValue, Span } from '../example'
import { setLabel } from '../labels'
import { labelIn, labelValueIn, listIn, offsetIn, textIn, wordsIn, type LabelContext } from './values'
import { resolveSpans } from './offsets'
import type { Fail } from './source'

/** One record of a file with columns. */
export interface Row {
  /** The value of a column, or undefined if the record does not have it. */
  get(column: Column): unknown
  /** The column of the text if the mapping does not name it. */
  defaultText: Column
  fail: Fail
}

/** The example of a record, from the columns that the mapping names. `unit`: unit of entity offsets if `offsets` is not given. */
export function exampleOf(row: Row, mapping: ResolvedMapping, offsets: OffsetUnit | undefined, unit: OffsetUnit = 'utf16'): Example {
  const { fail } = row
  const words = mapping.words && wordsOf(row.get(mapping.words.column), mapping.words, fail)
  const column = mapping.text ?? (words ? undefined : row.defaultText)
  const text = column === undefined ? words!.join(' ') : textIn(row.get(column), title(column), fail)
  const labels: Record<string, LabelValue> = {}
  for (const [head, source] of mapping.labels) {
    const value = labelOf(row.get(source.column), source, { text, words, offsets, unit, fields: source.fields, fail })
    if (value !== undefined) setLabel(labels, head, value)
  }
  return words ? { text, words, labels } : { text, labels }
}

/** The columns that a mapping reads. */
export function columnsOf({ text, words, labels }: ResolvedMapping, defaultText: Column): Column[] {
  return [text ?? (words ? [] : defaultText), words?.column ?? [], labels.map(([, { column }]) => column)].flat()
}

function wordsOf(value: unknown, { column, separator }: ResolvedColumn, fail: Fail): string[] {
  if (typeof value !== 'string') return wordsIn(value, title(column), fail)
  if (separator === undefined)
    throw fail(`The words in ${title(column)} are a single string. Specify their separator with words: { separator }.`)
  return pieces(value, separator)
}

interface RowContext extends LabelContext {
  words: readonly string[] | undefined
}

function labelOf(cell: unknown, source: ResolvedColumn, context: RowContext): LabelValue | undefined {
  const { column, names, json, spans } = source
  const { fail, words } = context
  const name = title(column)
  const value = valueOf(cell, source, fail)
  if (value === undefined || value === null) return undefined
  if (spans === 'words') return wordSpans(listIn(value, name, fail), name, context.text, words!, fail)
  // A number in a text cell may be an index into `names`; a label with that name takes precedence.
  const isText = typeof cell === 'string' && !json
  const isPlace = (item: unknown) => isNumber(item) || (isText && /^-?\d+$/.test(String(item)) && !names!.includes(String(item)))
  if (names === undefined) return labelValueIn(value, name, context)
  if (!Array.isArray(value)) return labelValueIn(isPlace(value) ? nameOf(Number(value), names, name, fail) : value, name, context)
  if (value.length > 0 && value.every((item) => isPlace(item) && Number(item) === -1)) return undefined
  const list = value.map((item: unknown, i) => {
    if (!isPlace(item)) return item
    const label = nameOf(Number(item), names, `${name}[${i}]`, fail)
    if (label === undefined) throw fail(`Expected a number in 0..${names.length - 1} in ${name}[${i}], received ${describe(item)}.`)
    return label
  })
  const twice = words === undefined && value.some(isPlace) ? list.find((label, i) => list.indexOf(label) < i) : undefined
  if (twice === undefined) return labelValueIn(list, name, context)
  throw fail(
    `The list in ${name} contains the index of ${describe(twice)} twice. Numbers are indices into \`names\`, not a row of zeros and ones.`,
  )
}

/** The value of a cell. An empty cell has none, or with `separator` an empty list. */
function valueOf(cell: unknown, { column, separator, json }: ResolvedColumn, fail: Fail): unknown {
  if (typeof cell !== 'string') return cell
  if (json) return parsed(cell, title(column), fail)
  return separator === undefined ? cell || undefined : pieces(cell, separator)
}

/** Undefined for an empty cell. */
function parsed(cell: string, name: string, fail: Fail): unknown {
  if (cell.trim() === '') return undefined
  try {
    return JSON.parse(cell)
  } catch (cause) {
    throw fail(`The cell in ${name} is not JSON (${(cause as Error).message}).`, cause)
  }
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

/** Converts an integer to a label by its index in `names`; −1 means that there is no label, as in test sets of the `datasets` library. */
function nameOf(value: number, names: readonly string[], at: string, fail: Fail): string | undefined {
  if (value === -1) return undefined
  const label = names[value]
  if (label === undefined) throw fail(`Expected a number in 0..${names.length - 1} in ${at}, received ${describe(value)}.`)
  return labelIn(label, at, fail)
}

/** Entities `[first, last, label]` with word indices, the last one inclusive, as in GLiNER's training data. */
export function wordSpans(list: readonly unknown[], name: string, text: string, words: readonly string[], fail: Fail): Span[] {
  const places = placesOf(text, words, fail)
  const spans = list.map((item, i) => {
    const at = `${name}[${i}]`
    if (!Array.isArray(item) || item.length !== 3)
      throw fail(`Expected [first word, last word, label] in ${at}, received ${describe(item)}.`)
    const [first, last, label] = item as unknown[]
    const [from, to] = [offsetIn(first, `${at}[0]`, fail), offsetIn(last, `${at}[1]`, fail)]
    if (from > to || to >= words.length)
      throw fail(`The word range ${from}–${to} of ${at} is invalid: the example has ${words.length} words.`)
    return { start: places[2 * from]!, end: places[2 * to + 1]!, label: labelIn(label, `${at}[2]`, fail) }
  })
  return resolveSpans(text, spans, 'utf16', fail)
}

function placesOf(text: string, words: readonly string[], fail: Fail): Int32Array {
  try {
    return wordPlaces({ text, words }, 'The record')
  } catch (error) {
    throw isSentorchError(error) ? fail(error.message, error) : error
  }
}

/** Not `trim()`, since other white space, such as a no-break space, may be a word of its own. */
const EDGES = ' \t\r\n'

function pieces(value: string, separator: string): string[] {
  return value
    .split(separator)
    .map((piece) => trim(piece, EDGES))
    .filter((piece) => piece !== '')
}

/** The name of a column in messages. */
export function title(column: Column): string {
  return typeof column === 'string' ? `'${column}'` : `column ${column}`
}
