import { extname } from 'node:path'
import type { Composer, Document, ParsedNode, Scalar, YAMLMap } from 'yaml'
import { keysOf, takeOptions } from '../../base/arguments'
import { describe } from '../../base/check'
import { trim } from '../../base/text'
import type { Example, LabelValue } from '../example'
import { setLabel } from '../labels'
import { evidentUnit, resolveSpans, type RawSpan } from './offsets'
import { maxBytesOf, JSON_BYTES, resolveHeads, unitOf, type HeadNames, type OffsetUnit, type ResolvedHeads } from './options'
import { parseMarkup } from './rasa-markup'
import { broken, fromFiles, openJson, textOf, type Fail } from './source'
import { field, isFields, labelIn, listIn, offsetIn, textIn } from './values'

export interface RasaOptions {
  heads?: HeadNames
  /**
   * For JSON: unit of `start` and `end`. Defaults to the unit (UTF-16 or code points) in which the `value`s of the entities occur in the text,
   * determined for each example, otherwise for the whole file, and otherwise to code points, as in Rasa.
   */
  offsets?: OffsetUnit
  /** Maximum size of a file in bytes; reading it takes several times as much memory. Integer of at least 1. Defaults to 128 MiB for JSON, 16 MiB for YAML. */
  maxBytes?: number
}

const YAML_BYTES = 16 * 2 ** 20

/**
 * Reads examples from Rasa's training data, according to the file's name: `.json` (`rasa_nlu_data` with its `common_examples`) or `.yml` and
 * `.yaml` (`nlu:` with `[text](entity)` and `[text]{"entity": …}`). Synonyms, lookup tables, regular expressions and features are ignored, and
 * so are roles, groups and the values of synonyms. Entities may touch but not overlap. Files are read into memory, up to `maxBytes`.
 * @throws ERR_DATA with file and line.
 */
export function readRasa(paths: string | readonly string[], options: RasaOptions = {}): AsyncIterable<Example> {
  const { heads, offsets, maxBytes } = resolveRasa(options)
  return fromFiles(paths, (file) => {
    const extension = extname(file).toLowerCase()
    if (extension === '.json') return readRasaJson(file, heads, offsets, maxBytes.json)
    if (extension === '.yml' || extension === '.yaml') return readRasaYaml(file, heads, maxBytes.yaml)
    throw broken(file, undefined, `Expected a .json, .yml or .yaml file. Convert other formats with: rasa data convert nlu.`)
  })
}

/** Lists of examples. Rasa treats the two old names like the first. */
const LISTS = ['common_examples', 'intent_examples', 'entity_examples']

interface RawExample {
  text: string
  intent: string | undefined
  /** Undefined if the example does not indicate it. */
  entities: RawSpan[] | undefined
  fail: Fail
}

async function* readRasaJson(
  file: string,
  heads: ResolvedHeads,
  offsets: OffsetUnit | undefined,
  maxBytes: number,
): AsyncGenerator<Example> {
  const json = await openJson(file, maxBytes, SPLIT_FILE)
  const data = isFields(json.value) ? field(json.value, 'rasa_nlu_data') : undefined
  if (!isFields(data)) throw json.refuse([], `Expected an object with 'rasa_nlu_data', received ${describe(json.value)}.`)
  const refuseAt = (path: (string | number)[]) => (reason: string) => json.refuse(['rasa_nlu_data', ...path], reason)
  const examples: RawExample[] = []
  for (const name of LISTS) {
    const list = field(data, name)
    if (list === undefined) continue
    for (const [i, example] of listIn(list, name, refuseAt([name])).entries()) examples.push(rawExample(example, refuseAt([name, i])))
  }
  const most = offsets ?? unitOfAll(examples)
  for (const { text, intent, entities, fail } of examples) {
    const labels: Record<string, LabelValue> = {}
    if (heads.sentence !== false && intent !== undefined) setLabel(labels, heads.sentence, intent)
    if (heads.tokens !== false && entities) {
      const unit = offsets ?? evidentUnit(text, entities) ?? most
      // A value may be a synonym: it can indicate the unit, but need not occur in the text.
      const places = entities.map(({ start, end, label }) => ({ start, end, label }))
      setLabel(labels, heads.tokens, resolveSpans(text, places, unit, fail))
    }
    yield { text, labels }
  }
}

function rawExample(value: unknown, fail: Fail): RawExample {
  if (!isFields(value)) throw fail(`Expected an example, received ${describe(value)}.`)
  const intent = field(value, 'intent') ?? undefined
  const entities = field(value, 'entities') ?? undefined
  return {
    text: textIn(field(value, 'text'), 'text', fail),
    intent: intent === undefined || intent === '' ? undefined : labelIn(intent, 'intent', fail),
    entities:
      entities === undefined ? undefined : listIn(entities, 'entities', fail).map((item, i) => rawEntity(item, `entities[${i}]`, fail)),
    fail,
  }
}

function rawEntity(value: unknown, name: string, fail: Fail): RawSpan {
  if (!isFields(value)) throw fail(`Expected an entity in ${name}, received ${describe(value)}.`)
  const text = field(value, 'value')
  return {
    start: offsetIn(field(value, 'start'), `${name}.start`, fail),
    end: offsetIn(field(value, 'end'), `${name}.end`, fail),
    label: labelIn(field(value, 'entity'), `${name}.entity`, fail),
    ...(typeof text === 'string' ? { text } : {}),
  }
}

