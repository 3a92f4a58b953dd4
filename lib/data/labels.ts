import { describe } from '../base/check'
import { SentorchError } from '../base/errors'
import { define } from '../base/arguments'
import type { Example, NamedExamples, LabelValue } from './example'
import { isSpans, type Scheme, splitTag, tagsOf } from '../tags/schemes'

/** The labels of an example for a head; undefined if it has none. */
export function labelOf({ labels }: Example, head: string): LabelValue | undefined {
  return Object.hasOwn(labels, head) ? (labels[head] ?? undefined) : undefined
}

/** Sets a label also for a head named `__proto__`, where an assignment would set nothing. Such a name can occur in a file; training refuses it. */
export function setLabel(labels: Record<string, LabelValue>, head: string, value: LabelValue): void {
  define(labels, head, value)
}

export function headNames(examples: readonly Example[]): string[] {
  const names = new Set<string>()
  for (const { labels } of examples)
    for (const [name, value] of Object.entries(labels)) if (value !== undefined && value !== null) names.add(name)
  return [...names].sort()
}

/** Throws ERR_INVALID_ARGUMENT if no example has labels for the head. */
export function requireHead(dataset: NamedExamples, head: string): void {
  if (dataset.examples.some((example) => labelOf(example, head) !== undefined)) return
  const names = headNames(dataset.examples)
  throw new SentorchError(
    'ERR_INVALID_ARGUMENT',
    `No example of '${dataset.name}' has labels for ${describe(head)}. ${names.length > 0 ? `It has labels for: ${names.join(', ')}.` : 'It has no labels at all.'}`,
    { detail: { head, heads: names } },
  )
}

/** The labels of a head in the data, sorted; see `Dataset.labels`. */
export function labelSet(dataset: NamedExamples, head: string, scheme: Scheme): string[] {
  requireHead(dataset, head)
  const labels = new Set<string>()
  const types = new Set<string>()
  for (const example of dataset.examples) {
    const value = labelOf(example, head)
    if (typeof value === 'string') labels.add(value)
    else if (typeof value === 'boolean') labels.add(head)
    else if (isSpans(value)) for (const { label } of value) types.add(label)
    else for (const label of value ?? []) labels.add(label)
  }
  for (const type of types) for (const tag of tagsOfType(type, scheme)) labels.add(tag)
  return sortedLabels(labels)
}

/** Sorted by UTF-16 units, or by value if all are whole numbers. */
export function sortedLabels(labels: Iterable<string>): string[] {
  const sorted = [...labels].sort()
  return sorted.every((label) => /^(0|[1-9]\d{0,14})$/.test(label)) ? sorted.sort((a, b) => Number(a) - Number(b)) : sorted
}

/** Every tag that entities of a type may need: entities of one word, of several words, and adjacent ones. */
function tagsOfType(label: string, scheme: Scheme): string[] {
  const entities = [
    { label, start: 0, end: 1 },
    { label, start: 1, end: 2 },
    { label, start: 2, end: 5 },
  ]
  return tagsOf(entities, 6, scheme)
}

/** The kind of labels that a head has in the data. `'tags'`: one per word; `'labels'`: any number per example. */
export type LabelKind = 'label' | 'yes or no' | 'labels' | 'tags' | 'spans'

/** The kind that most examples have. A list of strings counts as tags if it is as long as the words of its example. */
export function labelKind(dataset: NamedExamples, head: string): LabelKind {
  const counts: Record<LabelKind, number> = { label: 0, 'yes or no': 0, labels: 0, tags: 0, spans: 0 }
  for (const example of dataset.examples) {
    const value = labelOf(example, head)
    if (typeof value === 'string') counts.label++
    else if (typeof value === 'boolean') counts['yes or no']++
    else if (isSpans(value)) counts.spans++
    else if (value !== undefined && value.length > 0) counts[value.length === example.words?.length ? 'tags' : 'labels']++
  }
  const kinds = Object.keys(counts) as LabelKind[]
  const most = kinds.reduce((best, kind) => (counts[kind] > counts[best] ? kind : best))
  // All lists are empty: examples without entities, or without labels.
  return counts[most] === 0 ? 'spans' : most
}

/** Whether a value is of this kind. An empty list fits every kind of list; a single label also fits 'labels'. */
export function isOfKind(value: LabelValue, kind: LabelKind): boolean {
  if (typeof value === 'string') return kind === 'label' || kind === 'labels'
  if (typeof value === 'boolean') return kind === 'yes or no'
  if (value.length === 0) return kind === 'labels' || kind === 'tags' || kind === 'spans'
  return isSpans(value) ? kind === 'spans' : kind === 'labels' || kind === 'tags'
}

/** The distinct labels of one example, sorted; for tags and spans the entity types. */
export function distinctLabels(value: LabelValue | undefined, kind: LabelKind): string[] {
  if (value === undefined) return []
  if (typeof value === 'string' || typeof value === 'boolean') return [String(value)]
  const all = isSpans(value) ? value.map(({ label }) => label) : value
  const types = kind === 'tags' ? all.filter((tag) => tag !== 'O').map((tag) => splitTag(tag).label) : all
  return [...new Set(types)].sort()
}
