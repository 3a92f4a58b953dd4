import { createHash } from 'node:crypto'
import { isIterable, itemsOf, keysOf, reading, refusal, signalOf, takeOptions } from '../base/arguments'
import { describe, integerIn, invalid, stringOf } from '../base/check'
import { SentorchError, throwIfAborted } from '../base/errors'
import { permutation, randomKey } from '../base/math'
import type { Head } from '../heads/definition'
import type { Scheme } from '../tags/schemes'
import { describeDataset, type DescribeOptions, type Summary } from './describe'
import type { Example, Examples, NamedExamples } from './example'
import type { PreparedSet } from './targets'
import { breather, checkExample, takeExample, takeSource } from './examples'
import { distinctLabels, headNames, labelKind, labelOf, labelSet, requireHead } from './labels'
import { FileExamples, type UnusedField } from './readers/source'

/** A source of examples: an array, a reader, a generator, or an existing data set. */
export type DataSource = Dataset | Examples

export interface DatasetOptions {
  /** Name of the data set in messages. Defaults to `data`. */
  name?: string
  /** Stops reading between examples; the promise rejects with code `ERR_ABORTED`. */
  signal?: AbortSignal
}

let preparedOf: (dataset: Dataset) => Map<string, PreparedSet>

/** What was prepared for training, by tokenizer, heads and limits. It is a private field, so that a data set can be cloned and sent to a worker. */
export function preparedSets(dataset: Dataset): Map<string, PreparedSet> {
  return preparedOf(dataset)
}

/** A data set of checked, labelled sentences in memory. Do not modify its examples. */
export class Dataset implements Iterable<Example> {
  readonly name: string
  readonly examples: readonly Example[]
  readonly #unusedFields: readonly UnusedField[]
  readonly #prepared = new Map<string, PreparedSet>()

  static {
    preparedOf = (dataset) => dataset.#prepared
  }

