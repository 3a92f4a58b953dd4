import { type JSONVisitor, printParseErrorCode, visit } from 'jsonc-parser'
import type { SentorchError } from '../../base/errors'
import { unlessTooDeep } from '../../files/json-problem'
import { broken, textOf } from './source'

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
