import { describe } from '../base/check'
import type { SentorchError } from '../base/errors'
import type { Head } from '../heads/definition'
import { NO_LABEL, type Gold, type LabelSubwords } from '../heads/kind'
import { kindOf } from '../heads/kinds'
import type { Alignment } from './align'
import type { Example } from './example'
import { badExample } from './examples'
import { labelOf } from './labels'

/** One example, with its name for error messages. */
export interface LabelledRow {
  example: Example
  what: () => string
  /** `wordOfToken` is truncated to the tokens of the row. */
  alignment: Alignment
}

/** What to do with labels that a head does not have: 'refuse' them with ERR_DATA, or 'ignore' them. */
export type UnknownLabels = 'refuse' | 'ignore'

/** The labels of an example for a head, whether or not the head knows them; undefined if it has none. ERR_DATA for a value of the wrong shape. */
export function goldOf(
  head: Head,
  example: Example,
  words: Int32Array,
  what: () => string,
): { gold: Gold; entitiesLost: number } | undefined {
  const value = labelOf(example, head.name)
  if (value === undefined) return undefined
  const refuse = (why: string): SentorchError => badExample(what(), why, { head: head.name })
  return kindOf(head).gold(head, { value, givenWords: example.words?.length, words, refuse })
}

/** The targets of one head for native code, collected example by example. */
export class Targets {
  /** Number of entities without a word. */
  entitiesLost = 0
  readonly #head: Head
  readonly #unknown: UnknownLabels
  readonly #subwords: LabelSubwords
  readonly #ids: ReadonlyMap<string, number>
  readonly #values = new FlatIntegers()

  constructor(head: Head, unknown: UnknownLabels, labelSubwords: LabelSubwords) {
    this.#head = head
    this.#subwords = labelSubwords
    this.#unknown = unknown
    this.#ids = new Map(head.labels.map((label, i) => [label, i]))
  }

  add({ example, what, alignment: { words, wordOfToken } }: LabelledRow): void {
    const kind = kindOf(this.#head)
    const items = kind.perToken ? wordOfToken.length : 1
    const targets = this.#values.extend(items * kind.targetSize(this.#head), NO_LABEL)
    const found = goldOf(this.#head, example, words, what)
    if (!found) return
    this.entitiesLost += found.entitiesLost
    kind.writeTargets(targets, found.gold, {
      wordOfToken,
      labelSubwords: this.#subwords,
      ids: this.#ids,
      idOf: (label) => this.#idOf(label, what),
    })
  }

  finish(): Int32Array {
    return this.#values.finish()
  }

  #idOf(label: string, what: () => string): number {
    const id = this.#ids.get(label)
    if (id !== undefined) return id
    if (this.#unknown === 'ignore') return NO_LABEL
    const { name, labels } = this.#head
    const some = labels.length > 12 ? `${labels.slice(0, 12).join(', ')} … (${labels.length})` : labels.join(', ')
    throw badExample(what(), `${describe(label)} is not one of the labels of head '${name}': ${some}.`, { head: name, label })
  }
}

/** A data set, tokenised once for the tokenizer and the heads of a model. Data per token is kept in flat arrays. */
export interface PreparedSet {
  readonly name: string
  readonly examples: readonly Example[]
  /** Ragged rows of at most `maxLength` tokens, including special tokens; row i is ids[offsets[i] … offsets[i+1]). */
  readonly ids: Int32Array
  readonly offsets: Int32Array
  /**
   * Per example: start and end of each word, in UTF-16 units of its text; without `words`, the words of the tokenizer. If the example has
   * entities for one of the heads, words beyond the token limit are included.
   */
  readonly words: readonly Int32Array[]
  /** Per token of `ids`: the index of its word in the example; −1 for special tokens and tokens outside words. */
  readonly wordOfToken: Int32Array
  /**
   * Targets of each head for native code. Single-label: [examples]; multi-label and binary: [examples, labels] of 0 and 1; token
   * classification: [tokens], where the first token of a word has its tag (with `allSubwords`, the others too). −100: no label.
   */
  readonly labels: ReadonlyMap<string, Int32Array>
  /** Number of truncated examples. */
  readonly truncated: number
  /** Number of entities (over all heads) without a word: another entity already has their only word, or their characters have no token. */
  readonly entitiesLost: number
  /** SHA-256 (hex) of ids, offsets, labels, and the names of heads and labels. */
  readonly fingerprint: string
  /** The labels of an example for a head, including unknown labels and tags beyond the token limit. Undefined if the example has none. */
  gold(head: string, example: number): Gold | undefined
}

/** A growable `Int32Array`. */
export class FlatIntegers {
  #values = new Int32Array(1024)
  #length = 0

  get length(): number {
    return this.#length
  }

  push(values: ArrayLike<number>): void {
    this.#reserve(values.length)
    this.#values.set(values, this.#length)
    this.#length += values.length
  }

  /** Appends `count` integers, all `value`, and returns a view of them that is valid until the next change. */
  extend(count: number, value: number): Int32Array {
    this.#reserve(count)
    const start = this.#length
    this.#length += count
    return this.#values.fill(value, start, this.#length).subarray(start, this.#length)
  }

  /** A copy of the integers. */
  finish(): Int32Array {
    return this.#values.slice(0, this.#length)
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#values.length) return
    const grown = new Int32Array(Math.max(2 * this.#values.length, this.#length + count))
    grown.set(this.#values.subarray(0, this.#length))
    this.#values = grown
  }
}

/** Concatenates the parts. A single part is returned without a copy, since it may be large. */
export function concatenated(parts: readonly Int32Array[]): Int32Array {
  if (parts.length === 1) return parts[0]!
  const whole = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
