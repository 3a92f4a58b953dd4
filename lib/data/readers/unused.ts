import type { Example } from '../example'

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

/** Examples of files. Each loop opens the files anew. */
export class FileExamples implements AsyncIterable<Example> {
  readonly #read: (unused: UnusedFields) => AsyncIterable<Example>
  #unused: UnusedFields | undefined

  constructor(read: (unused: UnusedFields) => AsyncIterable<Example>) {
    this.#read = read
  }

  /** What the last complete loop did not read; empty before it. */
  get unusedFields(): UnusedField[] {
    return this.#unused?.list() ?? []
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Example> {
    const unused = new UnusedFields()
    yield* this.#read(unused)
    this.#unused = unused
  }
}
