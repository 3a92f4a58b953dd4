import { describe } from '../../check'
import type { Column, OffsetChoice, ResolvedColumn, ResolvedMapping } from '../../options/readers'
import type { Example, LabelValue } from '../example'
import type { Fail } from './source'
import { labelIn, labelValueIn, textIn, wordsIn } from './values'

/** One record of a file with columns. */
export interface Row {
  /** The value of a column; undefined where the record has none. */
  get(column: Column): unknown
  /** Where `text` is not named. */
  defaultText: Column
  fail: Fail
}

/** An example of a record, by the columns that the mapping names. */
export function exampleOf(row: Row, mapping: ResolvedMapping, offsets: OffsetChoice): Example {
  const { fail } = row
  const words = mapping.words && wordsOf(row.get(mapping.words.column), mapping.words, fail)
  const column = mapping.text ?? (words ? undefined : row.defaultText)
  const text = column === undefined ? words!.join(' ') : textIn(row.get(column), title(column), fail)
  const labels: Record<string, LabelValue> = {}
  for (const [head, source] of mapping.labels) {
    const value = labelOf(row.get(source.column), source, { text, offsets, unit: 'utf16', fail })
    if (value !== undefined) labels[head] = value
  }
  return words ? { text, words, labels } : { text, labels }
}

function wordsOf(value: unknown, { column, separator }: ResolvedColumn, fail: Fail): string[] {
  if (typeof value !== 'string') return wordsIn(value, title(column), fail)
  if (separator === undefined)
    throw fail(`The words in ${title(column)} are one string. Name what is between them with words: { separator }.`)
  return pieces(value, separator)
}

function labelOf(value: unknown, source: ResolvedColumn, context: Parameters<typeof labelValueIn>[2]): LabelValue | undefined {
  const { column, separator, names } = source
  if (typeof value === 'string') return separator === undefined ? value || undefined : pieces(value, separator)
  const name = (item: unknown, at: string) => nameOf(item, names, at, context.fail)
  return labelValueIn(
    Array.isArray(value) ? value.map((item, i) => name(item, `${title(column)}[${i}]`)) : name(value, title(column)),
    title(column),
    context,
  )
}

/** Whole numbers are labels by their place in `names`; all else stays as it is. */
function nameOf(value: unknown, names: readonly string[] | undefined, at: string, fail: Fail): unknown {
  if (names === undefined || (typeof value !== 'number' && typeof value !== 'bigint')) return value
  const label = names[Number(value)]
  if (label === undefined) throw fail(`Expected a number in 0..${names.length - 1} in ${at}, received ${describe(value)}.`)
  return labelIn(label, at, fail)
}

/** Not `trim()`: other white space, such as a no-break space, may be a word of its own. */
const EDGES = /^[ \t\r\n]+|[ \t\r\n]+$/g

function pieces(value: string, separator: string): string[] {
  return value
    .split(separator)
    .map((piece) => piece.replace(EDGES, ''))
    .filter((piece) => piece !== '')
}

/** How a column is called in a refusal. */
export function title(column: Column): string {
  return typeof column === 'string' ? `'${column}'` : `column ${column}`
}
