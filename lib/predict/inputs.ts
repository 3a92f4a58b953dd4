import { integerIn, invalid, stringOf } from '../base/check'
import { CHARS_PER_TOKEN } from '../encode/chunks'
import { reading } from '../base/arguments'
import type { TokenIds } from './types'

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
