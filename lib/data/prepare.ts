import { integerIn, oneOf } from '../base/check'
import { throwIfAborted } from '../base/errors'
import type { Head } from '../heads/definition'
import { kindOf } from '../heads/kinds'
import type { Tokenizer, TokenBatchWithOffsets } from '../tokenizer/tokenizer'
import { align, textOf, wordPlaces } from './align'
import { fingerprintOf, type Dataset } from './dataset'
import type { Example } from './example'
import { FlatIntegers, goldOf, Targets, type PreparedSet, type UnknownLabels } from './targets'
import { breather, exampleName } from './examples'
import { labelOf } from './labels'

export interface PrepareOptions {
  /** Largest number of tokens in a row, including special tokens; at least as many as these. */
  maxLength: number
  /**
   * What to do with labels that a head does not have: 'refuse' them with ERR_DATA, or 'ignore' them. Ignored labels have the target −100 (or, in
   * a list of labels, none), but the examples and `gold` keep them.
   */
  unknownLabels: UnknownLabels
  /** Names of the heads for which every token of a word gets a label. By default, only the first token does. */
  allSubwords?: readonly string[]
  signal?: AbortSignal | undefined
}

/** Number of examples that are tokenised together. Processing their tokens blocks the JavaScript thread for a few milliseconds. */
const CHUNK = 128

/** More tokens than any text has. */
const ALL = 2 ** 30

/**
 * Tokenises a data set and aligns its labels with the tokens. Uses 8 bytes per token, 4 more for each token-classification head, and a small
 * array for the words of each example. Pauses regularly, so that the JavaScript thread is not blocked.
 * Rejects with ERR_DATA, which names the example, for unknown labels and values of the wrong shape; ERR_INVALID_ARGUMENT, ERR_ABORTED, ERR_DISPOSED.
 */
export async function prepare(
  dataset: Dataset,
  tokenizer: Tokenizer,
  heads: readonly Head[],
  { maxLength, unknownLabels, allSubwords = [], signal }: PrepareOptions,
): Promise<PreparedSet> {
  const { before, after } = tokenizer.surroundings
  integerIn('maxLength', maxLength, before + after, ALL)
  oneOf('unknownLabels', unknownLabels, ['refuse', 'ignore'])
  throwIfAborted(signal)
  const { name, examples } = dataset
  const rows = new Rows(name, heads, { maxLength, unknownLabels, allSubwords }, after)
  const breathe = breather(signal)
  const encode = (start: number) => {
    const chunk = examples.slice(start, start + CHUNK)
    // One token more than the limit shows which texts are truncated.
    const limit = chunk.some((example) => needsAllWords(example, heads)) ? ALL : maxLength + 1
    const batch = tokenizer.encodeWithOffsets(chunk.map(textOf), limit, signal)
    batch.catch(() => {}) // seen when it is awaited, unless an example before it is refused
    return { chunk, batch }
  }
  let next = encode(0)
  for (let start = 0; start < examples.length; start += CHUNK) {
    const { chunk } = next
    const batch = await next.batch
    // The tokenizer works on the next chunk meanwhile.
    if (start + CHUNK < examples.length) next = encode(start + CHUNK)
    for (const [i, example] of chunk.entries()) {
      rows.add(example, batch, i)
      await breathe()
    }
    throwIfAborted(signal)
  }
  return rows.finish(examples)
}

/** Whether the words that the tokenizer finds are needed up to the end of the text, because each gets a tag. */
function needsAllWords(example: Example, heads: readonly Head[]): boolean {
  if (example.words !== undefined) return false
  return heads.some((head) => kindOf(head).needsAllWords(labelOf(example, head.name)))
}

/** Collects the rows of a data set. */
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

  constructor(
    name: string,
    heads: readonly Head[],
    { maxLength, unknownLabels, allSubwords }: Required<Omit<PrepareOptions, 'signal'>>,
    after: number,
  ) {
    this.#name = name
    this.#heads = heads
    this.#maxLength = maxLength
    this.#after = after
    this.#targets = heads.map((head) => new Targets(head, unknownLabels, allSubwords.includes(head.name) ? 'all' : 'first'))
    this.#offsets.push([0])
  }

  /** Adds row `i` of the batch. */
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

  /** Removes tokens from the end of the text, and keeps the special tokens after it. */
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
