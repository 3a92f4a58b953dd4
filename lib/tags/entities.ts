import { reading } from '../base/arguments'
import { SentorchError } from '../base/errors'
import { trim } from '../base/text'

/** An entity of a tagged sentence: words [start, end) by index. Bare tags (`B`, `I`) have the label `_`. */
export interface Entity {
  label: string
  start: number
  end: number
}

/**
 * The entities of one sentence, exactly as counted by seqeval 1.2.2.
 *
 * Without a scheme, lenient: the rules of the CoNLL-2000 script `conlleval` for the prefixes B, I, E, S. An `I-x` or `E-x` that does not
 * continue an entity begins one. These rules do not know `L` and `U`: score BILOU tags with their scheme, or read them with `repairedEntities`.
 *
 * With a scheme, strict: only well-formed entities count. A tag whose prefix is not in the scheme throws `ERR_INVALID_ARGUMENT`.
 * IOE1 has seqeval's known gap: an entity of one word written `E-x` is found only after another `E-x`.
 */
export function entitiesOf(tags: readonly string[], scheme?: Scheme): Entity[] {
  return reading('The arguments of entitiesOf', () => {
    return scheme === undefined ? lenientEntities(tags) : strictEntities(tags, scheme)
  })
}

interface Part {
  prefix: string
  label: string
}

/** `B-x` → B, x. Also `Bx`, and `B-x-y` → B, x-y. */
function lenientPart(tag: string): Part {
  const prefix = prefixOf(tag)
  const rest = tag.slice(prefix.length)
  return { prefix, label: rest.slice(rest.indexOf('-') + 1) || '_' }
}

/** As above, but with all dashes at both ends of the label removed. */
function strictPart(tag: string): Part {
  const prefix = prefixOf(tag)
  return { prefix, label: trim(tag.slice(prefix.length), '-') || '_' }
}

function prefixOf(tag: string): string {
  const first = tag.codePointAt(0)
  if (first === undefined) throw new SentorchError('ERR_INVALID_ARGUMENT', 'Expected a tag, received an empty string.')
  return String.fromCodePoint(first)
}

function lenientEntities(tags: readonly string[]): Entity[] {
  const entities: Entity[] = []
  let previous: Part = { prefix: 'O', label: '' }
  let start = 0
  for (let i = 0; i <= tags.length; i++) {
    const current = lenientPart(tags[i] ?? 'O')
    if (endsBefore(previous, current)) entities.push({ label: previous.label, start, end: i })
    if (startsAt(previous, current)) start = i
    previous = current
  }
  return entities
}

/** A dot also means outside, as in conlleval's oldest data. */
const isOutside = ({ prefix }: Part): boolean => prefix === 'O' || prefix === '.'

function endsBefore(previous: Part, current: Part): boolean {
  if ('ES'.includes(previous.prefix)) return true
  if ('BI'.includes(previous.prefix) && 'BSO'.includes(current.prefix)) return true
  return !isOutside(previous) && previous.label !== current.label
}

function startsAt(previous: Part, current: Part): boolean {
  if ('BS'.includes(current.prefix)) return true
  if ('ESO'.includes(previous.prefix) && 'EI'.includes(current.prefix)) return true
  return !isOutside(current) && previous.label !== current.label
}

/** Prefixes of the previous tag, prefixes of the tag, and the required relation between their labels. */
type Pattern = readonly [before: string, at: string, labels: 'any' | 'same' | 'different']

interface Rules {
  prefixes: string
  start: readonly Pattern[]
  inside: readonly Pattern[]
  end: readonly Pattern[]
}

const ANY = 'IOBESUL'

