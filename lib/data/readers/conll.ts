import { type ConllOptions, resolveConll, type ResolvedConll } from '../../options/readers'
import type { Example, LabelValue } from '../example'
import { broken, fromFiles, linesOf } from './source'

/** A file that is no CoNLL has no ends of sentences: it is found out before it fills the memory. */
const MAX_WORDS = 100_000

/** Only these are white space here: a no-break space, U+2028 or a byte order mark may be a word. */
const BLANK = /^[ \t]*$/

/**
 * Examples of CoNLL files: a word a line with its columns, sentences ended by an empty line or one of spaces and tabs only. Words
 * are kept as they stand. `-DOCSTART-` lines are skipped; every line has as many columns as the first. `text` is the words joined
 * by one space.
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
  let words: string[] = []
  let tags: string[][] = options.labels.map(() => [])

  function take(): Example {
    const labels: Record<string, LabelValue> = {}
    for (const [i, [head]] of options.labels.entries()) labels[head] = tags[i]!
    const example = { text: words.join(' '), words, labels }
    words = []
    tags = options.labels.map(() => [])
    return example
  }

  for await (const { text, number, tabs } of dataLines(file, options)) {
    const fail = (reason: string) => broken(file, number, reason)
    const columns = BLANK.test(text) ? [] : columnsOf(text, tabs)
    if (columns.length === 0 || columns[0] === '-DOCSTART-') {
      if (words.length > 0) yield take()
      continue
    }
    const have = `the line has ${columns.length} column${columns.length === 1 ? '' : 's'} (by ${tabs ? 'tabs' : 'spaces'})`
    if (width === 0) {
      width = columns.length
      const word = placeOf(options.word, width)
      const same = options.labels.find(([, column]) => placeOf(column, width) === word)
      if (same) throw fail(`The word and the tag of '${same[0]}' are the same column: ${have}.`)
    }
    if (columns.length !== width) throw fail(`Expected ${width} columns, as on the lines before: ${have}.`)
    const at = (column: number, what: string) => {
      const value = columns[placeOf(column, width)]
      if (value === undefined) throw fail(`There is no column ${column} for ${what}: ${have}.`)
      if (value === '') throw fail(`Column ${column}, ${what}, is empty.`)
      return value
    }
    words.push(at(options.word, 'the word'))
    for (const [i, [head, column]] of options.labels.entries()) tags[i]!.push(at(column, `the tag of '${head}'`))
    if (words.length > MAX_WORDS) throw fail(`The sentence has more than ${MAX_WORDS} words. Sentences end with an empty line.`)
  }
  if (words.length > 0) yield take()
}

function placeOf(column: number, width: number): number {
  return column < 0 ? width + column : column
}

function columnsOf(text: string, tabs: boolean): string[] {
  const line = text.replace(/[ \t]+$/, '')
  return tabs ? line.split('\t') : line.replace(/^[ \t]+/, '').split(/[ \t]+/)
}

/** Lines without the comments. Whether tabs are between columns is seen on the first line of words; those before it wait. */
async function* dataLines(file: string, { separator, comment }: ResolvedConll): AsyncGenerator<Line & { tabs: boolean }> {
  let tabs = separator === 'auto' ? undefined : separator === 'tab'
  let waiting: Line[] = []
  const isComment = ({ text }: Line) => {
    if (comment !== undefined) return comment !== false && text.startsWith(comment)
    return tabs === true && text.startsWith('#') && !text.includes('\t')
  }
  for await (const line of linesOf(file)) {
    if (tabs !== undefined) {
      if (!isComment(line)) yield { ...line, tabs }
      continue
    }
    waiting.push(line)
    if (BLANK.test(line.text) || (/^(#|-DOCSTART-)/.test(line.text) && !line.text.includes('\t'))) continue
    const decided = (tabs = line.text.replace(/[ \t]+$/, '').includes('\t'))
    for (const kept of waiting) if (!isComment(kept)) yield { ...kept, tabs: decided }
    waiting = []
  }
  for (const line of waiting) if (!isComment(line)) yield { ...line, tabs: false }
}
