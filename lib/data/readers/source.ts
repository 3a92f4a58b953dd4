import { printParseErrorCode, visit, type JSONVisitor } from 'jsonc-parser'
import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { snapshot } from '../../base/arguments'
import { invalid } from '../../base/check'
import { isSentorchError, SentorchError } from '../../base/errors'
import { readLines, type Line } from '../../base/text'
import { unlessTooDeep } from '../../files/file-errors'
import type { Example } from '../example'

/** Creates the error for one record. The creator of the function supplies the location. */
export type Fail = (reason: string, cause?: unknown) => SentorchError

/** An error about the content of a file: at a line, at a named location (`row 7`), or for the file as a whole. */
export function broken(file: string, place: number | string | undefined, reason: string, cause?: unknown): SentorchError {
  const where = typeof place === 'number' ? `${file}:${place}` : place === undefined ? file : `${file}, ${place}`
  const detail = typeof place === 'number' ? { file, line: place } : place === undefined ? { file } : { file, place }
  return new SentorchError('ERR_DATA', `${where}: ${reason}`, { cause, detail })
}

/** The examples of the files, one file after another. Each iteration opens the files again. `unused`: collects the fields that are not read. */
export function fromFiles(
  paths: string | readonly string[],
  read: (file: string, unused: UnusedFields) => AsyncIterable<Example> | Iterable<Example>,
): AsyncIterable<Example> {
  const files = typeof paths === 'string' ? [paths] : snapshot("'paths'", paths)
  if (!Array.isArray(files) || files.length === 0 || files.some((file) => typeof file !== 'string' || file === '')) {
    throw invalid('paths', 'the path of a file, or a list of paths', paths)
  }
  return new FileExamples(async function* (unused) {
    for (const file of files as string[]) yield* read(file, unused)
  })
}

/** Characters that end a line for some tools (Python's splitlines) but are ordinary characters here. */
const OTHER_ENDS = /[\v\f\x1c-\x1e\x85\u2028\u2029]/ // eslint-disable-line no-control-regex -- the pattern is for control characters

/**
 * The lines of a UTF-8 file (LF, CRLF, or CR throughout), without a byte order mark, read on demand. `rows`: for formats in which an
 * unrecognised line end would silently merge rows; a file with a single line that contains such a character is rejected, and with
 * `words` also a CR inside a line.
 */
export async function* linesOf(file: string, kind: 'texts' | 'rows' | 'words' = 'texts'): AsyncGenerator<Line> {
  let last: Line | undefined
  try {
    for await (const line of readLines(createReadStream(file), file)) {
      if (kind === 'words' && line.text.includes('\r')) {
        throw broken(file, line.number, 'The line contains a CR, but lines end with LF. Use the same line end throughout, for example LF.')
      }
      last = line
      yield line
    }
  } catch (cause) {
    if (isSentorchError(cause)) throw new SentorchError('ERR_DATA', cause.message, { cause, detail: cause.detail })
    throw unreadable(file, cause)
  }
  const [other] = (last?.number === 1 && kind !== 'texts' && OTHER_ENDS.exec(last.text)) || []
  if (other !== undefined) {
    const code = other.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
    throw broken(file, 1, `The file is a single line that contains U+${code}, which does not end a line. End lines with LF, CRLF or CR.`)
  }
}

/** The content of a UTF-8 file, for formats whose records are not lines. `instead`: the remedy for a file over `maxBytes`. */
export async function textOf(file: string, maxBytes: number, instead: string): Promise<string> {
  const { size } = await stat(file).catch((cause: unknown) => {
    throw unreadable(file, cause)
  })
  if (size > maxBytes) {
    throw broken(
      file,
      undefined,
      `It has ${size} bytes; the limit is ${maxBytes} (maxBytes), since the whole file is read into memory. ${instead}`,
    )
  }
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw unreadable(file, cause)
  })
  if (!isUtf8(bytes)) throw broken(file, firstBrokenLine(bytes), 'The line is not UTF-8. Convert the file, for example with iconv.')
  return bytes.toString('utf8').replace(/^\uFEFF/, '')
}

/** The error for a file that cannot be opened. */
export function unreadable(file: string, cause: unknown): SentorchError {
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return broken(file, undefined, 'The file does not exist.', cause)
  if (code === 'EISDIR') return broken(file, undefined, 'It is a folder, not a file.', cause)
  return broken(file, undefined, `It cannot be read (${code ?? (cause as Error).message}).`, cause)
}

