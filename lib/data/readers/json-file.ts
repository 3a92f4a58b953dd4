import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser'
import type { SentorchError } from '../../errors'
import { broken, textOf } from './source'

/** A JSON file, read whole, that can say on which line a value stands. */
export interface JsonFile {
  value: unknown
  /** A refusal at the value that a path of keys and indices leads to. */
  refuse(path: readonly (string | number)[], reason: string): SentorchError
}

/** `JSON.parse` is fast but knows no lines; the slow parser runs only once something is wrong. */
export async function openJson(file: string): Promise<JsonFile> {
  const text = await textOf(file)
  let tree: Node | undefined
  const lineAt = (offset: number) => text.slice(0, offset).split('\n').length
  try {
    return {
      value: JSON.parse(text),
      refuse(path, reason) {
        tree ??= parseTree(text)
        return broken(file, lineAt((tree && findNodeAtLocation(tree, [...path])?.offset) ?? 0), reason)
      },
    }
  } catch (cause) {
    const errors: ParseError[] = []
    parseTree(text, errors, { disallowComments: true, allowTrailingComma: false })
    const [first] = errors
    throw first
      ? broken(file, lineAt(first.offset), `The file is not JSON (${printParseErrorCode(first.error)}).`, cause)
      : broken(file, undefined, `The file is not JSON (${(cause as Error).message}).`, cause)
  }
}
