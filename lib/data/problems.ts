const KINDS = [
  'empty text',
  'duplicate',
  'conflicting labels',
  'mixed labels',
  'wrong number of tags',
  'malformed tags',
  'unknown label',
] as const
export type ProblemKind = (typeof KINDS)[number]

/** Something in the data that training can bear but that is worth a look. */
export interface Problem {
  /**
   * `duplicate`: same text as an earlier example, and nothing that contradicts it; `conflicting labels`: another label for the same text;
   * `mixed labels`: a label of another kind than most examples have for this head; `wrong number of tags`: not one a word, which training
   * refuses; `malformed tags`: tags that their scheme does not allow; `unknown label`: none of the labels that were given.
   */
  kind: ProblemKind
  head?: string
  /** Of an unknown label. */
  label?: string
  /** How often; examples once for each head (unknown labels: for each occurrence). */
  count: number
  /** Numbers of the first ten examples, from 0. */
  examples: number[]
}

const SHOWN = 10

/** Problems gathered by kind, head and label. */
export class ProblemList {
  readonly #found = new Map<string, Problem>()

  add(kind: ProblemKind, example: number, head?: string, label?: string): void {
    const key = JSON.stringify([kind, head, label])
    const problem = this.#found.get(key) ?? {
      kind,
      ...(head !== undefined && { head }),
      ...(label !== undefined && { label }),
      count: 0,
      examples: [],
    }
    this.#found.set(key, problem)
    problem.count++
    if (problem.examples.length < SHOWN && problem.examples.at(-1) !== example) problem.examples.push(example)
  }

  /** By kind, then the most frequent first. */
  list(): Problem[] {
    return [...this.#found.values()].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || b.count - a.count)
  }
}
