/**
 * Ways to write entities as one tag a word. IOB2 (BIO): `B-` begins, `I-` goes on. IOB1: `B-` only where an entity follows another of the
 * same label at once. IOE2 and IOE1: the same from the end, with `E-`. IOBES: begin, inside, end, single. BILOU: begin, inside, last, unit.
 */
export const SCHEMES = ['IOB2', 'IOB1', 'IOE1', 'IOE2', 'IOBES', 'BILOU'] as const
export type Scheme = (typeof SCHEMES)[number]

/** A tag in two parts. No prefix: not written in any scheme (`city`), and the label is the whole tag. */
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
