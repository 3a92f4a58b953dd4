import { align, wordPlaces } from '../data/align'
import type { Tokenizer } from '../tokenizer/tokenizer'
import type { Input } from './inputs'
import type { TaggedText } from '../heads/predictions'
import { cutRows, type TokenRow, type WindowBatch } from './windows'

/** Texts, tokenised and cut into rows for the model. */
export interface ReadBatch extends WindowBatch {
  texts: TaggedText[]
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
  const { ids, offsets } = detail ?? (await tokenizer.encode(texts, maxLength, signal))
  let next = 0
  const read = inputs.map((input) => {
    if (input.ids) return readIds(input.ids, tokenizer)
    const i = next++
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
