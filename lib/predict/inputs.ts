import { reading } from '../base/arguments'
import { integerIn, invalid, stringOf } from '../base/check'
import { align, wordPlaces } from '../data/align'
import { CHARS_PER_TOKEN } from '../encode/chunks'
import type { TaggedText } from '../heads/predictions'
import type { Tokenizer } from '../tokenizer/tokenizer'
import type { TokenIds } from './types'
import { cutRows, type TokenRow, type WindowBatch } from './windows'

/** One text of a call, after its check. */
export type Input = { text: string; words: readonly string[] | undefined; ids?: undefined } | { ids: Int32Array }

/**
 * Checks and copies texts, lists of words and ids, since the caller may change them while the call runs.
 * `single`: the argument was one text, not a list.
 */
export function checkInputs(texts: unknown, vocabSize: number): { inputs: Input[]; single: boolean } {
  return reading("'texts'", () => {
    if (typeof texts === 'string' || isTokenIds(texts)) return { inputs: [inputOf('texts', texts, vocabSize)], single: true }
    if (!Array.isArray(texts)) throw invalid('texts', 'a string, { ids }, or an array of strings, lists of words or { ids }', texts)
    const { length } = texts
    const inputs: Input[] = []
    for (let i = 0; i < length; i++) inputs.push(inputOf(`texts[${i}]`, texts[i], vocabSize))
    return { inputs, single: false }
  })
}

/** Number of characters that the tokenizer has to process; for ids, an estimate of the characters that they stand for. */
export function lengthOf(input: Input): number {
  return input.ids ? CHARS_PER_TOKEN * input.ids.length : input.text.length
}

function isTokenIds(value: unknown): value is TokenIds {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && 'ids' in value
}

function inputOf(name: string, value: unknown, vocabSize: number): Input {
  if (typeof value === 'string') return { text: value, words: undefined }
  if (isTokenIds(value)) return { ids: checkIds(`${name}.ids`, value.ids, vocabSize) }
  if (!Array.isArray(value)) throw invalid(name, 'a string, a list of words or { ids }', value)
  const words = Array.from(value as unknown[], (word, i) => stringOf(`${name}[${i}]`, word))
  return { text: words.join(' '), words }
}

function checkIds(name: string, ids: unknown, vocabSize: number): Int32Array {
  if (!Array.isArray(ids) && !ArrayBuffer.isView(ids)) throw invalid(name, 'an Int32Array or an array of token ids', ids)
  const list = ids as ArrayLike<unknown>
  const { length } = list
  if (!(length > 0)) throw invalid(name, 'at least one token id', ids)
  const checked = new Int32Array(length)
  for (let i = 0; i < length; i++) {
    checked[i] = integerIn(`${name}[${i}] (a token of the vocabulary)`, list[i], 0, vocabSize - 1)
  }
  return checked
}

/** Texts, tokenised and cut into rows for the model. */
export interface ReadBatch extends WindowBatch {
  texts: TaggedText[]
  /** Texts with more tokens than `maxLength`. */
  longer: ReadonlySet<number>
}

export interface ReadOptions {
  maxLength: number
  /** Overlap of windows; undefined: longer texts are truncated, and `texts` have neither tokens nor words. */
  stride: number | undefined
  signal: AbortSignal | undefined
}

type Reader = Pick<Tokenizer, 'encode' | 'encodeWhole' | 'surroundings' | 'surroundingsOf' | 'tokenName'>

/** Tokenises texts, takes ids unchanged, and cuts both into rows. */
export async function readInputs(inputs: readonly Input[], tokenizer: Reader, options: ReadOptions): Promise<ReadBatch> {
  const { maxLength, stride, signal } = options
  const written = inputs.filter((input) => input.ids === undefined)
  const texts = written.map(({ text }) => text)
  const detail = stride === undefined ? undefined : await tokenizer.encodeWhole(texts, signal)
  const { ids, offsets, truncated } = detail ?? (await tokenizer.encode(texts, maxLength, signal))
  const cut = new Set(truncated)
  const longer = new Set<number>()
  let next = 0
  const read = inputs.map((input, place) => {
    if (input.ids) {
      if (input.ids.length > maxLength) longer.add(place)
      return readIds(input.ids, tokenizer)
    }
    const i = next++
    if (cut.has(i) || offsets[i + 1]! - offsets[i]! > maxLength) longer.add(place)
    const row = { ids: ids.subarray(offsets[i], offsets[i + 1]), ...tokenizer.surroundings }
    return { row, text: detail ? { ...taggedText(input, detail, i), ...tokenizer.surroundings } : untagged(input.text) }
  })
  return {
    ...cutRows(
      read.map(({ row }) => row),
      maxLength,
      stride,
    ),
    texts: read.map(({ text }) => text),
    longer,
  }
}

type Written = Extract<Input, { ids?: undefined }>
type Detail = Pick<Awaited<ReturnType<Tokenizer['encodeWhole']>>, 'tokens' | 'spans' | 'wordIds'>

function taggedText({ text, words }: Written, { tokens, spans, wordIds }: Detail, i: number): Omit<TaggedText, 'before' | 'after'> {
  const places = words && wordPlaces({ text, words }, 'texts')
  return { text, tokens: tokens[i]!, spans: spans[i]!, ...align(text, places, spans[i]!, wordIds[i]!) }
}

function untagged(text: string): TaggedText {
  return { text, tokens: [], spans: new Int32Array(), words: new Int32Array(), wordOfToken: new Int32Array(), before: 0, after: 0 }
}

/** The text for ids consists of the names of the tokens, joined by spaces; every token is a word. */
function readIds(ids: Int32Array, tokenizer: Reader): { row: TokenRow; text: TaggedText } {
  const { before, after } = tokenizer.surroundingsOf(ids)
  const tokens = Array.from(ids, (id) => tokenizer.tokenName(id))
  const inner = tokens.slice(before, ids.length - after)
  const text = inner.join(' ')
  const words = wordPlaces({ text, words: inner }, 'texts')
  const spans = new Int32Array(2 * ids.length)
  spans.set(words, 2 * before)
  const wordOfToken = Int32Array.from(ids, (_, i) => (i < before || i >= ids.length - after ? -1 : i - before))
  return { row: { ids, before, after }, text: { text, tokens, spans, words, wordOfToken, before, after } }
}
