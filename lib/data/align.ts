import { describe } from '../base/check'
import { SentorchError } from '../base/errors'
import type { Example } from './example'

/** The text of an example: its own, or its words joined by one space. */
export function textOf({ text, words }: { text?: string; words?: readonly string[] }): string {
  return text ?? words!.join(' ')
}

/**
 * The positions of an example's words in its text, as pairs start, end in UTF-16 units. If the text is the words joined by one space, the
 * positions follow from their lengths; otherwise each word is searched for after the previous one.
 * Throws ERR_DATA if a word is not found. `what` names the example.
 */
export function wordPlaces(example: Pick<Example, 'text'> & { words: readonly string[] }, what: string | (() => string)): Int32Array {
  const { words } = example
  const text = textOf(example)
  const joined = text === words.join(' ')
  const places = new Int32Array(2 * words.length)
  let place = 0
  words.forEach((word, i) => {
    const start = joined ? place : text.indexOf(word, place)
    if (start < 0) {
      throw new SentorchError(
        'ERR_DATA',
        `${typeof what === 'string' ? what : what()}: words[${i}], ${describe(word)}, was not found in the text after the preceding words. Omit 'text', or write the words as they appear in it.`,
        { detail: { word: i } },
      )
    }
    places[2 * i] = start
    places[2 * i + 1] = start + word.length
    place = start + word.length + (joined ? 1 : 0)
  })
  return places
}

/** The words of a text, and the word of each of its tokens. */
export interface Alignment {
  /** Pairs start, end of each word in UTF-16 units. */
  words: Int32Array
  /** The index of each token's word; −1 for special tokens and tokens outside of words. A word may have no token. */
  wordOfToken: Int32Array
}

/**
 * The words of a text and the word of each of its tokens. `places`: the positions of given words, from `wordPlaces`; without it the
 * tokenizer's own words are used. `spans`, `wordIds`: the results of `Tokenizer.encodeWithOffsets` for the text.
 */
export function align(text: string, places: Int32Array | undefined, spans: Int32Array, wordIds: Int32Array): Alignment {
  return places ? { words: places, wordOfToken: wordOfToken(text, places, spans, wordIds) } : ownWords(text, spans, wordIds)
}

/**
 * A token belongs to the first word that it overlaps. A token for white space alone (`▁`, `Ġ`) belongs to the word that begins where
 * it ends, as in transformers with pre-split words, or else to no word.
 */
function wordOfToken(text: string, words: Int32Array, spans: Int32Array, wordIds: Int32Array): Int32Array {
  const count = words.length / 2
  const result = new Int32Array(wordIds.length).fill(-1)
  let word = 0
  for (let token = 0; token < result.length; token++) {
    if (wordIds[token]! < 0) continue
    const end = spans[2 * token + 1]!
    // Byte-level tokenizers trim spaces from a span, and trim one too many if they added it: an empty span stands for what precedes it.
    const start = Math.min(spans[2 * token]!, Math.max(0, end - 1))
    // Normalisation may reorder combining marks, so a token may lie before the previous one.
    while (word > 0 && words[2 * word - 1]! > start) word--
    while (word < count && words[2 * word + 1]! <= start) word++
    if (word === count) continue
    const first = words[2 * word]!
    if (first < end || (first === end && text.slice(start, end).trim() === '')) result[token] = word
  }
  return result
}

/** Symbols that are not part of a word, including emoji. BERT's tokenizer separates them itself. */
const SIGNS = /^[\p{P}\p{S}]+$/u

/**
 * The tokenizer's own words of a text, from its `wordIds`. If a tokenizer splits at white space only (XLM-RoBERTa), symbols with tokens of
 * their own are separate words, so that the entity is `Paris` and not `Paris,`. Tokens that represent no characters do not form a word.
 */
function ownWords(text: string, spans: Int32Array, wordIds: Int32Array): Alignment {
  const words: number[] = []
  const result = new Int32Array(wordIds.length).fill(-1)
  for (let first = 0; first < wordIds.length;) {
    const id = wordIds[first]!
    let start = Infinity
    let end = -Infinity
    let signs: boolean | undefined
    let after = first
    for (; after < wordIds.length && wordIds[after] === id; after++) {
      const [from, to] = [spans[2 * after]!, spans[2 * after + 1]!]
      const written = text.slice(from, to)
      if (written.trim() !== '') {
        const isSigns = SIGNS.test(written)
        if (signs !== undefined && isSigns !== signs) break
        signs = isSigns
      }
      start = Math.min(start, from)
      end = Math.max(end, to)
    }
    if (id >= 0 && end > start) {
      result.fill(words.length / 2, first, after)
      words.push(start, end)
    }
    first = after
  }
  return { words: Int32Array.from(words), wordOfToken: result }
}
