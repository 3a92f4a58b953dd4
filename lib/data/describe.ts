import { define, keysOf, reading, signalOf, takeOptions } from '../base/arguments'
import { integerIn, invalid } from '../base/check'
import { throwIfAborted } from '../base/errors'
import { countMalformed, isSpans, recogniseScheme, repairedEntities, type Scheme } from '../tags/schemes'
import { textOf } from './align'
import type { Example, LabelValue, NamedExamples } from './example'
import { breather } from './examples'
import { distinctLabels, headNames, isOfKind, labelKind, labelOf, type LabelKind } from './labels'
import type { UnusedField } from './readers/source'

export interface DescribeOptions {
  /** A `Model` whose tokens are used to measure lengths, special tokens included. By default, lengths are measured in words. */
  model?: { countTokens(texts: readonly string[]): Promise<number[]> }
  /** Limit above which an example counts as truncated, in tokens (in words without `model`). Integer of at least 1. By default, none does. */
  maxLength?: number
  /** The known labels of each head, as returned by `Dataset.labels`. Other labels are reported as unknown. */
  labels?: Readonly<Record<string, readonly string[]>>
  signal?: AbortSignal
}

/** Summary of the labels of one head. */
export interface HeadSummary {
  kind: LabelKind
  /** Number of examples with a label for the head. */
  examples: number
  /** Each label and the number of examples that have it, the most frequent first. For tags and spans, each entity type and its entities. */
  labels: { label: string; count: number }[]
  /** For tags: each tag and the number of words that have it, the most frequent first. */
  tags?: { label: string; count: number }[]
  /** For tags: the best matching scheme, if any, and the number of neighbouring tags that it does not allow. */
  scheme?: Scheme
  malformed?: number
}

export interface Summary {
  name: string
  examples: number
  /** Heads by name, sorted. */
  heads: Record<string, HeadSummary>
  lengths: Lengths
  /** Number of truncated examples, if a limit was given. */
  truncation?: { maxLength: number; examples: number }
  /** Empty if no problems were found. */
  problems: Problem[]
  /**
   * Fields and columns of the files that were not read, the most frequent first; absent if everything was read. A part of a data set has those
   * of the whole.
   */
  unusedFields?: UnusedField[]
}

/** Number of texts whose tokens are counted together. */
const CHUNK = 512

export async function describeDataset(
  dataset: NamedExamples,
  unusedFields: readonly UnusedField[],
  options: DescribeOptions = {},
): Promise<Summary> {
  options = takeOptions('describe', options, keysOf<DescribeOptions>({ model: 1, maxLength: 1, labels: 1, signal: 1 }))
  const { model, maxLength, labels = {} } = options
  const signal = signalOf(options.signal)
  if (maxLength !== undefined) integerIn('maxLength', maxLength, 1, Number.MAX_SAFE_INTEGER)
  if (model !== undefined && !reading("'model'", () => typeof model?.countTokens === 'function')) throw invalid('model', 'a Model', model)
  if (typeof labels !== 'object' || labels === null) throw invalid('labels', 'an object of labels by head', labels)
  throwIfAborted(signal)

  const problems = new ProblemList()
  const breathe = breather(signal)
  const names = headNames(dataset.examples)
  const heads: Record<string, HeadSummary> = {}
  for (const head of names) {
    const known = Object.hasOwn(labels, head) ? labels[head] : undefined
    define(heads, head, await describeHead(dataset, head, known, problems, breathe))
  }
  await findTextProblems(dataset, problems, breathe)
  const counts = await lengthsOf(dataset.examples, model, signal, breathe)
  return {
    name: dataset.name,
    examples: dataset.examples.length,
    heads,
    lengths: histogramOf(counts, model ? 'tokens' : 'words'),
    ...(maxLength !== undefined && { truncation: { maxLength, examples: counts.filter((count) => count > maxLength).length } }),
    problems: problems.list(),
    ...(unusedFields.length > 0 && { unusedFields: unusedFields.map((each) => ({ ...each })) }),
  }
}

type Breathe = ReturnType<typeof breather>

async function describeHead(
  dataset: NamedExamples,
  head: string,
  known: readonly string[] | undefined,
  problems: ProblemList,
  breathe: Breathe,
): Promise<HeadSummary> {
  const kind = labelKind(dataset, head)
  const { scheme, malformed } = recogniseScheme(kind === 'tags' ? taggedSentences(dataset, head) : [])
  const labels = new Map<string, number>()
  const tags = new Map<string, number>()
  const allowed = known && new Set(known)
  const allowedTypes = known && new Set(distinctLabels(known, 'tags'))
  let examples = 0
  for (const [i, example] of dataset.examples.entries()) {
    await breathe()
    const value = labelOf(example, head)
    if (value === undefined) continue
    examples++
    if (!isOfKind(value, kind)) problems.add('mixed labels', i, head)
    for (const label of distinctLabels(value, kind)) if (kind !== 'tags' && kind !== 'spans') count(labels, label)
    for (const label of writtenLabels(value)) {
      if (isSpans(value)) count(labels, label)
      if (kind === 'tags' && !isSpans(value)) count(tags, label)
      if ((isSpans(value) ? allowedTypes : allowed)?.has(label) === false) problems.add('unknown label', i, head, label)
    }
    if (kind !== 'tags' || isSpans(value)) continue
    const sentence = writtenLabels(value)
    if (sentence.length > 0 && sentence.length !== example.words?.length) problems.add('wrong number of tags', i, head)
    for (const { label } of repairedEntities(sentence)) count(labels, label)
    if (scheme !== undefined && countMalformed(sentence, scheme) > 0) problems.add('malformed tags', i, head)
  }
  return {
    kind,
    examples,
    labels: table(labels),
    ...(kind === 'tags' && { tags: table(tags), malformed, ...(scheme !== undefined && { scheme }) }),
  }
}

