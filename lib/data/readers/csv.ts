import type { CsvError, Info } from 'csv-parse'
import { extname } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import { takeOptions } from '../../base/arguments'
import { booleanOf, invalid } from '../../base/check'
import type { Example } from '../example'
import { columnsOf, exampleOf, title } from './mapping'
import {
  mappedColumns,
  MAPPING_KEYS,
  resolveMapping,
  unitOf,
  type Column,
  type ColumnMapping,
  type OffsetUnit,
  type ResolvedMapping,
} from './options'
import { broken, fromFiles, linesOf, type Fail, type UnusedFields } from './source'

export interface CsvOptions extends ColumnMapping {
  /** Separator of the cells, one character. Defaults to a tab for `.tsv` and `.tab` files and to a comma for all others. */
  delimiter?: string
  /** Quote character around cells with delimiters or line ends, doubled inside them; `false`: quotes are ordinary characters. Defaults to `"`, or to `false` for tabs. */
  quote?: string | false
  /** Whether the first record names the columns. Defaults to true. */
  header?: boolean
  /** Unit of offsets in columns of entities. Defaults to UTF-16 units, or to code points for entities in Label Studio's notation. */
  offsets?: OffsetUnit
}

/** Maximum characters per record. It detects an unclosed quote before it includes the whole file. */
const MAX_RECORD = 2 ** 20
/** Characters that are passed to the parser at once. Passing single lines would be several times slower. */
const PIECE = 2 ** 16

/**
 * Reads examples from CSV or TSV files, one per record, from the columns `text`, `words` and `labels`. Every record must have as many cells as
 * the first; empty lines are skipped; a line end inside quotes becomes LF.
 *
 * `readCsv('reviews.csv', { text: 'review', labels: { sentiment: 'stars', topics: { column: 'topics', separator: '|' } } })`
 * @throws ERR_DATA with file and line (the last line of the record).
 */
export function readCsv(paths: string | readonly string[], options: CsvOptions): AsyncIterable<Example> {
  const resolved = resolveCsv(options)
  return fromFiles(paths, (file, unused) => examplesOf(file, resolved, unused))
}

interface Row {
  cells: string[]
  line: number
}

async function* examplesOf(file: string, options: ResolvedCsv, unused: UnusedFields): AsyncGenerator<Example> {
  const used = new Set(columnsOf(options.mapping, 'text').map(String))
  let names: string[] | undefined
  let unread: string[] = []
  let first = true
  for await (const { cells, line } of rowsOf(file, options)) {
    const fail: Fail = (reason, cause) => broken(file, line, reason, cause)
    if (first && cells.some((cell) => cell.includes('\r'))) {
      throw broken(file, 1, 'The first record contains a CR, but lines end with LF. Use the same line end throughout, for example LF.')
    }
    first = false
    if (options.header && names === undefined) {
      names = cells
      unread = cells.filter((_, i) => !used.has(String(i)) && !used.has(String(i - cells.length)))
      continue
    }
    unused.note(unread, used)
    const get = (column: Column) => cells[placeOf(column, names, cells.length, file)]
    yield exampleOf({ get, defaultText: names ? 'text' : 0, fail }, options.mapping, options.offsets)
  }
}

/** The index of a column. An error names line 1, since the header is at fault. */
function placeOf(column: Column, names: readonly string[] | undefined, count: number, file: string): number {
  const place = typeof column === 'string' ? names!.indexOf(column) : column < 0 ? count + column : column
  if (place < 0 || place >= count) {
    throw broken(file, 1, `${title(column)} is not one of the ${count} columns${names ? `: ${names.join(', ')}` : ''}.`)
  }
  if (typeof column === 'string' && names!.indexOf(column, place + 1) > 0) {
    throw broken(file, 1, `Two columns are named '${column}'. Select the column by its index.`)
  }
  return place
}

async function* rowsOf(file: string, options: ResolvedCsv): AsyncGenerator<Row> {
  const { parse } = await import('csv-parse')
  const delimiter = options.delimiter ?? (/^\.(tsv|tab)$/i.test(extname(file)) ? '\t' : ',')
  // Most tools write TSV without quoting. With quoting, a single quote in a tweet would include the lines that follow it.
  const quote = options.quote ?? (delimiter === '\t' ? false : '"')
  const parser = parse({
    delimiter,
    quote,
    record_delimiter: '\n',
    skip_empty_lines: true,
    info: true,
    max_record_size: MAX_RECORD,
  })
  const numbers = new LineNumbers()
  let failure: unknown
  pipeline(Readable.from(piecesOf(file, numbers)), parser, (error) => (failure = error))
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
      yield { cells: record, line: numbers.of(info.lines) }
    }
  } catch (error) {
    throw csvError(file, failure ?? error, numbers)
  }
}

/** The parser counts a CR inside quotes as a line. Lines that contain CRs are kept until the parser's count has passed them. */
class LineNumbers {
  readonly #waiting: { line: number; extra: number }[] = []
  #passed = 0

  note(text: string, line: number): void {
    if (text.includes('\r')) this.#waiting.push({ line, extra: text.split('\r').length - 1 })
  }

  /** The line of the file for a line count of the parser, which only grows. */
  of(counted: number): number {
    let line = counted - this.#passed
    for (let next; (next = this.#waiting[0]) && line >= next.line; line = Math.max(next.line, counted - this.#passed)) {
      this.#passed += next.extra
      this.#waiting.shift()
    }
    return line
  }
}

async function* piecesOf(file: string, numbers: LineNumbers): AsyncGenerator<string> {
  let piece = ''
  for await (const { text, number } of linesOf(file, 'rows')) {
    numbers.note(text, number)
    piece += `${text}\n`
    if (piece.length < PIECE) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}

function csvError(file: string, error: unknown, numbers: LineNumbers): unknown {
  const { code, lines, message = '' } = error as Partial<CsvError> & { lines?: number }
  if (typeof code !== 'string' || !/^(CSV_|INVALID_)/.test(code)) return error
  // The parser's message contains its own line count.
  return broken(file, lines === undefined ? undefined : numbers.of(lines), `${message.replace(/ (on|at) line \d+/, '')}.`, error)
}

export interface ResolvedCsv {
  mapping: ResolvedMapping
  /** If undefined, it depends on the name of each file. */
  delimiter: string | undefined
  /** If undefined, it depends on the delimiter. */
  quote: string | false | undefined
  header: boolean
  offsets: OffsetUnit | undefined
}

function resolveCsv(options: CsvOptions): ResolvedCsv {
  options = takeOptions('readCsv', options, [...MAPPING_KEYS, 'delimiter', 'quote', 'header', 'offsets'])
  const { delimiter, quote, header = true, offsets } = options
  if (delimiter !== undefined) oneCharacter('delimiter', delimiter)
  if (quote !== undefined && quote !== false) oneCharacter('quote', quote)
  const mapping = resolveMapping(options)
  if (!booleanOf('header', header)) {
    const named = mappedColumns(mapping).find((column) => typeof column === 'string')
    if (named !== undefined) throw invalid('a column', 'its index from 0, since with header: false columns have no names', named)
  }
  return { mapping, delimiter, quote, header, offsets: unitOf(offsets) }
}

function oneCharacter(name: string, value: unknown): void {
  if (typeof value !== 'string' || value.length !== 1 || /[\r\n]/.test(value)) throw invalid(name, 'one character', value)
}
