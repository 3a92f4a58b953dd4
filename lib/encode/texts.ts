import { reading } from '../base/arguments'
import { invalid } from '../base/check'

/** A copy, so that what is checked now cannot change before it is read. */
export function takeTexts(texts: unknown): readonly string[] {
  if (typeof texts === 'string') return [texts]
  return reading("'texts'", () => {
    if (!Array.isArray(texts)) throw invalid('texts', 'a string or an array of strings', texts)
    const { length } = texts
    const list: string[] = []
    for (let i = 0; i < length; i++) {
      const text: unknown = texts[i]
      if (typeof text !== 'string') throw invalid(`texts[${i}]`, 'a string', text)
      list.push(text)
    }
    return list
  })
}

/** Bytes that a call holds until it settles: its texts, in UTF-16, and its vectors. */
export function bytesOf(texts: readonly string[], dimension: number): number {
  return texts.reduce((sum, text) => sum + 2 * text.length, 4 * dimension * texts.length)
}
