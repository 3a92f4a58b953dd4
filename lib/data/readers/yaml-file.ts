import type { Composer, Document, ParsedNode } from 'yaml'
import { broken, textOf } from './source'

/**
 * Levels of nesting; a file of Rasa's has five. The parser descends by recursion, and Node ends the process where a regular expression is first
 * used with no stack left.
 */
const MAX_DEPTH = 100

/** A YAML file, read whole, that can say on which line a node stands. */
export interface YamlFile {
  document: Document.Parsed<ParsedNode>
  /** 1 for what is not a node. */
  lineOf: (node: unknown) => number
}

/**
 * `instead`: what to do with a file over `maxBytes`. Time and memory are linear in the file: the first error is the last, and keys are compared
 * here, as the parser compares each with all before it.
 */
export async function openYaml(file: string, maxBytes: number, instead: string): Promise<YamlFile> {
  const yaml = await import('yaml')
  // YAML ends lines with CR too; the parser knows LF and CRLF.
  const text = (await textOf(file, maxBytes, instead)).replace(/\r\n?/g, '\n')
  const lines = new yaml.LineCounter()
  lines.addNewLine(0)
  const lineAt = (offset: number) => lines.linePos(offset).line
  const lineOf = (node: unknown) => (yaml.isNode(node) && node.range ? lineAt(node.range[0]) : 1)
  const refuse = (line: number, reason: string, cause?: unknown) => broken(file, line, `The file is not YAML (${reason}).`, cause)

  function* tokens() {
    const parser = new yaml.Parser(lines.addNewLine)
    for (const lexeme of new yaml.Lexer().lex(text)) {
      yield* parser.next(lexeme)
      if (parser.stack.length > MAX_DEPTH) throw broken(file, lineAt(parser.offset), `Expected at most ${MAX_DEPTH} levels of nesting.`)
    }
    yield* parser.end()
  }

  const composer = new yaml.Composer({ uniqueKeys: false })
  failAtOnce(composer, (offset, message) => refuse(lineAt(offset), message))
  let document: Document.Parsed<ParsedNode> | undefined
  for (const each of composer.compose(tokens(), true, text.length)) {
    if (document) throw refuse(lineAt(each.range[0]), 'it holds several documents')
    document = each
    const [error] = document.errors
    if (error) throw refuse(lineAt(error.pos[0]), error.message, error)
  }
  yaml.visit(document!, {
    Map(_, { items }) {
      const seen = new Set<unknown>()
      for (const { key } of items) {
        const name = yaml.isScalar(key) ? key.value : key
        if (seen.has(name)) throw refuse(lineOf(key), 'Map keys must be unique')
        seen.add(name)
      }
    },
  })
  return { document: document!, lineOf }
}

type Source = number | [number, number] | { offset: number }

/** The parser would collect errors, one for each character of some files. */
function failAtOnce(composer: Composer, errorOf: (offset: number, message: string) => Error): void {
  const onError = (source: Source, _code: string, message: string, isWarning?: boolean) => {
    if (!isWarning) throw errorOf(typeof source === 'number' ? source : Array.isArray(source) ? source[0] : source.offset, message)
  }
  Object.assign(composer, { onError })
}
