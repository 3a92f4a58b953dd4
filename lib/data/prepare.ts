import { integerIn, oneOf } from '../base/check'
import { throwIfAborted } from '../base/errors'
import type { Head } from '../heads/definition'
import type { Gold } from '../heads/kind'
import { kindOf } from '../heads/kinds'
import type { Tokenizer, TokenBatchWithOffsets } from '../tokenizer/tokenizer'
import { align, textOf, wordPlaces } from './align'
import { fingerprintOf, type Dataset } from './dataset'
import type { Example } from './example'
import { exampleName } from './examples'
import { FlatIntegers } from './flat'
import { labelOf } from './labels'
import { breather } from './pause'
import { goldOf, Targets, type UnknownLabels } from './targets'

/** One data set against one model's tokenizer and heads, tokenised once. Everything of all tokens lies in flat arrays. */
export interface PreparedSet {
  readonly name: string
  readonly examples: readonly Example[]
  /** Ragged rows, cut at `maxLength` tokens: those of example i are ids[offsets[i] … offsets[i+1]), special tokens counted. */
  readonly ids: Int32Array
  readonly offsets: Int32Array
  /**
   * Per example: pairs start, end of its words in UTF-16 units of its text; without `words`, those that the tokenizer makes. All words are
   * there where the example has entities for one of the heads, also those behind the cut.
   */
  readonly words: readonly Int32Array[]
  /** Per token of `ids` the number of its word in the example; −1 for special tokens and those of no word. */
  readonly wordOfToken: Int32Array
  /**
   * Per head, as the native side takes them. Classification: [examples], multi-label and binary [examples, labels] of 0 and 1. Token
   * classification: [tokens], a word's tag on its first token. −100: no label.
   */
  readonly labels: ReadonlyMap<string, Int32Array>
  /** Examples that were cut. */
  readonly truncated: number
  /** Entities (over all heads) that got no word: they share their only word with the one before, or cover characters that yield no token. */
  readonly entitiesLost: number
  /** SHA-256, hex, over ids, offsets and labels with the heads' names and label names: other data has another one. */
  readonly fingerprint: string
  /** The labels of an example, known to the head or not; tags also of words beyond the token limit. Undefined where it has none for this head. */
  gold(head: string, example: number): Gold | undefined
}

export interface PrepareOptions {
  /** Tokens of one row, the special ones counted; at least those. */
  maxLength: number
  /**
   * Labels that a head does not have: 'refuse' them with ERR_DATA, or 'ignore' them: they are no labels (−100; of several labels the others
   * stay), but the examples and `gold` keep them.
   */
  unknownLabels: UnknownLabels
  signal?: AbortSignal | undefined
}

/** Examples that go to the tokenizer together: what follows holds the JavaScript thread for a few milliseconds. */
const CHUNK = 128

/** Tokens that no text has. */
const ALL = 2 ** 30

/**
 * Tokenises a data set once and lays its labels beside the tokens. Memory is 8 bytes a token, 4 more for each tag head, and a small array for
 * the words of each example; the JavaScript thread is never held for long.
 * Rejects with ERR_DATA, naming the example, for labels of a wrong shape and unknown ones; ERR_INVALID_ARGUMENT, ERR_ABORTED, ERR_DISPOSED.
 */
export async function prepare(
  dataset: Dataset,
  tokenizer: Tokenizer,
  heads: readonly Head[],
  { maxLength, unknownLabels, signal }: PrepareOptions,
): Promise<PreparedSet> {
  const { before, after } = tokenizer.surroundings
  integerIn('maxLength', maxLength, before + after, ALL)
  oneOf('unknownLabels', unknownLabels, ['refuse', 'ignore'])
  throwIfAborted(signal)
  const { name, examples } = dataset
  const rows = new Rows(name, heads, unknownLabels, maxLength, after)
  const breathe = breather(signal)
  const encode = (start: number) => {
    const chunk = examples.slice(start, start + CHUNK)
    // One token too many shows what is cut.
    const limit = chunk.some((example) => needsAllWords(example, heads)) ? ALL : maxLength + 1
    const batch = tokenizer.encodeWithOffsets(chunk.map(textOf), limit, signal)
    batch.catch(() => {}) // seen when it is awaited, unless an example before it is refused
    return { chunk, batch }
  }
  let next = encode(0)
  for (let start = 0; start < examples.length; start += CHUNK) {
    const { chunk } = next
    const batch = await next.batch
    // The tokenizer goes on beside.
    if (start + CHUNK < examples.length) next = encode(start + CHUNK)
    for (const [i, example] of chunk.entries()) {
      rows.add(example, batch, i)
      await breathe()
    }
    throwIfAborted(signal)
  }
  return rows.finish(examples)
}

