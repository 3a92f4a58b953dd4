import { oneOf } from '../base/check'
import { reading } from '../base/arguments'
import type { Span } from '../data/example'
import { SentorchError } from '../base/errors'
import { entitiesOf, OUTSIDE, SCHEMES, splitTag, type Entity, type Scheme, type TagParts } from './entities'

export { entitiesOf, SCHEMES, splitTag, type Entity, type Scheme, type TagParts } from './entities'

/** The valid prefixes of each scheme. */
const PREFIXES: Record<Scheme, string> = { IOB2: 'OBI', IOB1: 'OBI', IOE1: 'OIE', IOE2: 'OIE', IOBES: 'OBIES', BILOU: 'OBILU' }

/**
 * Whether `to` may follow `from` in a well-formed sequence of the scheme. An undefined `from` is the start of the sentence, an undefined
 * `to` its end. A tag that does not belong to the scheme is never allowed.
 */
export function isAllowed(from: string | undefined, to: string | undefined, scheme: Scheme): boolean {
  return reading('The arguments of isAllowed', () => {
    const a = from === undefined ? OUTSIDE : splitTag(from)
    const b = to === undefined ? OUTSIDE : splitTag(to)
    if (!usesPrefix(scheme, a.prefix) || !usesPrefix(scheme, b.prefix)) return false
    // The label of an entity always differs from that of `O` and of the ends of the sentence.
    const same = a.label === b.label
    switch (scheme) {
      case 'IOB2':
        return b.prefix !== 'I' || same
      case 'IOB1':
        return b.prefix !== 'B' || same
      case 'IOE2':
        return a.prefix !== 'I' || same
      case 'IOE1':
        return a.prefix !== 'E' || same
      case 'IOBES':
      case 'BILOU': {
        const opens = a.prefix === 'B' || a.prefix === 'I'
        const goesOn = b.prefix === 'I' || b.prefix === 'E' || b.prefix === 'L'
        return opens ? goesOn && same : !goesOn
      }
    }
  })
}

function usesPrefix(scheme: Scheme, prefix: TagParts['prefix']): boolean {
  return prefix !== undefined && PREFIXES[scheme].includes(prefix)
}

/** Counts the neighbouring tags, including the ends of the sentence, that the scheme does not allow. 0 means well formed. */
export function countMalformed(tags: readonly string[], scheme: Scheme): number {
  return reading('The arguments of countMalformed', () => {
    let count = 0
    for (let i = 0; i <= tags.length; i++) if (!isAllowed(tags[i - 1], tags[i], scheme)) count++
    return count
  })
}

export interface RecognisedScheme {
  /** Undefined if all tags are `O`, or if they do not belong to any scheme (plain labels; `E-` together with `L-`). */
  scheme: Scheme | undefined
  /** Number of neighbouring tags that the scheme does not allow; 0 without a scheme. */
  malformed: number
  /** These neighbours, the most frequent first. An undefined `from` is the start of the sentence, an undefined `to` its end. */
  pairs: { from: string | undefined; to: string | undefined; count: number }[]
}

/** Order of preference of equally suitable schemes: the most common and the most explicit first. */
const PREFERENCE: readonly Scheme[] = ['IOB2', 'IOE2', 'IOBES', 'BILOU', 'IOB1', 'IOE1']

/** The scheme of tagged sentences: among those that have all occurring prefixes, the one with the fewest malformed positions. */
export function recogniseScheme(sequences: Iterable<readonly string[]>): RecognisedScheme {
  return reading('The arguments of recogniseScheme', () => {
    const followers = new Map<string | undefined, Map<string | undefined, number>>()
    for (const tags of sequences) {
      for (let i = 0; i <= tags.length; i++) {
        const counts = followers.get(tags[i - 1]) ?? new Map<string | undefined, number>()
        followers.set(tags[i - 1], counts.set(tags[i], (counts.get(tags[i]) ?? 0) + 1))
      }
    }
    const pairs = [...followers].flatMap(([from, counts]) => [...counts].map(([to, count]) => ({ from, to, count })))

    let best: RecognisedScheme = { scheme: undefined, malformed: 0, pairs: [] }
    for (const scheme of schemesWith([...followers.keys()].filter((tag) => tag !== undefined))) {
      const wrong = pairs.filter(({ from, to }) => !isAllowed(from, to, scheme))
      const malformed = wrong.reduce((sum, { count }) => sum + count, 0)
      if (best.scheme === undefined || malformed < best.malformed) best = { scheme, malformed, pairs: wrong }
    }
    best.pairs.sort((a, b) => b.count - a.count)
    return best
  })
}

/**
 * The scheme of a list of labels, determined from their prefixes alone. A prefix that can begin or end every entity is assumed to do so
 * (IOB2 rather than IOB1, IOE2 rather than IOE1); `I-` alone is IOB1. Undefined if all tags are `O`, or if they do not belong to any scheme.
 */
export function schemeOfLabels(labels: readonly string[]): Scheme | undefined {
  return reading('The arguments of schemeOfLabels', () => {
    const possible = schemesWith(labels)
    const begins = labels.some((label) => splitTag(label).prefix === 'B')
    return !begins && possible.includes('IOB1') ? 'IOB1' : possible[0]
  })
}

