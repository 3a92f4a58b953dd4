import { isIterable, itemsOf } from '../base/callbacks'
import { describe, stringOf } from '../base/check'
import { reading, takeOptions } from '../base/snapshot'
import { SentorchError, throwIfAborted } from '../base/errors'
import { keysOf, signalOf } from '../base/option-checks'
import { describeDataset, type DescribeOptions, type Summary } from './describe'
import type { Example, Examples } from './example'
import { checkExample } from './examples'
import { headNames, labelSet } from './labels'
import { breather } from './pause'
import { type UnusedField, unusedOf } from './readers/unused'
import type { Scheme } from '../tags/schemes'
import { splitExamples, type SplitOptions } from './split'
import { takeExample, takeSource } from './take'

/** Where examples come from: an array, a reader, a generator, or a data set that there is already. */
export type DataSource = Dataset | Examples

export interface DatasetOptions {
  /** By which messages name it. Defaults to `data`. */
  name?: string
  /** Stops between examples; the promise rejects with code `ERR_ABORTED`. */
  signal?: AbortSignal
}

/** Labelled sentences in memory, checked. They are not changed; keep them unchanged. */
export class Dataset implements Iterable<Example> {
  readonly name: string
  readonly examples: readonly Example[]
  readonly #unusedFields: readonly UnusedField[]

  /**
   * Reads all examples of a source and checks each: text or words, labels of a known shape, spans inside the text, words found in it,
   * and no other field.
   * A `Dataset` comes back as it is, unless it is given another name.
   * An array is copied at once; of any other source each example when it is read.
   * Rejects with ERR_DATA for a bad example, named by its number from 0; ERR_INVALID_ARGUMENT, ERR_ABORTED, ERR_CALLBACK where the source
   * throws an error of its own, and with what a reader throws.
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
    return new Dataset(examples, name, unusedOf(source))
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

  /** Names of all heads that any example has a label for, sorted. */
  get heads(): string[] {
    return headNames(this.examples)
  }

  /**
   * The labels that occur for a head, sorted by UTF-16 units, as `addHead` takes them. Tags come as they are written. For entities given as
   * spans these are the tags of their types in `scheme` (default `IOB2`); for yes and no it is the head's own name.
   * Throws ERR_INVALID_ARGUMENT where no example has the head.
   */
  labels(head: string, scheme: Scheme = 'IOB2'): string[] {
    return labelSet(this, stringOf('head', head), scheme)
  }

  /**
   * Parts without a common example, each in the order of the whole; the same seed gives the same parts.
   * Throws ERR_INVALID_ARGUMENT for a part without an example, and for a head to stratify by that no example has.
   */
  split(options: Omit<SplitOptions, 'sizes'> & { test: number }): { train: Dataset; test: Dataset }
  split<K extends string>(options: Omit<SplitOptions, 'test'> & { sizes: Readonly<Record<K, number>> }): Record<K, Dataset>
  split(options: SplitOptions): Record<string, Dataset> {
    const parts = splitExamples(this, options)
    return Object.fromEntries(
      Object.entries(parts).map(([part, examples]) => [part, new Dataset(examples, `${this.name}/${part}`, this.#unusedFields)]),
    )
  }

  /** What is in the data: counts, labels, lengths, and problems found. Plain data, fit for JSON. */
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
    `A data set is made from an array, an iterable or an async iterable of examples; received ${describe(source)}.`,
  )
}