function count(table: Map<string, number>, label: string): void {
  table.set(label, (table.get(label) ?? 0) + 1)
}

/** The labels of a value as written, including repeated ones; empty for true and false. */
function writtenLabels(value: LabelValue): readonly string[] {
  if (typeof value === 'boolean') return []
  if (typeof value === 'string') return [value]
  return isSpans(value) ? value.map(({ label }) => label) : value
}

function taggedSentences(dataset: NamedExamples, head: string): (readonly string[])[] {
  return dataset.examples
    .map((example) => labelOf(example, head))
    .filter((value): value is readonly string[] => Array.isArray(value) && !isSpans(value))
}

/** The most frequent first; equally frequent ones by name. */
function table(counts: ReadonlyMap<string, number>): { label: string; count: number }[] {
  return [...counts].map(([label, count]) => ({ label, count })).sort((a, b) => b.count - a.count || (a.label < b.label ? -1 : 1))
}

async function findTextProblems(dataset: NamedExamples, problems: ProblemList, breathe: Breathe): Promise<void> {
  const firsts = new Map<string, { index: number; labels: Map<string, string> }>()
  for (const [i, example] of dataset.examples.entries()) {
    await breathe()
    const text = textOf(example)
    if (text.trim() === '') problems.add('empty text', i)
    const first = firsts.get(text)
    const labels = new Map(headNames([example]).map((head) => [head, JSON.stringify(labelOf(example, head))]))
    if (first === undefined) {
      firsts.set(text, { index: i, labels })
      continue
    }
    const conflicting = [...labels].filter(([head, value]) => first.labels.has(head) && first.labels.get(head) !== value)
    for (const [head] of conflicting) problems.add('conflicting labels', i, head)
    if (conflicting.length === 0) problems.add('duplicate', i)
    // Later examples are also compared with labels that the first one does not have.
    for (const [head, value] of labels) if (!first.labels.has(head)) first.labels.set(head, value)
  }
}

async function lengthsOf(
  examples: readonly Example[],
  model: DescribeOptions['model'],
  signal: AbortSignal | undefined,
  breathe: Breathe,
): Promise<number[]> {
  const counts: number[] = []
  for (let start = 0; start < examples.length; start += CHUNK) {
    throwIfAborted(signal)
    const chunk = examples.slice(start, start + CHUNK)
    counts.push(...(model ? await model.countTokens(chunk.map(textOf)) : chunk.map(wordCount)))
    await breathe()
  }
  return counts
}

function wordCount(example: Example): number {
  return example.words?.length ?? (example.text.match(/\S+/g)?.length || 0)
}

/** Distribution of the lengths of all examples. */
export interface Lengths {
  unit: 'tokens' | 'words'
  /** Total length. */
  total: number
  /** 0 if the data set is empty, like the numbers below. */
  min: number
  max: number
  mean: number
  /** Percentiles: half, 95 % and 99 % of the examples have at most this length. */
  median: number
  p95: number
  p99: number
  /** Histogram: the number of examples of length `from` to `to`, inclusive, in ranges of equal width, including empty ranges. */
  histogram: { from: number; to: number; count: number }[]
}

/** Maximum number of ranges in the histogram. */
const BINS = 20

export function histogramOf(counts: readonly number[], unit: Lengths['unit']): Lengths {
  const sorted = Float64Array.from(counts).sort()
  const total = sorted.reduce((sum, count) => sum + count, 0)
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  const min = at(0)
  const max = at(1)
  const width = niceWidth(max + 1 - min)
  const first = Math.floor(min / width)
  const histogram = Array.from({ length: sorted.length === 0 ? 0 : Math.floor(max / width) - first + 1 }, (_, i) => ({
    from: (first + i) * width,
    to: (first + i + 1) * width - 1,
    count: 0,
  }))
  for (const count of sorted) histogram[Math.floor(count / width) - first]!.count++
  return { unit, total, min, max, mean: total / (sorted.length || 1), median: at(0.5), p95: at(0.95), p99: at(0.99), histogram }
}

/** The smallest of 1, 2, 5, 10, 20, 50 … that covers the lengths with few enough ranges. */
function niceWidth(range: number): number {
  for (let power = 1; ; power *= 10) {
    for (const digit of [1, 2, 5]) if (digit * power * (BINS - 1) >= range) return digit * power
  }
}

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
class ProblemList {
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
