import { keysOf, takeOptions } from '../../base/arguments'
import { invalid, oneOf, stringOf } from '../../base/check'
import { trimEnd } from '../../base/text'
import type { Example, LabelValue } from '../example'
import { setLabel } from '../labels'
import { entriesOf } from './options'
import { broken, fromFiles, linesOf } from './source'

export interface ConllOptions {
  /** Column of the word. Defaults to 0, or in CoNLL-U to 1 (FORM). */
  word?: number
  /** Head → column of its tags. Defaults to `{ slots: -1 }`, the last column, or in CoNLL-U to `{ upos: 3 }`. */
  labels?: Readonly<Record<string, number>>
  /** Separator of the columns. Defaults to `auto`: tabs if the first line of words contains one, otherwise runs of spaces. */
  separator?: 'auto' | 'tab' | 'space'
  /**
   * Prefix of lines to skip; `false` skips none. By default, lines that begin with `#` are skipped in files whose first column numbers the
   * words (CoNLL-U); in other files with tabs, if they contain no tab; in files with spaces never, as `# O` may be a word and its tag.
   */
  comment?: string | false
}

export type ConllLabels = readonly (readonly [head: string, column: number])[]

/** Limit that detects a file in another format, which has no sentence ends, before it fills the memory. */
const MAX_WORDS = 100_000

/** ID FORM LEMMA UPOS XPOS FEATS HEAD DEPREL DEPS MISC */
const CONLLU_COLUMNS = 10
const CONLLU_LABELS: ConllLabels = [['upos', 3]]
const LABELS: ConllLabels = [['slots', -1]]

/** First value of a column that numbers the words, and the numbers of lines to skip: multi-word tokens and empty nodes. */
const FIRST_NUMBER = /^(1|1-\d+|0\.1)$/
const NO_WORD = /^\d+(-|\.)\d+$/

/** Only these count as white space: a no-break space, U+2028 or a byte order mark may be a word. */
const BLANK = /^[ \t]*$/

/**
 * Reads examples from CoNLL files: one word per line with its columns. An empty line, or one with only spaces and tabs, ends a sentence. Words
 * are not changed. `-DOCSTART-` lines are skipped; every line must have as many columns as the first. `text` is the words joined
 * by one space.
 *
 * If the first column numbers the words (CoNLL-U), the lines of multi-word tokens (`1-2`) and of empty nodes (`3.1`) are skipped, as are
 * all lines that begin with `#`. Files of ten columns with such numbers have the word in column 1 and `upos` in column 3 by default.
 *
 * `readConll('eng.train', { labels: { pos: 1, chunks: 2, entities: 3 } })`
 * @throws ERR_DATA with file and line.
 */
export function readConll(paths: string | readonly string[], options: ConllOptions = {}): AsyncIterable<Example> {
  const resolved = resolveConll(options)
  return fromFiles(paths, (file) => sentencesOf(file, resolved))
}

interface Line {
  text: string
  number: number
}

async function* sentencesOf(file: string, options: ResolvedConll): AsyncGenerator<Example> {
  let width = 0
  let labelled: ConllLabels = []
  let words: string[] = []
  let tags: string[][] = []

  function take(): Example {
    const labels: Record<string, LabelValue> = {}
    for (const [i, [head]] of labelled.entries()) setLabel(labels, head, tags[i]!)
    const example = { text: words.join(' '), words, labels }
    words = []
    tags = labelled.map(() => [])
    return example
  }

  for await (const { text, number, tabs, word, isConllU, numbered } of dataLines(file, options)) {
    const fail = (reason: string) => broken(file, number, reason)
    const columns = BLANK.test(text) ? [] : columnsOf(text, tabs)
    if (columns.length === 0 || columns[0] === '-DOCSTART-') {
      if (words.length > 0) yield take()
      continue
    }
    const have = `the line has ${columns.length} column${columns.length === 1 ? '' : 's'} (by ${tabs ? 'tabs' : 'spaces'})`
    if (width === 0) {
      width = columns.length
      labelled = options.labels ?? (isConllU ? CONLLU_LABELS : LABELS)
      tags = labelled.map(() => [])
      const same = labelled.find(([, column]) => placeOf(column, width) === placeOf(word, width))
      if (same) throw fail(`The word and the tag of '${same[0]}' are the same column: ${have}.`)
    }
    if (columns.length !== width) throw fail(`Expected ${width} columns as on the previous lines, but ${have}.`)
    if (numbered && NO_WORD.test(columns[0]!)) continue
    const at = (column: number, what: string) => {
      const value = columns[placeOf(column, width)]
      if (value === undefined) throw fail(`Column ${column} for ${what} does not exist: ${have}.`)
      if (value === '') throw fail(`Column ${column}, ${what}, is empty.`)
      return value
    }
    words.push(at(word, 'the word'))
    for (const [i, [head, column]] of labelled.entries()) tags[i]!.push(at(column, `the tag of '${head}'`))
    if (words.length > MAX_WORDS) throw fail(`The sentence has more than ${MAX_WORDS} words. An empty line must end each sentence.`)
  }
  if (words.length > 0) yield take()
}

