/** Fields and columns of files that nothing is read from, with the number of records that have them. */
export class UnusedFields {
  readonly #counts = new Map<string, number>()

  /** One record: what it has, and what of it is read. */
  note(fields: Iterable<string>, used: ReadonlySet<string>): void {
    for (const field of fields) if (!used.has(field)) this.#counts.set(field, (this.#counts.get(field) ?? 0) + 1)
  }

  /** The most frequent first. */
  list(): UnusedField[] {
    return [...this.#counts].map(([field, records]) => ({ field, records })).sort((a, b) => b.records - a.records)
  }
}

export interface UnusedField {
  field: string
  /** Records of the files that have it. */
  records: number
}

const last = new WeakMap<object, UnusedFields>()

/** What the last complete loop over a reader's result did not read. */
export function rememberUnused(examples: object, unused: UnusedFields): void {
  last.set(examples, unused)
}

/** Empty for what is not the result of a reader, or was not read to its end. */
export function unusedOf(examples: object): UnusedField[] {
  return last.get(examples)?.list() ?? []
}