/** The tokenizer's own words must be known to the end of the text where each gets a tag. */
function needsAllWords(example: Example, heads: readonly Head[]): boolean {
  if (example.words !== undefined) return false
  return heads.some((head) => kindOf(head).needsAllWords(labelOf(example, head.name)))
}

/** The rows of a data set while they come in. */
class Rows {
  readonly #name: string
  readonly #heads: readonly Head[]
  readonly #maxLength: number
  readonly #after: number
  readonly #ids = new FlatIntegers()
  readonly #offsets = new FlatIntegers()
  readonly #wordOfToken = new FlatIntegers()
  readonly #words: Int32Array[] = []
  readonly #targets: readonly Targets[]
  #truncated = 0

  constructor(name: string, heads: readonly Head[], unknownLabels: UnknownLabels, maxLength: number, after: number) {
    this.#name = name
    this.#heads = heads
    this.#maxLength = maxLength
    this.#after = after
    this.#targets = heads.map((head) => new Targets(head, unknownLabels))
    this.#offsets.push([0])
  }

  /** Row `i` of the batch. */
  add(example: Example, batch: TokenBatchWithOffsets, i: number): void {
    const text = textOf(example)
    const index = this.#words.length
    const what = () => exampleName(this.#name, index, text)
    const { words: given } = example
    const places = given === undefined ? undefined : wordPlaces({ text, words: given }, what)
    const { words, wordOfToken } = align(text, places, batch.spans[i]!, batch.wordIds[i]!)
    const ids = batch.ids.subarray(batch.offsets[i], batch.offsets[i + 1])
    const cut = ids.length > this.#maxLength
    if (cut) this.#truncated++
    const alignment = { words, wordOfToken: cut ? this.#cut(wordOfToken) : wordOfToken }
    this.#ids.push(cut ? this.#cut(ids) : ids)
    this.#offsets.push([this.#ids.length])
    this.#wordOfToken.push(alignment.wordOfToken)
    this.#words.push(words)
    for (const targets of this.#targets) targets.add({ example, what, alignment })
  }

  /** Tokens from the end of the text go; the special ones behind it stay. */
  #cut(row: Int32Array): Int32Array {
    const kept = row.slice(0, this.#maxLength)
    kept.set(row.subarray(row.length - this.#after), this.#maxLength - this.#after)
    return kept
  }

  async finish(examples: readonly Example[]): Promise<PreparedSet> {
    const ids = this.#ids.finish()
    const offsets = this.#offsets.finish()
    const labels = new Map(this.#heads.map((head, i) => [head.name, this.#targets[i]!.finish()]))
    const heads = new Map(this.#heads.map((head) => [head.name, head]))
    const words = this.#words
    return {
      name: this.#name,
      examples,
      ids,
      offsets,
      words,
      wordOfToken: this.#wordOfToken.finish(),
      labels,
      truncated: this.#truncated,
      entitiesLost: this.#targets.reduce((sum, targets) => sum + targets.entitiesLost, 0),
      fingerprint: await fingerprintOf(ids, offsets, this.#heads, labels),
      gold: (name, example) => {
        const head = heads.get(name)
        return head && goldOf(head, examples[example]!, words[example]!, () => exampleName(this.#name, example))?.gold
      },
    }
  }
}