function placeOf(column: number, width: number): number {
  return column < 0 ? width + column : column
}

function columnsOf(text: string, tabs: boolean): string[] {
  const line = trimEnd(text, ' \t')
  return tabs ? line.split('\t') : line.replace(/^[ \t]+/, '').split(/[ \t]+/)
}

interface Form {
  tabs: boolean
  /** Column of the word. */
  word: number
  isConllU: boolean
  /** Whether the first column is the number of the word. */
  numbered: boolean
}

/** The lines without comments. The form of the file is determined from its first line of words, so earlier lines are held back. */
async function* dataLines(file: string, options: ResolvedConll): AsyncGenerator<Line & Form> {
  let form: Form | undefined
  let waiting: Line[] = []
  for await (const line of linesOf(file, 'words')) {
    if (form === undefined) {
      waiting.push(line)
      if (mayBeComment(line.text)) continue
      form = formOf(line.text, options)
      for (const kept of waiting) if (!isComment(kept.text, form, options)) yield { ...kept, ...form }
      waiting = []
    } else if (!isComment(line.text, form, options)) {
      yield { ...line, ...form }
    }
  }
  // If no other line follows, lines that begin with # are words.
  const words = waiting.find(({ text }) => text.includes('\t') && !BLANK.test(text))
  const last = formOf(words?.text ?? '', options)
  for (const line of waiting) if (!isComment(line.text, last, options)) yield { ...line, ...last }
}

function mayBeComment(text: string): boolean {
  return BLANK.test(text) || /^(#|-DOCSTART-)/.test(text)
}

function formOf(text: string, { separator, word: given }: ResolvedConll): Form {
  const tabs = separator === 'auto' ? trimEnd(text, ' \t').includes('\t') : separator === 'tab'
  const columns = columnsOf(text, tabs)
  const beginsWithNumber = FIRST_NUMBER.test(columns[0]!)
  const isConllU = beginsWithNumber && tabs && columns.length === CONLLU_COLUMNS
  const word = given ?? (isConllU ? 1 : 0)
  return { tabs, word, isConllU, numbered: beginsWithNumber && placeOf(word, columns.length) !== 0 }
}

function isComment(text: string, { tabs, numbered }: Form, { comment }: ResolvedConll): boolean {
  if (comment !== undefined) return comment !== false && text.startsWith(comment)
  return text.startsWith('#') && (numbered || (tabs && !text.includes('\t')))
}

export interface ResolvedConll {
  /** If undefined, it depends on the form of each file, like `labels`. */
  word: number | undefined
  labels: ConllLabels | undefined
  separator: 'auto' | 'tab' | 'space'
  comment: string | false | undefined
}

function resolveConll(options: ConllOptions): ResolvedConll {
  options = takeOptions('readConll', options, keysOf<ConllOptions>({ word: 1, labels: 1, separator: 1, comment: 1 }))
  const { word, labels, separator = 'auto', comment } = options
  if (comment !== undefined && comment !== false && stringOf('comment', comment) === '') throw invalid('comment', 'a prefix', comment)
  return {
    word: word === undefined ? undefined : columnPlace('word', word),
    labels: labels === undefined ? undefined : entriesOf(labels).map(([head, column]) => [head, columnPlace(`labels.${head}`, column)]),
    separator: oneOf('separator', separator, ['auto', 'tab', 'space'] as const),
    comment,
  }
}

function columnPlace(name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw invalid(name, 'the index of a column, an integer', value)
  return value
}