/** The patterns of seqeval's `scheme.py`. */
const RULES: Record<Scheme, Rules> = {
  IOB1: {
    prefixes: 'IOB',
    start: [
      ['OB', 'I', 'any'],
      ['I', 'I', 'different'],
      ['IB', 'B', 'same'],
    ],
    inside: [['BI', 'I', 'same']],
    end: [
      ['IB', 'I', 'different'],
      ['IB', 'O', 'any'],
      ['I', 'B', 'any'],
      ['B', 'B', 'same'],
    ],
  },
  IOE1: {
    prefixes: 'IOE',
    start: [
      ['OE', 'I', 'any'],
      ['I', 'I', 'different'],
      ['E', 'E', 'same'],
    ],
    inside: [['I', 'IE', 'same']],
    end: [
      ['I', 'IE', 'different'],
      ['I', 'O', 'any'],
      ['E', 'IE', 'same'],
    ],
  },
  IOB2: {
    prefixes: 'IOB',
    start: [[ANY, 'B', 'any']],
    inside: [['BI', 'I', 'same']],
    end: [
      ['IB', 'OB', 'any'],
      ['IB', 'I', 'different'],
    ],
  },
  IOE2: {
    prefixes: 'IOE',
    start: [
      ['OE', 'IE', 'any'],
      ['I', 'IE', 'different'],
    ],
    inside: [['I', 'IE', 'same']],
    end: [['E', ANY, 'any']],
  },
  IOBES: {
    prefixes: 'IOBES',
    start: [[ANY, 'BS', 'any']],
    inside: [['BI', 'IE', 'same']],
    end: [['SE', ANY, 'any']],
  },
  BILOU: {
    prefixes: 'BILOU',
    start: [[ANY, 'BU', 'any']],
    inside: [['BI', 'IL', 'same']],
    end: [['UL', ANY, 'any']],
  },
}

function strictEntities(tags: readonly string[], scheme: Scheme): Entity[] {
  const { prefixes, start, inside, end } = RULES[scheme]
  const outside: Part = { prefix: 'O', label: '_' }
  const parts = tags.map((tag) => {
    const part = strictPart(tag)
    if (prefixes.includes(part.prefix)) return part
    const known = [...prefixes].join(', ')
    throw new SentorchError(
      'ERR_INVALID_ARGUMENT',
      `${JSON.stringify(tag)} is not a valid ${scheme} tag. The prefixes of ${scheme} are ${known}.`,
    )
  })
  parts.push(outside)

  const entities: Entity[] = []
  let i = 0
  while (i < parts.length) {
    const first = parts[i]!
    if (!matches(start, parts[i - 1] ?? outside, first)) {
      i++
      continue
    }
    let next = i + 1
    while (matches(inside, parts[next - 1]!, parts[next]!)) next++
    if (matches(end, parts[next - 1]!, parts[next]!)) entities.push({ label: first.label, start: i, end: next })
    i = next
  }
  return entities
}

function matches(patterns: readonly Pattern[], before: Part, at: Part): boolean {
  return patterns.some(([prefixesBefore, prefixesAt, labels]) => {
    if (!prefixesBefore.includes(before.prefix) || !prefixesAt.includes(at.prefix)) return false
    return labels === 'any' || (before.label === at.label) === (labels === 'same')
  })
}

/**
 * Tagging schemes, which write entities as one tag per word. IOB2 (BIO): `B-` begins, `I-` continues. IOB1: `B-` only if the entity directly
 * follows another one with the same label. IOE2 and IOE1: the same from the end, with `E-`. IOBES: begin, inside, end, single. BILOU: begin, inside, last, unit.
 */
export const SCHEMES = ['IOB2', 'IOB1', 'IOE1', 'IOE2', 'IOBES', 'BILOU'] as const
export type Scheme = (typeof SCHEMES)[number]

/** A tag split into prefix and label. Without a prefix, the tag is not written in any scheme (`city`), and the label is the whole tag. */
export interface TagParts {
  prefix: 'O' | 'B' | 'I' | 'E' | 'S' | 'L' | 'U' | undefined
  /** Empty for `O`; `_` for a bare prefix. */
  label: string
}

export function splitTag(tag: string): TagParts {
  if (tag === 'O') return OUTSIDE
  const [, prefix, label] = /^([BIESLU])(?:-(.*))?$/s.exec(tag) ?? []
  return prefix === undefined ? { prefix: undefined, label: tag } : { prefix: prefix as TagParts['prefix'], label: label || '_' }
}

export const OUTSIDE: TagParts = { prefix: 'O', label: '' }
