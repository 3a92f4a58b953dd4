import { describe } from '../../check'
import type { OffsetChoice, OffsetUnit } from '../../options/readers'
import type { Span } from '../example'
import type { Fail } from './source'

/** An entity as a file gives it; what the offsets count is not known yet. */
export interface RawSpan extends Span {
  /** The text of the entity, where the file gives it. May differ from the sentence's (a synonym). */
  text?: string
}

/** Characters of two UTF-16 units. */
const ASTRAL = /[\u{10000}-\u{10FFFF}]/u

/** True where the two units give different offsets. */
export function unitsDiffer(text: string): boolean {
  return ASTRAL.test(text)
}

/**
 * The unit that the entities themselves speak for: the only one in which they fit into the text, or the one in which more of them
 * have the text that they should. Undefined: they do not say.
 */
export function evidentUnit(text: string, spans: readonly RawSpan[]): OffsetUnit | undefined {
  if (spans.length === 0 || !unitsDiffer(text)) return undefined
  const units = matches(text, spans, (span) => span)
  const points = matches(text, spans, toUnits(text))
  return units === points ? undefined : units > points ? 'utf16' : 'code-points'
}

/**
 * Entities in UTF-16 units, by their start. Refused: offsets that are outside of the text, that cut a character in two, or that
 * overlap; entities may touch. `otherwise` is the unit where `choice` is `auto` and nothing else decides.
 */
export function resolveSpans(text: string, spans: readonly RawSpan[], choice: OffsetChoice, otherwise: OffsetUnit, fail: Fail): Span[] {
  const unit = choice === 'auto' ? (evidentUnit(text, spans) ?? otherwise) : choice
  const convert = unit === 'code-points' && unitsDiffer(text) ? toUnits(text) : (span: RawSpan) => span
  const result = spans.map((span) => {
    const { start, end } = convert(span)
    if (!fits(text, start, end)) throw fail(misfit(span, text, unit))
    return { start, end, label: span.label }
  })
  result.sort((a, b) => a.start - b.start || a.end - b.end)
  const i = result.findIndex((span, k) => k > 0 && span.start < result[k - 1]!.end)
  if (i > 0) throw fail(`The entities ${named(text, result[i - 1]!)} and ${named(text, result[i]!)} overlap. A word has one tag.`)
  return result
}

type Place = Pick<Span, 'start' | 'end'>

/** −1 where an entity does not fit; else how many are their given text. */
function matches(text: string, spans: readonly RawSpan[], convert: (span: RawSpan) => Place): number {
  let count = 0
  for (const span of spans) {
    const { start, end } = convert(span)
    if (!fits(text, start, end)) return -1
    if (text.slice(start, end) === span.text) count++
  }
  return count
}

/** Offsets of code points to UTF-16 units; those outside of the text become −1. */
function toUnits(text: string): (span: RawSpan) => Place {
  const units = [0]
  for (const character of text) units.push(units.at(-1)! + character.length)
  return ({ start, end }) => ({ start: units[start] ?? -1, end: units[end] ?? -1 })
}

function fits(text: string, start: number, end: number): boolean {
  return start >= 0 && start < end && end <= text.length && !inside(text, start) && !inside(text, end)
}

/** Between the two halves of a character. */
function inside(text: string, at: number): boolean {
  return at > 0 && at < text.length && (text.codePointAt(at - 1) ?? 0) > 0xffff
}

function named(text: string, { start, end, label }: Span): string {
  return `'${label}' ${describe(text.slice(start, end))} (${start}–${end})`
}

function misfit({ start, end, label }: Span, text: string, unit: OffsetUnit): string {
  const size = unit === 'utf16' ? `${text.length} UTF-16 units` : `${[...text].length} code points`
  if (start === end) return `The entity '${label}' (${start}–${end}) is empty.`
  const cuts = unit === 'utf16' && start >= 0 && start < end && end <= text.length
  return cuts
    ? `The entity '${label}' (${start}–${end}) cuts a character in two. Do its offsets count code points? Set offsets: 'code-points'.`
    : `The entity '${label}' (${start}–${end}) does not lie in its text of ${size}, ${describe(text)}.`
}