  /**
   * Reads all examples of a source and checks each of them: text or words, labels of a valid form, spans inside the text, words that occur in
   * it, and no unknown fields.
   * A `Dataset` is returned as it is, unless it is given another name.
   * An array is copied immediately; examples of other sources are copied when they are read.
   * Rejects with ERR_DATA for an invalid example, named by its index from 0; with ERR_INVALID_ARGUMENT or ERR_ABORTED; with ERR_CALLBACK if
   * the source throws an error; and with the errors of the readers.
   */
  static async from(source: DataSource, options: DatasetOptions = {}): Promise<Dataset> {
    options = takeOptions('Dataset.from', options, keysOf<DatasetOptions>({ name: 1, signal: 1 }))
    const signal = signalOf(options.signal)
    if (isDataset(source)) {
      return options.name === undefined ? source : new Dataset(source.examples, stringOf('name', options.name), source.#unusedFields)
    }
    const name = stringOf('name', options.name === undefined ? 'data' : options.name)
    const examples: Example[] = []
    const breathe = breather()
    const given = takeSource(source)
    for await (const example of itemsOf('examples', iterable(given))) {
      throwIfAborted(signal)
      examples.push(checkExample(takeExample(given, example, examples.length), name, examples.length))
      await breathe()
    }
    return new Dataset(examples, name, source instanceof FileExamples ? source.unusedFields : [])
  }

  private constructor(examples: readonly Example[], name: string, unusedFields: readonly UnusedField[]) {
    this.examples = examples
    this.name = name
    this.#unusedFields = unusedFields
  }

  get length(): number {
    return this.examples.length
  }

  [Symbol.iterator](): Iterator<Example> {
    return this.examples[Symbol.iterator]()
  }

  /** Sorted names of all heads for which at least one example has a label. */
  get heads(): string[] {
    return headNames(this.examples)
  }

  /**
   * The distinct labels of a head, sorted by UTF-16 units (whole numbers by value), in the form that `addHead` takes. Tags are returned as written. For entities given as
   * spans, these are the tags of their types in `scheme` (default `IOB2`); for true and false labels it is the name of the head.
   * Throws ERR_INVALID_ARGUMENT if no example has a label for the head.
   */
  labels(head: string, scheme: Scheme = 'IOB2'): string[] {
    return labelSet(this, stringOf('head', head), scheme)
  }

  /**
   * Splits the data set into disjoint parts that keep the order of the examples. The same seed gives the same parts.
   * Throws ERR_INVALID_ARGUMENT if a part would be empty, or if no example has a label for the head to stratify by.
   */
  split(options: Omit<SplitOptions, 'sizes'> & { test: number }): { train: Dataset; test: Dataset }
  split<K extends string>(options: Omit<SplitOptions, 'test'> & { sizes: Readonly<Record<K, number>> }): Record<K, Dataset>
  split(options: SplitOptions): Record<string, Dataset> {
    const parts = splitExamples(this, options)
    return Object.fromEntries(
      Object.entries(parts).map(([part, examples]) => [part, new Dataset(examples, `${this.name}/${part}`, this.#unusedFields)]),
    )
  }

  /** Summarises the data set: counts, labels, lengths and problems, as plain data that can be written as JSON. */
  describe(options?: DescribeOptions): Promise<Summary> {
    return describeDataset(this, this.#unusedFields, options)
  }
}

function isDataset(source: unknown): source is Dataset {
  return reading('The examples', () => source instanceof Dataset)
}

function iterable(source: unknown): Iterable<unknown> | AsyncIterable<unknown> {
  if (isIterable(source)) return source
  throw new SentorchError(
    'ERR_INVALID_ARGUMENT',
    `Expected a data set: an array, an iterable or an async iterable of examples, received ${describe(source)}.`,
  )
}

/** Bytes to hash at once: one or two milliseconds of work. */
const PIECE = 2 ** 20

/** SHA-256, in hexadecimal, over the tokens, the names and label names of the heads, and the labels. */
export async function fingerprintOf(
  ids: Int32Array,
  offsets: Int32Array,
  heads: readonly Head[],
  labels: ReadonlyMap<string, Int32Array>,
): Promise<string> {
  const hash = createHash('sha256')
  const breathe = breather()
  const add = async (values: Int32Array) => {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    for (let at = 0; at < bytes.length; at += PIECE) {
      hash.update(bytes.subarray(at, at + PIECE))
      await breathe()
    }
  }
  await add(ids)
  await add(offsets)
  for (const { name, labels: names } of heads) {
    hash.update(JSON.stringify([name, names]))
    await add(labels.get(name)!)
  }
  return hash.digest('hex')
}

export interface SplitOptions {
  /** Size of the part `test`: a share (above 0, below 1) or a number of examples. The other part is `train`. */
  test?: number
  /** Parts by name with their relative sizes, in any unit: `{ train: 8, dev: 1, test: 1 }`. Instead of `test`. */
  sizes?: Readonly<Record<string, number>>
  /** Seed of the shuffling, 0..2^32−1. Defaults to 0. */
  seed?: number
  /**
   * Name of a head whose labels are distributed as equally over the parts as whole examples allow. If an example has several labels or
   * entities, their set counts as one label. By default the split is not stratified.
   */
  stratify?: string
}

/** The examples of each part, in the order of the data set. */
function splitExamples(dataset: NamedExamples, options: SplitOptions): Record<string, Example[]> {
  options = takeOptions('split', options, keysOf<SplitOptions>({ test: 1, sizes: 1, seed: 1, stratify: 1 }))
  const { seed = 0, stratify } = options
  const { names, counts } = partsOf(dataset, options)
  const order = permutation(dataset.examples.length, randomKey(integerIn('seed', seed, 0, 2 ** 32 - 1)))
  const dealt = stratify === undefined ? order : inStrata(dataset, order, stringOf('stratify', stratify))
  const partOf = deal(dealt, counts)
  return Object.fromEntries(names.map((name, part) => [name, dataset.examples.filter((_, i) => partOf[i] === part)]))
}

function partsOf(dataset: NamedExamples, { test, sizes }: SplitOptions): { names: string[]; counts: number[] } {
  if ((test === undefined) === (sizes === undefined)) throw refusal(`split takes exactly one of 'test' and 'sizes'.`)
  const total = dataset.examples.length
  if (test !== undefined) {
    if (typeof test !== 'number' || !(test > 0) || (test >= 1 && !Number.isInteger(test))) {
      throw invalid('test', 'a share above 0 and below 1, or a number of examples', test)
    }
    const count = test < 1 ? Math.round(test * total) : test
    return checked(dataset, ['train', 'test'], [total - count, count])
  }
  if (typeof sizes !== 'object' || sizes === null) throw invalid('sizes', 'an object of shares by name', sizes)
  const names = Object.keys(sizes)
  const shares = names.map((name) => {
    const share: unknown = sizes[name]
    if (typeof share !== 'number' || !(share > 0) || share === Infinity) throw invalid(`sizes.${name}`, 'a number above 0', share)
    return share
  })
  if (names.length === 0) throw invalid('sizes', 'at least one part', sizes)
  return checked(dataset, names, apportion(total, shares))
}

function checked(dataset: NamedExamples, names: string[], counts: number[]): { names: string[]; counts: number[] } {
  const empty = counts.findIndex((count) => count < 1)
  if (empty >= 0)
    throw refusal(`The part '${names[empty]}' would be empty: '${dataset.name}' has only ${dataset.examples.length} examples.`)
  return { names, counts }
}

/** Integers in proportion to the shares that add up to `total`. What rounding down leaves goes to the largest remainders. */
function apportion(total: number, shares: readonly number[]): number[] {
  const sum = shares.reduce((a, b) => a + b, 0)
  const exact = shares.map((share) => (total * share) / sum)
  const counts = exact.map(Math.floor)
  const byRemainder = exact.map((_, i) => i).sort((a, b) => exact[b]! - counts[b]! - (exact[a]! - counts[a]!))
  let left = total - counts.reduce((a, b) => a + b, 0)
  for (const i of byRemainder) if (left-- > 0) counts[i]!++
  return counts
}

/** The given order, sorted by the label of a head. */
function inStrata(dataset: NamedExamples, order: Int32Array, head: string): Int32Array {
  requireHead(dataset, head)
  const kind = labelKind(dataset, head)
  const strata = new Map<string, number[]>()
  for (const index of order) {
    const value = labelOf(dataset.examples[index]!, head)
    const key = value === undefined ? '' : JSON.stringify(distinctLabels(value, kind))
    const stratum = strata.get(key)
    if (stratum) stratum.push(index)
    else strata.set(key, [index])
  }
  return Int32Array.from([...strata.keys()].sort().flatMap((key) => strata.get(key)!))
}

/**
 * Goes through the examples in order and gives each to the part that lags furthest behind its share, so that every stretch is divided evenly.
 * A part never exceeds its count: the lags add up to exactly one example, so at least one part lags behind its share at each step.
 */
function deal(order: Int32Array, counts: readonly number[]): Int32Array {
  const partOf = new Int32Array(order.length)
  const given = counts.map(() => 0)
  order.forEach((index, i) => {
    let part = 0
    let most = -Infinity
    counts.forEach((count, candidate) => {
      const behind = (count * (i + 1)) / order.length - given[candidate]!
      if (behind > most) [part, most] = [candidate, behind]
    })
    given[part]!++
    partOf[index] = part
  })
  return partOf
}
