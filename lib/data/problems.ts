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

/** A problem in the data that training tolerates but that deserves attention. */
export interface Problem {
  /**
   * `duplicate`: the same text as an earlier example, with compatible labels; `conflicting labels`: the same text with a different label;
   * `mixed labels`: a label of a different kind than most examples have for this head; `wrong number of tags`: not one tag per word, which
   * training rejects; `malformed tags`: a sequence that the tagging scheme does not allow; `unknown label`: not one of the given labels.
   */
  kind: ProblemKind
  head?: string
  /** The label, if the problem is an unknown label. */
  label?: string
  /** Number of examples, counted once per head (for unknown labels: number of occurrences). */
  count: number
  /** Indices of the first ten examples, from 0. */
  examples: number[]
}

const SHOWN = 10

/** Collects problems by kind, head and label. */
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

  /** Sorted by kind, then by frequency. */
  list(): Problem[] {
    return [...this.#found.values()].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || b.count - a.count)
  }
}