/** The schemes that have all prefixes of these tags, in order of preference; empty if all tags are `O`. */
function schemesWith(tags: readonly string[]): Scheme[] {
  const prefixes = [...new Set(tags.map((tag) => splitTag(tag).prefix))]
  if (prefixes.every((prefix) => prefix === 'O')) return []
  return PREFERENCE.filter((scheme) => prefixes.every((prefix) => usesPrefix(scheme, prefix)))
}

/**
 * The entities of any tag sequence, whatever its scheme; well-formed sequences are read exactly. Malformed ones are repaired like in
 * conlleval: a continuing tag (`I`, `E`, `L`) that does not continue an entity of its label begins one, and an entity without a written
 * end ends before the first tag that cannot continue it. Every tagged word belongs to an entity.
 * Tags without a prefix (`city`) count as inside: neighbours with the same label are one entity.
 */
export function repairedEntities(tags: readonly string[]): Entity[] {
  return reading('The arguments of repairedEntities', () => {
    const known = tags.map((tag) => {
      const { prefix, label } = splitTag(tag)
      if (prefix === 'O') return tag
      return `${prefix === undefined ? 'I' : prefix === 'L' ? 'E' : prefix === 'U' ? 'S' : prefix}-${label}`
    })
    return entitiesOf(known)
  })
}

/**
 * One tag per word, well formed in the scheme. Entities may be given in any order, in words [start, end); the label `_` gives bare prefixes.
 * Throws `ERR_INVALID_ARGUMENT` for entities that are empty, overlap, lie outside `length` words, or have no label.
 */
export function tagsOf(entities: readonly Entity[], length: number, scheme: Scheme = 'IOB2'): string[] {
  return reading('The arguments of tagsOf', () => {
    oneOf('scheme', scheme, SCHEMES)
    const sorted = [...entities].sort((a, b) => a.start - b.start)
    const tags = new Array<string>(length).fill('O')
    for (const [i, entity] of sorted.entries()) {
      const { label, start, end } = entity
      const previous = sorted[i - 1]
      const next = sorted[i + 1]
      if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start < end && end <= length)) {
        throw refused(entity, `is empty or lies outside the sentence, which has ${length} words`)
      }
      if (label === '') throw refused(entity, 'has no label')
      if (previous && previous.end > start) throw refused(entity, `overlaps '${previous.label}' [${previous.start}, ${previous.end})`)
      const follows = previous?.end === start && previous.label === label
      const isFollowed = next?.start === end && next.label === label
      for (let word = start; word < end; word++) {
        const prefix = prefixAt(scheme, word === start, word === end - 1, follows, isFollowed)
        tags[word] = label === '_' ? prefix : `${prefix}-${label}`
      }
    }
    return tags
  })
}

function prefixAt(scheme: Scheme, first: boolean, last: boolean, follows: boolean, isFollowed: boolean): string {
  switch (scheme) {
    case 'IOB2':
      return first ? 'B' : 'I'
    case 'IOB1':
      return first && follows ? 'B' : 'I'
    case 'IOE2':
      return last ? 'E' : 'I'
    case 'IOE1':
      return last && isFollowed ? 'E' : 'I'
    case 'IOBES':
      return first ? (last ? 'S' : 'B') : last ? 'E' : 'I'
    case 'BILOU':
      return first ? (last ? 'U' : 'B') : last ? 'L' : 'I'
  }
}

function refused({ label, start, end }: Entity, why: string): SentorchError {
  return new SentorchError('ERR_INVALID_ARGUMENT', `Entity '${label}' [${start}, ${end}) ${why}.`, { detail: { label, start, end } })
}

/**
 * Converts tags to another scheme. Malformed positions are repaired as in `repairedEntities`, even if both schemes are the same.
 * Throws `ERR_INVALID_ARGUMENT` for a tag whose prefix is not in `from`.
 */
export function convertTags(tags: readonly string[], from: Scheme, to: Scheme): string[] {
  return reading('The arguments of convertTags', () => {
    oneOf('from', from, SCHEMES)
    for (const tag of tags) {
      if (usesPrefix(from, splitTag(tag).prefix)) continue
      throw new SentorchError('ERR_INVALID_ARGUMENT', `${JSON.stringify(tag)} is not a valid ${from} tag.`, { detail: { tag } })
    }
    return tagsOf(repairedEntities(tags), tags.length, to)
  })
}

/** Whether a list of labels is a list of entities. An empty list may be either. */
export function isSpans(value: unknown): value is readonly Span[] {
  return Array.isArray(value) && value.length > 0 && typeof value[0] === 'object'
}

/** Spans sorted by start. */
export function inOrder(spans: readonly Span[]): Span[] {
  return [...spans].sort((a, b) => a.start - b.start)
}

/**
 * One tag per word. `words`: pairs start, end of each word in UTF-16 units. An entity covers all words that it touches; a word that two
 * entities touch belongs to the one that begins first, and the other begins after it. `lost`: entities without a word. Without a scheme, the
 * tags are the labels themselves.
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
