import type { OffsetUnit } from './options'
import { cutsCharacter } from '../examples'

/** What offsets of one unit are in UTF-16 units of a text. */
export interface Places {
  /** The length of the text in the unit. */
  length: number
  /** Undefined: outside of the text, or inside a character. */
  at(offset: number): number | undefined
}

/** Only ASCII, and no CR LF, which is one grapheme: all units are the same. */
const SAME_IN_ALL = /^(?!.*\r\n)[\0-\x7f]*$/s

/** Characters of two UTF-16 units. */
const ASTRAL = /[\u{10000}-\u{10FFFF}]/u

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

export function placesOf(text: string, unit: OffsetUnit): Places {
  if (unit === 'utf16')
    return { length: text.length, at: (offset) => (offset <= text.length && !cutsCharacter(text, offset) ? offset : undefined) }
  const same = unit === 'codePoint' ? !ASTRAL.test(text) : SAME_IN_ALL.test(text)
  if (same) return { length: text.length, at: (offset) => (offset <= text.length ? offset : undefined) }
  const places: (number | undefined)[] = [0]
  let end = 0
  for (const piece of piecesOf(text, unit)) {
    end += piece.length
    places[places.length + (unit === 'byte' ? Buffer.byteLength(piece) : 1) - 1] = end
  }
  return { length: places.length - 1, at: (offset) => places[offset] }
}

function* piecesOf(text: string, unit: OffsetUnit): Generator<string> {
  if (unit !== 'grapheme') return yield* text
  for (const { segment } of graphemes.segment(text)) yield segment
}