function firstBrokenLine(bytes: Buffer): number {
  let line = 1
  let start = 0
  for (let end; (end = bytes.indexOf(0x0a, start)) >= 0 && isUtf8(bytes.subarray(start, end)); start = end + 1) line++
  return line
}

/** A JSON file in memory that can determine the line of a value. */
export interface JsonFile {
  value: unknown
  /** An error at the value that a path of keys and indices leads to. */
  refuse(path: readonly (string | number)[], reason: string, cause?: unknown): SentorchError
}

/** `JSON.parse` is fast but does not report lines; the slower parser runs only after it has failed. `instead`: the remedy for a file over `maxBytes`. */
export async function openJson(file: string, maxBytes: number, instead: string): Promise<JsonFile> {
  const text = await textOf(file, maxBytes, instead)
  try {
    return { value: JSON.parse(text), refuse: (path, reason, cause) => broken(file, lineOf(text, path), reason, cause) }
  } catch (cause) {
    throw notJson(file, text, cause)
  }
}

/** The line on which the value at a path begins, or 1 if it does not exist. Builds no tree, since the file may be large. */
function lineOf(text: string, path: readonly (string | number)[]): number {
  let line: number | undefined
  type PathOf = () => (string | number)[]
  /** Whether to enter the value. */
  const look = (startLine: number, pathOf: PathOf): boolean => {
    if (line !== undefined) return false
    const here = pathOf()
    if (here.some((key, i) => key !== path[i])) return false
    if (here.length === path.length) line = startLine + 1
    return line === undefined
  }
  const visitor: JSONVisitor = {
    onObjectBegin: (_offset, _length, startLine, _character, pathOf) => look(startLine, pathOf),
    onArrayBegin: (_offset, _length, startLine, _character, pathOf) => look(startLine, pathOf),
    onLiteralValue: (_value, _offset, _length, startLine, _character, pathOf) => void look(startLine, pathOf),
    // Without these, jsonc-parser 3.3.1 does not leave values that were not entered.
    onObjectEnd: () => {},
    onArrayEnd: () => {},
  }
  unlessTooDeep(() => void visit(text, visitor))
  return line ?? 1
}

function notJson(file: string, text: string, cause: unknown): SentorchError {
  let first: { reason: string; line: number } | undefined
  const onError: JSONVisitor['onError'] = (error, _offset, _length, startLine) =>
    void (first ??= { reason: printParseErrorCode(error), line: startLine + 1 })
  unlessTooDeep(() => void visit(text, { onError }, { disallowComments: true, allowTrailingComma: false }))
  const hint = isJson(text.slice(0, text.search(/[\r\n]/))) ? ' Its first line alone is valid JSON: read JSON lines with readJsonl.' : ''
  if (first) return broken(file, first.line, `The file is not JSON (${first.reason}).${hint}`, cause)
  return broken(file, undefined, `The file is not JSON (${(cause as Error).message}).${hint}`, cause)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Fields and columns of files that nothing is read from, with the number of records that have them. */
export class UnusedFields {
  readonly #counts = new Map<string, number>()

  /** One record: what it has, and what of it is read. */
  note(fields: Iterable<string>, used: ReadonlySet<string>): void {
    for (const field of fields) if (!used.has(field)) this.#counts.set(field, (this.#counts.get(field) ?? 0) + 1)
  }

  /** The most frequent first. */
  list(): UnusedField[] {
    return [...this.#counts].map(([field, records]) => ({ field, records })).sort((a, b) => b.records - a.records)
  }
}

export interface UnusedField {
  field: string
  /** Records of the files that have it. */
  records: number
}

/** Examples of files. Each loop opens the files anew. */
export class FileExamples implements AsyncIterable<Example> {
  readonly #read: (unused: UnusedFields) => AsyncIterable<Example>
  #unused: UnusedFields | undefined

  constructor(read: (unused: UnusedFields) => AsyncIterable<Example>) {
    this.#read = read
  }

  /** What the last complete loop did not read; empty before it. */
  get unusedFields(): UnusedField[] {
    return this.#unused?.list() ?? []
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Example> {
    const unused = new UnusedFields()
    yield* this.#read(unused)
    this.#unused = unused
  }
}
