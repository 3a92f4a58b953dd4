import type { Scalar, YAMLMap } from 'yaml'
import type { ResolvedHeads } from './options'
import type { Example, LabelValue } from '../example'
import { setLabel } from '../labels'
import { trim } from '../../base/trim'
import { parseMarkup } from './rasa-markup'
import { broken } from './source'
import { openYaml } from './yaml-file'

/** What to do with a file of Rasa's that is too large. */
export const SPLIT_FILE = 'Split it into several files, which readRasa takes as a list, or raise maxBytes where memory allows it.'

/** Entries of `nlu` that hold no examples of an intent. */
const OTHER_ENTRIES = ['synonym', 'lookup', 'regex']

export async function* readRasaYaml(file: string, heads: ResolvedHeads, maxBytes: number): AsyncGenerator<Example> {
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

  /** `examples: |` with a dash a line, or a list of texts or of `{ text }`. */
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
      throw refuse(examples ?? entry, `Expected 'examples: |' with a dash before each, or a list.`)
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

/** As Rasa strips: nothing but spaces, tabs and line ends. */
function stripped(text: string): string {
  return trim(text, ' \t\r\n')
}
