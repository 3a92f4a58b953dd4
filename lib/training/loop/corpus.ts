import { refusal } from '../../base/arguments'
import { SentorchError } from '../../base/errors'
import { Dataset, preparedSets, type DataSource } from '../../data/dataset'
import { concatenated, type PreparedSet } from '../../data/targets'
import { prepare, type PrepareOptions } from '../../data/prepare'
import type { Head } from '../../heads/definition'
import { NO_LABEL } from '../../heads/kind'
import type { Tokenizer } from '../../tokenizer/tokenizer'

/** One data set, or several by name. A `Dataset` that is used again is tokenised only once; any other source is tokenised each time. */
export type TrainingData = DataSource | Readonly<Record<string, DataSource>>

/** What a checkpoint stores about a data set. */
export interface DataIdentity {
  name: string
  examples: number
  /** SHA-256 over its tokens and labels. */
  fingerprint: string
}

/** The data sets of a run, one after the other. */
export interface Corpus {
  sets: readonly { name: string; start: number; count: number; prepared: PreparedSet }[]
  examples: number
  /** Ragged rows in the form that the native side expects. */
  ids: Int32Array
  offsets: Int32Array
  /** Per head, in the requested order. */
  labels: readonly Int32Array[]
  identity: readonly DataIdentity[]
}

/** Data sets by name. A single one has the name of its `Dataset`, or `data`. ERR_DATA if one is empty. */
async function readData(data: TrainingData, signal?: AbortSignal): Promise<Dataset[]> {
  const sources: [string | undefined, DataSource][] = isSource(data) ? [[undefined, data]] : Object.entries(data)
  const sets: Dataset[] = []
  for (const [name, source] of sources) {
    // The object itself is kept: prepared data is cached by its identity.
    sets.push(source instanceof Dataset ? source : await Dataset.from(source, { ...(name !== undefined && { name }), signal }))
    if (sets.at(-1)!.length === 0) throw empty(name ?? sets.at(-1)!.name)
  }
  if (sets.length === 0) throw refusal('The object of data sets is empty. Pass at least one data set.')
  return sets
}

/** Anything else is passed to `Dataset.from`, whose error lists the accepted types. */
function isSource(data: TrainingData): data is DataSource {
  return typeof data !== 'object' || data === null || Symbol.iterator in data || Symbol.asyncIterator in data
}

function empty(name: string): SentorchError {
  return new SentorchError('ERR_DATA', `The data set '${name}' is empty.`, { detail: { name } })
}

export interface CorpusOptions extends Pick<PrepareOptions, 'maxLength' | 'unknownLabels' | 'allSubwords'> {
  tokenizer: Tokenizer
  heads: readonly Head[]
  signal?: AbortSignal | undefined
}

/** Tokenises data sets and concatenates them. */
export async function makeCorpus(data: TrainingData, options: CorpusOptions): Promise<Corpus> {
  const names = isSource(data) ? undefined : Object.keys(data)
  const sets: { name: string; start: number; count: number; prepared: PreparedSet }[] = []
  let start = 0
  for (const [i, dataset] of (await readData(data, options.signal)).entries()) {
    const prepared = await preparedOnce(dataset, options)
    sets.push({ name: names?.[i] ?? dataset.name, start, count: dataset.length, prepared })
    start += dataset.length
  }
  const all = sets.map(({ prepared }) => prepared)
  return {
    sets,
    examples: start,
    ids: concatenated(all.map(({ ids }) => ids)),
    offsets: joinedOffsets(all.map(({ offsets }) => offsets)),
    labels: options.heads.map(({ name }) => concatenated(all.map(({ labels }) => labels.get(name)!))),
    identity: sets.map(({ name, count, prepared }) => ({ name, examples: count, fingerprint: prepared.fingerprint })),
  }
}

/** Tokenises evaluation data. Labels that a head does not have are not refused; they count as wrong. */
export function heldCorpus(data: TrainingData, options: Omit<CorpusOptions, 'unknownLabels'>): Promise<Corpus> {
  return makeCorpus(data, { ...options, unknownLabels: 'ignore' })
}

