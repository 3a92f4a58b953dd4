/// <reference lib="es2024.string" />
/** Positions at which long texts can be cut; `Pipeline` says for which tokenizers they are valid. */

/** How far after the desired position a better one is searched for. */
const REACH = 4096

/**
 * Letters, digits and East Asian punctuation that normalization treats independently: none combines with a neighbour, and none disappears.
 * Excluded are conjoining Hangul, and letters that extend a grapheme cluster to either side.
 */
const LETTERS = String.raw`[[\p{L}\p{N}]--[\p{Grapheme_Extend}\u0d4e\u0e33\u0eb3\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\u{10000}-\u{10ffff}]]`
const STEADY = String.raw`[${LETTERS}\u2014\u2018-\u201d\u2026\u3001\u3002\u3008-\u3011\uff01-\uff0f\uff1a-\uff20]`
const SINGLE_SPACE = new RegExp(String.raw`[${LETTERS}.,;:!?\)] (?=${LETTERS})`, 'v')
const WHITE_SPACE = new RegExp(String.raw`[${LETTERS}.,;:!?\)][ \t\n](?=[${LETTERS} \t\n])`, 'v')

/** Lone surrogates become U+FFFD one for one, so positions do not change. */
export function wellFormed(text: string): string {
  return text.toWellFormed()
}

/**
 * The first position at or after `from` where a chunk may end: before a single space between words, or before any white space if that is
 * dropped anyway; undefined if there is none nearby.
 */
export function spaceAfter(text: string, from: number, dropsSpaces: boolean): number | undefined {
  const found = (dropsSpaces ? WHITE_SPACE : SINGLE_SPACE).exec(text.slice(from, from + REACH))
  return found ? from + found.index + 1 : undefined
}

/** The set of steady characters: those that no step of the tokenizer combines, drops or splits in the middle. */
export type SteadyCharacters = 'letters' | 'ascii' | 'ascii and white space'

const STEADY_CHARACTERS: Readonly<Record<SteadyCharacters, string>> = {
  letters: String.raw`(?:[[!-~]${STEADY}]|(?<! ) )`,
  ascii: '(?:[!-~]|(?<! ) )',
  'ascii and white space': String.raw`[!-~ \t\n\r]`,
}

/** The first position at or after `from` that follows `length` steady characters. */
export function steadyAfter(text: string, from: number, length: number, steady: SteadyCharacters): number | undefined {
  const pattern = new RegExp(`${STEADY_CHARACTERS[steady]}{${length}}`, 'v')
  const start = Math.max(0, from - length)
  const found = pattern.exec(text.slice(start, from + REACH))
  return found ? start + found.index + length : undefined
}

/** Runs of characters whose middle may be omitted: more than `4 * keep` of one of the `classes` (as in a regular expression). */
export interface LongRuns {
  classes: readonly string[]
  /** Characters to keep at each end of a run, at least 1. */
  keep: number
}

/** The start of a text with its longest runs shortened. */
export interface Opening {
  text: string
  /** In ascending order; `at` counts in the shortened text, `length` is the number of characters omitted there. */
  gaps: { at: number; length: number }[]
  /** Whether this is the whole text. */
  complete: boolean
}

/** The start of a text with long runs shortened: at least `length` characters, or all of it. The cost depends only on the part that is read. */
export function openingOf(text: string, length: number, { classes, keep }: LongRuns): Opening {
  if (text.length <= length) return { text, gaps: [], complete: true }
  const gaps: Opening['gaps'] = []
  const members = classes.map((chars) => new RegExp(`[${chars}]`))
  const ends = classes.map((chars) => new RegExp(`[^${chars}]`, 'g'))
  let opening = ''
  let place = 0
  while (opening.length < length && place < text.length) {
    const part = text.slice(place, place + length + 4 * keep)
    const starts = members.map((member) => runIn(part, member, 4 * keep))
    const first = Math.min(...starts)
    if (first === Infinity) {
      opening += part
      place += part.length
      continue
    }
    const start = place + first
    const after = ends[starts.indexOf(first)]!
    after.lastIndex = start
    const end = after.exec(text)?.index ?? text.length
    opening += text.slice(place, start + keep)
    gaps.push({ at: opening.length, length: end - start - 2 * keep })
    opening += text.slice(end - keep, end)
    place = end
  }
  return { text: opening, gaps, complete: place >= text.length }
}

/** Start of the first `length` consecutive characters that match `member`, or Infinity. Examines each character at most twice. */
function runIn(text: string, member: RegExp, length: number): number {
  for (let start = 0; start + length <= text.length;) {
    let place = start + length - 1
    while (place >= start && member.test(text[place]!)) place--
    if (place < start) return start
    start = place + 1
  }
  return Infinity
}

/** Converts UTF-16 spans in an opening to spans in the whole text, in place. */
export function restoreSpans(spans: Int32Array, gaps: Opening['gaps']): void {
  for (let i = 0; i < spans.length; i++) {
    const place = spans[i]!
    for (const { at, length } of gaps) if (place > at) spans[i]! += length
  }
}

/**
 * Converts spans in code points, as returned by the tokenizers library, to start, end pairs in UTF-16 units.
 * `text` must not contain lone surrogates; `spans`: [start, end] of each token.
 */
export function toUtf16(text: string, spans: readonly (readonly number[])[]): Int32Array {
  const result = new Int32Array(2 * spans.length)
  const units = /[\ud800-\udbff]/.test(text) ? unitsOfPoints(text) : undefined
  spans.forEach(([start, end], i) => {
    result[2 * i] = units ? units[start!]! : start!
    result[2 * i + 1] = units ? units[end!]! : end!
  })
  return result
}

/** The UTF-16 unit at which each code point starts, followed by that of the end. */
function unitsOfPoints(text: string): Int32Array {
  const units = new Int32Array(text.length + 1)
  let point = 0
  for (let unit = 0; unit < text.length; unit += text.codePointAt(unit)! > 0xffff ? 2 : 1) units[point++] = unit
  units[point] = text.length
  return units
}