/** The unit that most examples indicate; code points, as in Rasa, if none does. */
function unitOfAll(examples: readonly RawExample[]): OffsetUnit {
  let votes = 0
  for (const { text, entities } of examples) {
    const unit = evidentUnit(text, entities ?? [])
    if (unit) votes += unit === 'utf16' ? 1 : -1
  }
  return votes > 0 ? 'utf16' : 'codePoint'
}

/** The remedy for a Rasa file that is too large. */
const SPLIT_FILE = 'Split it into several files and pass them to readRasa as a list, or increase maxBytes if there is enough memory.'

/** Entries of `nlu` that do not contain examples of an intent. */
const OTHER_ENTRIES = ['synonym', 'lookup', 'regex']

async function* readRasaYaml(file: string, heads: ResolvedHeads, maxBytes: number): AsyncGenerator<Example> {
  const yaml = await import('yaml')
  const { document, lineOf } = await openYaml(file, maxBytes, SPLIT_FILE)
  const refuse = (node: unknown, reason: string) => broken(file, lineOf(node), reason)

  const nlu: unknown = yaml.isMap(document.contents) ? document.contents.get('nlu', true) : undefined
  if (!yaml.isSeq(nlu)) throw refuse(nlu ?? document.contents, `Expected a list of intents under 'nlu'.`)

  for (const entry of nlu.items) {
    if (!yaml.isMap(entry)) throw refuse(entry, `Expected an entry with 'intent' and 'examples'.`)
    if (OTHER_ENTRIES.some((name) => entry.has(name))) continue
    const intent = entry.get('intent')
    if (typeof intent !== 'string' || intent === '') {
      throw refuse(entry, `Expected an entry with 'intent', or one of ${OTHER_ENTRIES.join(', ')}.`)
    }
    for (const { marked, line } of markedTexts(entry)) {
      const { text, entities } = parseMarkup(marked, (reason, cause) => broken(file, line, reason, cause))
      const labels: Record<string, LabelValue> = {}
      if (heads.sentence !== false) setLabel(labels, heads.sentence, intent)
      if (heads.tokens !== false) setLabel(labels, heads.tokens, entities)
      yield { text, labels }
    }
  }

  /** `examples: |` with a dash on each line, or a list of texts or of `{ text }`. */
  function* markedTexts(entry: YAMLMap): Generator<{ marked: string; line: number }> {
    const examples: unknown = entry.get('examples', true)
    if (yaml.isScalar(examples) && typeof examples.value === 'string') {
      yield* dashedLines(examples as Scalar<string>)
    } else if (yaml.isSeq(examples)) {
      for (const item of examples.items) {
        const node: unknown = yaml.isMap(item) ? item.get('text', true) : item
        if (!yaml.isScalar(node) || typeof node.value !== 'string') throw refuse(item, 'Expected an example: a text.')
        yield { marked: stripped(node.value), line: lineOf(node) }
      }
    } else {
      throw refuse(examples ?? entry, `Expected 'examples: |' with a dash before each example, or a list.`)
    }
  }

  function* dashedLines(block: Scalar<string>): Generator<{ marked: string; line: number }> {
    // The text of a block begins on the line after its `|`.
    const first = lineOf(block) + (block.type === 'BLOCK_LITERAL' ? 1 : 0)
    for (const [i, text] of block.value.split('\n').entries()) {
      if (stripped(text) === '') continue
      const line = block.type === 'BLOCK_LITERAL' ? first + i : first
      if (!/^[ \t]*-/.test(text)) throw broken(file, line, 'Expected a dash before the example.')
      const marked = stripped(text.replace(/^[ \t]*-/, ''))
      if (marked !== '') yield { marked, line }
    }
  }
}

/** Strips spaces, tabs and line ends only, as Rasa does. */
function stripped(text: string): string {
  return trim(text, ' \t\r\n')
}

/**
 * Maximum levels of nesting; Rasa's files have five. The parser is recursive, and Node aborts the process if a regular expression is compiled
 * when the stack is exhausted.
 */
const MAX_DEPTH = 100

/** A YAML file in memory that can determine the line of a node. */
export interface YamlFile {
  document: Document.Parsed<ParsedNode>
  /** 1 if the value is not a node. */
  lineOf: (node: unknown) => number
}

/**
 * `instead`: the remedy for a file over `maxBytes`. Time and memory are linear in the file's size: parsing stops at the first error, and keys
 * are checked here, since the parser would compare each key with all previous ones.
 */
async function openYaml(file: string, maxBytes: number, instead: string): Promise<YamlFile> {
  const yaml = await import('yaml')
  // In YAML, CR ends a line too, but the parser knows only LF and CRLF.
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

/** Stops at the first error: the parser would collect errors, for some files one per character. */
function failAtOnce(composer: Composer, errorOf: (offset: number, message: string) => Error): void {
  const onError = (source: Source, _code: string, message: string, isWarning?: boolean) => {
    if (!isWarning) throw errorOf(typeof source === 'number' ? source : Array.isArray(source) ? source[0] : source.offset, message)
  }
  Object.assign(composer, { onError })
}

export interface ResolvedRasa {
  heads: ResolvedHeads
  offsets: OffsetUnit | undefined
  maxBytes: { json: number; yaml: number }
}

export function resolveRasa(options: RasaOptions): ResolvedRasa {
  options = takeOptions('readRasa', options, keysOf<RasaOptions>({ heads: 1, offsets: 1, maxBytes: 1 }))
  const { heads, offsets, maxBytes } = options
  return {
    heads: resolveHeads(heads),
    offsets: unitOf(offsets),
    maxBytes: { json: maxBytesOf(maxBytes, JSON_BYTES), yaml: maxBytesOf(maxBytes, YAML_BYTES) },
  }
}
