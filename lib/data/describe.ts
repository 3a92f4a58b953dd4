import { define, keysOf, reading, signalOf, takeOptions } from '../base/arguments'
import { integerIn, invalid } from '../base/check'
import { throwIfAborted } from '../base/errors'
import { countMalformed, isSpans, recogniseScheme, repairedEntities, type Scheme } from '../tags/schemes'
import { textOf } from './align'
import type { Example, LabelValue, NamedExamples } from './example'
import { distinctLabels, headNames, isOfKind, labelKind, labelOf, type LabelKind } from './labels'
import { breather } from './pause'
import { ProblemList, type Problem } from './problems'
import type { UnusedField } from './readers/unused'

export interface DescribeOptions {
  /** A `Model`: lengths are then counted in its tokens, the special ones included. Without it they are counted in words. */
  model?: { countTokens(texts: readonly string[]): Promise<number[]> }
  /** Examples that are longer (in tokens, or words without `model`) are counted as truncated. Integer of at least 1. Defaults to none. */
  maxLength?: number
  /** Labels that heads have, as `Dataset.labels` gives them: others are reported as unknown. */
  labels?: Readonly<Record<string, readonly string[]>>
  signal?: AbortSignal
}

/** What is in the data for one head. */
export interface HeadSummary {
  kind: LabelKind
  /** Examples that have a label for it. */
  examples: number
  /** Each label, the most frequent first: examples that have it; for tags and spans the entities of each type. */
  labels: { label: string; count: number }[]
  /** For tags: each tag, the most frequent first, with the words that have it. */
  tags?: { label: string; count: number }[]
  /** For tags: the scheme that fits best, where there is one, and neighbours that it does not allow. */
  scheme?: Scheme
  malformed?: number
}

export interface Summary {
  name: string
  examples: number
  /** Heads by name, sorted. */
  heads: Record<string, HeadSummary>
  lengths: Lengths
  /** Where a limit was given. */
  truncation?: { maxLength: number; examples: number }
  /** Empty where nothing was found. */
  problems: Problem[]
  /**
   * Where there are any: fields and columns of the files that nothing was read from, the most frequent first; for a part of a data set those
   * of the whole.
   */
  unusedFields?: UnusedField[]
}

/** Texts that are counted together. */
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

/** The labels of a value as they are written, repeated ones too; none for yes and no. */
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

/** The most frequent first, equals by name. */
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
    // What the first did not say, later ones are held to as well.
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

/** Lengths of all examples. */
export interface Lengths {
  unit: 'tokens' | 'words'
  /** Together. */
  total: number
  /** 0 where there is no example; so are those below. */
  min: number
  max: number
  mean: number
  /** Half, 95 and 99 in a hundred of the examples are at most so long. */
  median: number
  p95: number
  p99: number
  /** Examples of `from` to `to` units, both included; stretches of equal width from the shortest to the longest, empty ones too. */
  histogram: { from: number; to: number; count: number }[]
}

/** At most so many stretches. */
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

/** The smallest of 1, 2, 5, 10, 20, 50 … that covers the range in few enough stretches. */
function niceWidth(range: number): number {
  for (let power = 1; ; power *= 10) {
    for (const digit of [1, 2, 5]) if (digit * power * (BINS - 1) >= range) return digit * power
  }
}
