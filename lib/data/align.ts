import { describe } from '../base/check'
import { SentorchError } from '../base/errors'
import type { Example } from './example'

/** The text of an example: its own, else its words joined by one space. */
export function textOf({ text, words }: { text?: string; words?: readonly string[] }): string {
  return text ?? words!.join(' ')
}

/**
 * Where the given words of an example lie in its text: pairs start, end in UTF-16 units. A text that is the words joined by one space is
 * taken by their lengths; in another text each word is looked for behind the one before it.
 * Throws ERR_DATA where a word is not found; `what` names the example.
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
        `${typeof what === 'string' ? what : what()}: words[${i}], ${describe(word)}, is not in the text behind the words before it. Leave 'text' out, or give the words as they are written in it.`,
        { detail: { word: i } },
      )
    }
    places[2 * i] = start
    places[2 * i + 1] = start + word.length
    place = start + word.length + (joined ? 1 : 0)
  })
  return places
}

/** Words of a text, and the word of each of its tokens. */
export interface Alignment {
  /** Pairs start, end of each word in UTF-16 units. */
  words: Int32Array
  /** Per token the number of its word; −1 for special tokens and those of no word. A word may have no token. */
  wordOfToken: Int32Array
}

/**
 * The words of a text and the word of each of its tokens. `places`: of given words, as `wordPlaces` gives them; without them the words are the
 * tokenizer's own. `spans`, `wordIds`: as `Tokenizer.encodeWithOffsets` gives them for the text.
 */
export function align(text: string, places: Int32Array | undefined, spans: Int32Array, wordIds: Int32Array): Alignment {
  return places ? { words: places, wordOfToken: wordOfToken(text, places, spans, wordIds) } : ownWords(text, spans, wordIds)
}

/**
 * A token belongs to the first word that it overlaps. One that stands for white space alone (`▁`, `Ġ`) goes with the word that begins where
 * it ends, as in transformers with pre-split words; any other is of no word.
 */
function wordOfToken(text: string, words: Int32Array, spans: Int32Array, wordIds: Int32Array): Int32Array {
  const count = words.length / 2
  const result = new Int32Array(wordIds.length).fill(-1)
  let word = 0
  for (let token = 0; token < result.length; token++) {
    if (wordIds[token]! < 0) continue
    const end = spans[2 * token + 1]!
    // Byte-level tokenizers cut spaces off a span, and one too many where they had put it there: an empty span stands for what is before it.
    const start = Math.min(spans[2 * token]!, Math.max(0, end - 1))
    // Combining marks may be put into another order: a token may lie before the last one.
    while (word > 0 && words[2 * word - 1]! > start) word--
    while (word < count && words[2 * word + 1]! <= start) word++
    if (word === count) continue
    const first = words[2 * word]!
    if (first < end || (first === end && text.slice(start, end).trim() === '')) result[token] = word
  }
  return result
}

/** Signs that are no part of a word, emoji too; BERT's tokenizer sets them apart itself. */
const SIGNS = /^[\p{P}\p{S}]+$/u

/**
 * The tokenizer's own words of a text, by its `wordIds`. Where a tokenizer splits at white space alone (XLM-RoBERTa), signs that have tokens of
 * their own are words of their own too: the entity is `Paris`, not `Paris,`. Tokens that stand for no character make no word.
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
