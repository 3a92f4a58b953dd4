import type { Span } from '../data/example'
import { tagsOf, type Scheme } from './schemes'

/** Whether a list of labels is a list of entities. An empty one may be either. */
export function isSpans(value: unknown): value is readonly Span[] {
  return Array.isArray(value) && value.length > 0 && typeof value[0] === 'object'
}

/** Spans by their start. */
export function inOrder(spans: readonly Span[]): Span[] {
  return [...spans].sort((a, b) => a.start - b.start)
}

/**
 * One tag per word. `words`: pairs start, end of each word in UTF-16 units. An entity has all words that it touches; a word that two entities
 * touch stays with the one that begins first, and the other begins after it. `lost`: entities without a word. Without a scheme the tags are
 * the labels themselves.
 */
export function tagsOfSpans(spans: readonly Span[], words: Int32Array, scheme: Scheme | undefined): { tags: string[]; lost: number } {
  const count = words.length / 2
  const entities = []
  let word = 0
  for (const { start, end, label } of inOrder(spans)) {
    while (word < count && words[2 * word + 1]! <= start) word++
    const first = word
    while (word < count && words[2 * word]! < end) word++
    if (word > first) entities.push({ label, start: first, end: word })
  }
  const lost = spans.length - entities.length
  if (scheme !== undefined) return { tags: tagsOf(entities, count, scheme), lost }
  const tags = new Array<string>(count).fill('O')
  for (const { label, start, end } of entities) tags.fill(label, start, end)
  return { tags, lost }
}
