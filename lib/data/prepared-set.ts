import type { Gold } from '../heads/kind'
import type { Example } from './example'

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
   * classification: [tokens], where the first token of a word has its tag. −100: no label.
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
