import { describe } from '../../base/check'
import type { Span } from '../example'
import { cutsCharacter } from '../examples'
import { OFFSET_UNITS, type OffsetUnit } from './options'
import type { Fail } from './source'

/** An entity of a file, with offsets in the unit of the file. */
export interface RawSpan extends Span {
  /** The text of the entity, if the file contains it. */
  text?: string
}

/**
 * Converts entities to UTF-16 units and sorts them by start. Throws for offsets outside the text or inside a character, for offsets whose text
 * differs from the text given with the entity, and for entities that overlap. Entities may touch.
 */
export function resolveSpans(text: string, spans: readonly RawSpan[], unit: OffsetUnit, fail: Fail): Span[] {
  if (spans.length === 0) return []
  const places = placesOf(text, unit)
  const result = spans.map((span) => {
    const place = placed(text, span, places)
    if (place === undefined) throw fail(misfit(text, span, spans, unit, places.length))
    return { ...place, label: span.label }
  })
  result.sort((a, b) => a.start - b.start || a.end - b.end)
  const i = result.findIndex((span, k) => k > 0 && span.start < result[k - 1]!.end)
  if (i > 0)
    throw fail(`The entities ${named(text, result[i - 1]!)} and ${named(text, result[i]!)} overlap. Each word can have only one tag.`)
  return result
}

/**
 * The unit, UTF-16 or code points, that the entities indicate: the only one in which they fit into the text, or the one in which more of
 * them match their given text. Undefined if both match equally well.
 */
export function evidentUnit(text: string, spans: readonly RawSpan[]): OffsetUnit | undefined {
  if (spans.length === 0) return undefined
  const [units, points] = (['utf16', 'codePoint'] as const).map((unit) => matches(text, spans, unit))
  return units === points ? undefined : units! > points! ? 'utf16' : 'codePoint'
}

/** −1 if an entity does not fit; otherwise the number of entities that match their given text. */
function matches(text: string, spans: readonly RawSpan[], unit: OffsetUnit): number {
  const places = placesOf(text, unit)
  const found = spans.map(({ text: _given, ...span }) => placed(text, span, places))
  if (found.includes(undefined)) return -1
  return found.filter((place, i) => text.slice(place!.start, place!.end) === spans[i]!.text).length
}

type Place = Pick<Span, 'start' | 'end'>

/** Undefined if the entity cannot be at this position. */
function placed(text: string, { start, end, text: given }: Omit<RawSpan, 'label'>, places: ReturnType<typeof placesOf>): Place | undefined {
  const from = places.at(start)
  const to = places.at(end)
  if (from === undefined || to === undefined || from >= to) return undefined
  return given === undefined || sameText(given, text.slice(from, to)) ? { start: from, end: to } : undefined
}

/** Compares loosely, since tools write line ends and other white space of an entity differently; Label Studio writes a backslash and an n. */
function sameText(given: string, found: string): boolean {
  return given === found || plain(given) === plain(found)
}

function plain(text: string): string {
  return text
    .replace(/\\[nrt]|\s/g, ' ')
    .replace(/ +/g, ' ')
    .trim()
}

function named(text: string, { start, end, label }: Span): string {
  return `'${label}' ${describe(text.slice(start, end))} (${start}–${end})`
}

const UNIT_NAMES: Readonly<Record<OffsetUnit, string>> = {
  utf16: 'UTF-16 units',
  codePoint: 'code points',
  grapheme: 'graphemes',
  byte: 'UTF-8 bytes',
}

/** Why an entity cannot be at its position, and the unit in which all entities of the record would fit. */
function misfit(text: string, span: RawSpan, spans: readonly RawSpan[], unit: OffsetUnit, length: number): string {
  const { start, end, label, text: given } = span
  const entity = `The entity '${label}' (${start}–${end})`
  if (start === end) return `${entity} is empty.`
  if (start > end) return `${entity} ends before it starts.`
  if (end > length)
    return `${entity} lies outside its text, which has ${length} ${UNIT_NAMES[unit]}: ${describe(text)}.${remedy(text, spans, unit)}`
  const places = placesOf(text, unit)
  const from = places.at(start)
  const to = places.at(end)
  const why =
    from === undefined || to === undefined
      ? `begins or ends inside a character, counted in ${UNIT_NAMES[unit]}`
      : `is ${describe(text.slice(from, to))} in ${UNIT_NAMES[unit]}, but its text is given as ${describe(given)}`
  return `${entity} ${why}.${remedy(text, spans, unit)}`
}

function remedy(text: string, spans: readonly RawSpan[], unit: OffsetUnit): string {
  const possible = OFFSET_UNITS.filter((other) => {
    if (other === unit) return false
    const places = placesOf(text, other)
    return spans.every((span) => placed(text, span, places))
  })
  if (possible.length === 0) return ''
  return ` Set offsets: ${possible.map((name) => `'${name}'`).join(' or ')} if the file uses that unit: the entities would fit.`
}

/** Converts offsets of one unit to UTF-16 units of a text. */
export interface Places {
  /** The length of the text in the unit. */
  length: number
  /** Undefined for an offset outside the text or inside a character. */
  at(offset: number): number | undefined
}

/** Text of ASCII only, without CR LF (which is one grapheme): all units are equal. */
const SAME_IN_ALL = /^(?!.*\r\n)[\0-\x7f]*$/s

/** Characters that take two UTF-16 units. */
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
