import { oneOf } from '../base/check'
import { reading } from '../base/arguments'
import type { Span } from '../data/example'
import { SentorchError } from '../base/errors'
import { entitiesOf, OUTSIDE, SCHEMES, splitTag, type Entity, type Scheme, type TagParts } from './entities'

export { entitiesOf, type Entity } from './entities'
export { SCHEMES, splitTag, type Scheme, type TagParts } from './entities'

/** The prefixes that each scheme may use. */
const PREFIXES: Record<Scheme, string> = { IOB2: 'OBI', IOB1: 'OBI', IOE1: 'OIE', IOE2: 'OIE', IOBES: 'OBIES', BILOU: 'OBILU' }

/**
 * Whether `to` may stand after `from` in a well-formed sequence of the scheme. `from` undefined: the start of the sentence;
 * `to` undefined: its end. A tag that is none of the scheme is allowed nowhere.
 */
export function isAllowed(from: string | undefined, to: string | undefined, scheme: Scheme): boolean {
  return reading('The arguments of isAllowed', () => {
    const a = from === undefined ? OUTSIDE : splitTag(from)
    const b = to === undefined ? OUTSIDE : splitTag(to)
    if (!usesPrefix(scheme, a.prefix) || !usesPrefix(scheme, b.prefix)) return false
    // An entity's label is never that of `O` or of the sentence's ends.
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

/** How many neighbours in the sentence, its start and end included, the scheme does not allow. 0: well formed. */
export function countMalformed(tags: readonly string[], scheme: Scheme): number {
  return reading('The arguments of countMalformed', () => {
    let count = 0
    for (let i = 0; i <= tags.length; i++) if (!isAllowed(tags[i - 1], tags[i], scheme)) count++
    return count
  })
}

export interface RecognisedScheme {
  /** Undefined: no tag but `O`, or tags that no scheme has (plain labels; `E-` together with `L-`). */
  scheme: Scheme | undefined
  /** Neighbours that the scheme does not allow; 0 without a scheme. */
  malformed: number
  /** Those neighbours, the most frequent first. `from` undefined: start of the sentence; `to` undefined: its end. */
  pairs: { from: string | undefined; to: string | undefined; count: number }[]
}

/** Of two schemes that fit equally well, the first: what is used most, and what says most. */
const PREFERENCE: readonly Scheme[] = ['IOB2', 'IOE2', 'IOBES', 'BILOU', 'IOB1', 'IOE1']

/** The scheme of tagged sentences: of those that have all the prefixes seen, the one with the fewest malformed places. */
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
 * The scheme of a list of labels, where no sentences are at hand: by its prefixes alone. What begins or ends every entity is taken to do so
 * (IOB2 rather than IOB1, IOE2 rather than IOE1); `I-` alone is IOB1. Undefined: no tag but `O`, or tags that no scheme has.
 */
export function schemeOfLabels(labels: readonly string[]): Scheme | undefined {
  return reading('The arguments of schemeOfLabels', () => {
    const possible = schemesWith(labels)
    const begins = labels.some((label) => splitTag(label).prefix === 'B')
    return !begins && possible.includes('IOB1') ? 'IOB1' : possible[0]
  })
}

/** The schemes that have all prefixes of these tags, the preferred first; none where no tag but `O` is there to tell. */
function schemesWith(tags: readonly string[]): Scheme[] {
  const prefixes = [...new Set(tags.map((tag) => splitTag(tag).prefix))]
  if (prefixes.every((prefix) => prefix === 'O')) return []
  return PREFERENCE.filter((scheme) => prefixes.every((prefix) => usesPrefix(scheme, prefix)))
}

/**
 * The entities of any sequence, whatever its scheme; for well-formed ones exactly those that were meant. The repair of malformed ones is
 * conlleval's: a tag that goes on (`I`, `E`, `L`) with nothing of its label before it begins an entity, and an entity whose end is not
 * written ends before the first tag that cannot go on with it. Nothing that is tagged gets lost.
 * Tags without a prefix (`city`) count as inside: neighbours with one label are one entity.
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
 * One tag a word, well formed in the scheme. Entities in any order, in words [start, end); the label `_` gives bare prefixes.
 * `ERR_INVALID_ARGUMENT`: entities that are empty, overlap, lie outside of `length` words, or have no label.
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
        throw refused(entity, `does not lie in a sentence of ${length} words`)
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
 * The same entities written in another scheme; malformed places are repaired as `repairedEntities` says, also from a scheme to itself.
 * `ERR_INVALID_ARGUMENT`: a tag whose prefix `from` lacks.
 */
export function convertTags(tags: readonly string[], from: Scheme, to: Scheme): string[] {
  return reading('The arguments of convertTags', () => {
    oneOf('from', from, SCHEMES)
    for (const tag of tags) {
      if (usesPrefix(from, splitTag(tag).prefix)) continue
      throw new SentorchError('ERR_INVALID_ARGUMENT', `Tag ${JSON.stringify(tag)} is none of ${from}.`, { detail: { tag } })
    }
    return tagsOf(repairedEntities(tags), tags.length, to)
  })
}

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
