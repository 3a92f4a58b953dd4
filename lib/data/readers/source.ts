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
import { rememberUnused, UnusedFields } from './unused'

/** Makes the refusal of one record; the place is known to whoever made the function. */
export type Fail = (reason: string, cause?: unknown) => SentorchError

/** A refusal of what a file holds: at a line of it, at a named place (`row 7`), or as a whole. */
export function broken(file: string, place: number | string | undefined, reason: string, cause?: unknown): SentorchError {
  const where = typeof place === 'number' ? `${file}:${place}` : place === undefined ? file : `${file}, ${place}`
  const detail = typeof place === 'number' ? { file, line: place } : place === undefined ? { file } : { file, place }
  return new SentorchError('ERR_DATA', `${where}: ${reason}`, { cause, detail })
}

/** Examples of the files one after another. Each loop over the result opens the files anew. `unused`: what each file has and nobody reads. */
export function fromFiles(
  paths: string | readonly string[],
  read: (file: string, unused: UnusedFields) => AsyncIterable<Example> | Iterable<Example>,
): AsyncIterable<Example> {
  const files = typeof paths === 'string' ? [paths] : snapshot("'paths'", paths)
  if (!Array.isArray(files) || files.length === 0 || files.some((file) => typeof file !== 'string' || file === '')) {
    throw invalid('paths', 'the path of a file, or a list of paths', paths)
  }
  const examples = {
    async *[Symbol.asyncIterator]() {
      const unused = new UnusedFields()
      for (const file of files as string[]) yield* read(file, unused)
      rememberUnused(examples, unused)
    },
  }
  return examples
}

/** Characters that end a line for some tools (Python's splitlines) and are letters here. */
const OTHER_ENDS = /[\v\f\x1c-\x1e\x85\u2028\u2029]/ // eslint-disable-line no-control-regex -- control characters are what is looked for

/**
 * The lines of a UTF-8 file (LF, CRLF, or CR throughout), without a byte order mark, read as they are asked for. `rows`: of a format in which
 * a line end that is not known would silently make one row of many, so that a file of one line that holds such a character is refused; with
 * `words` a CR inside a line is refused too.
 */
export async function* linesOf(file: string, kind: 'texts' | 'rows' | 'words' = 'texts'): AsyncGenerator<Line> {
  let last: Line | undefined
  try {
    for await (const line of readLines(createReadStream(file), file)) {
      if (kind === 'words' && line.text.includes('\r')) {
        throw broken(file, line.number, 'The line holds a CR, though lines end with LF. Give all lines the same end, LF for example.')
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
    throw broken(
      file,
      1,
      `The whole file is one line, with U+${code} in it, which does not end a line here. End lines with LF, CRLF or CR.`,
    )
  }
}

/** A whole UTF-8 file, for formats whose records are not lines. `instead`: what to do with a file over `maxBytes`. */
export async function textOf(file: string, maxBytes: number, instead: string): Promise<string> {
  const { size } = await stat(file).catch((cause: unknown) => {
    throw unreadable(file, cause)
  })
  if (size > maxBytes) {
    throw broken(
      file,
      undefined,
      `It has ${size} bytes; at most ${maxBytes} (maxBytes) are read, as the whole file is in memory. ${instead}`,
    )
  }
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw unreadable(file, cause)
  })
  if (!isUtf8(bytes)) throw broken(file, firstBrokenLine(bytes), 'The line is not UTF-8. Convert the file, for example with iconv.')
  return bytes.toString('utf8').replace(/^\uFEFF/, '')
}

/** What keeps a file from being opened, in our words. */
export function unreadable(file: string, cause: unknown): SentorchError {
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return broken(file, undefined, 'There is no such file.', cause)
  if (code === 'EISDIR') return broken(file, undefined, 'It is a folder; name a file.', cause)
  return broken(file, undefined, `It cannot be read (${code ?? (cause as Error).message}).`, cause)
}

function firstBrokenLine(bytes: Buffer): number {
  let line = 1
  let start = 0
  for (let end; (end = bytes.indexOf(0x0a, start)) >= 0 && isUtf8(bytes.subarray(start, end)); start = end + 1) line++
  return line
}

/** A JSON file, read whole, that can say on which line a value stands. */
export interface JsonFile {
  value: unknown
  /** A refusal at the value that a path of keys and indices leads to. */
  refuse(path: readonly (string | number)[], reason: string, cause?: unknown): SentorchError
}

/** `JSON.parse` is fast but knows no lines; the slow parser runs only once something is wrong. `instead`: of a file over `maxBytes`. */
export async function openJson(file: string, maxBytes: number, instead: string): Promise<JsonFile> {
  const text = await textOf(file, maxBytes, instead)
  try {
    return { value: JSON.parse(text), refuse: (path, reason, cause) => broken(file, lineOf(text, path), reason, cause) }
  } catch (cause) {
    throw notJson(file, text, cause)
  }
}

/** The line on which the value at a path begins; 1 where there is none. Makes no tree: the file may be large. */
function lineOf(text: string, path: readonly (string | number)[]): number {
  let line: number | undefined
  type PathOf = () => (string | number)[]
  /** Whether to look inside of the value. */
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
    // Without these, jsonc-parser 3.3.1 does not come out of what was not looked into.
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
  const hint = isJson(text.slice(0, text.search(/[\r\n]/))) ? ' Its first line alone is: read JSON lines with readJsonl.' : ''
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