async function preparedOnce(dataset: Dataset, options: CorpusOptions): Promise<PreparedSet> {
  const { tokenizer, heads, maxLength, unknownLabels, allSubwords } = options
  const labels = heads.map(({ name, type, labels, multiLabel }) => [name, type, labels, multiLabel])
  const key = JSON.stringify([tokenizer.id, maxLength, unknownLabels, allSubwords, labels])
  const known = preparedSets(dataset)
  const found = known.get(key) ?? (await prepare(dataset, tokenizer, heads, options))
  known.set(key, found)
  return found
}

function joinedOffsets(parts: readonly Int32Array[]): Int32Array {
  if (parts.length === 1) return parts[0]!
  const whole = new Int32Array(parts.reduce((sum, part) => sum + part.length - 1, 1))
  let at = 1
  let base = 0
  for (const part of parts) {
    for (let i = 1; i < part.length; i++) whole[at++] = base + part[i]!
    base += part.at(-1)!
  }
  return whole
}

/** ERR_DATA if a head has no labelled example: it could not learn anything, so its name is probably wrong. */
export function refuseUnlabelled(corpus: Corpus, heads: readonly Pick<Head, 'name'>[]): void {
  const missing = heads.filter((_, i) => corpus.labels[i]!.every((label) => label === NO_LABEL)).map(({ name }) => name)
  if (missing.length === 0) return
  const each = missing.length === 1 ? `The head '${missing[0]}' has` : `The heads ${missing.map((name) => `'${name}'`).join(', ')} have`
  throw new SentorchError(
    'ERR_DATA',
    `${each} no labelled example in the data. Add labels under that name, or leave the head out with tasks: { '${missing[0]}': false }.`,
    { detail: { heads: missing } },
  )
}

/** Describes how the data differs; undefined if it is the same. */
export function dataDifference(before: readonly DataIdentity[], now: readonly DataIdentity[]): string | undefined {
  if (before.length !== now.length) return `${before.length} data sets before, ${now.length} now`
  for (const [i, was] of before.entries()) {
    const is = now[i]!
    if (was.name !== is.name) return `the data set '${was.name}' before, '${is.name}' now`
    if (was.examples !== is.examples) return `the data set '${was.name}' had ${was.examples} examples before, and has ${is.examples} now`
    if (was.fingerprint !== is.fingerprint) return `the texts, the labels or the order of the data set '${was.name}' have changed`
  }
  return undefined
}

/** Row i is ids[offsets[i] … offsets[i+1]). */
export interface RaggedRows {
  ids: Int32Array
  offsets: Int32Array
}

/** Tokens per native call: its logits stay small compared with the model, and an abort takes effect between two calls. */
const SLICE_TOKENS = 16_384

/** Rows [from, to) of about SLICE_TOKENS tokens, in order. */
export function* slices(offsets: Int32Array): Generator<[number, number]> {
  for (let from = 0; from < offsets.length - 1;) {
    let to = from + 1
    while (to < offsets.length - 1 && offsets[to + 1]! - offsets[from]! <= SLICE_TOKENS) to++
    yield [from, to]
    from = to
  }
}

/** Rows [from, to), without copying their ids. */
export function rowsBetween({ ids, offsets }: RaggedRows, from: number, to: number): RaggedRows {
  const first = offsets[from]!
  return { ids: ids.subarray(first, offsets[to]), offsets: offsets.slice(from, to + 1).map((at) => at - first) }
}

/** Rows of a ragged batch by index. */
export function pickRows({ ids, offsets }: RaggedRows, rows: readonly number[]): RaggedRows {
  const picked = new Int32Array(rows.length + 1)
  rows.forEach((row, i) => (picked[i + 1] = picked[i]! + offsets[row + 1]! - offsets[row]!))
  const out = new Int32Array(picked.at(-1)!)
  rows.forEach((row, i) => out.set(ids.subarray(offsets[row], offsets[row + 1]), picked[i]))
  return { ids: out, offsets: picked }
}
