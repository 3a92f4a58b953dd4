import { describe } from '../base/check'
import { isIndependent, type Head } from '../heads/definition'
import type { Alignment } from './align'
import type { Example, LabelValue, Span } from './example'
import { badExample, inOrder, isSpans } from './examples'
import { FlatIntegers } from './flat'
import { labelList, labelOf } from './labels'
import { schemeOfLabels, tagsOf, type Scheme } from '../tags/schemes'

/** What the loss leaves out: PyTorch's `ignore_index`. */
export const NO_LABEL = -100

/** One example on its way into a head's labels. `what` names it in messages. */
export interface LabelledRow {
  example: Example
  what: () => string
  /** `wordOfToken` cut to the tokens of the row. */
  alignment: Alignment
}

/** The labels of one head, example by example, as the native side takes them. */
export interface Targets {
  add(row: LabelledRow): void
  finish(): Int32Array
  /** Entities that got no word. */
  readonly entitiesLost: number
}

/** Labels that a head does not have: 'refuse' them with ERR_DATA, or 'ignore' them. */
export type UnknownLabels = 'refuse' | 'ignore'

export function targetsOf(head: Head, unknown: UnknownLabels): Targets {
  return head.type === 'token-classification' ? new TagTargets(head, unknown) : new ClassTargets(head, unknown)
}

/** What both kinds share: the numbers of the labels, and those of the examples so far. */
class LabelValues {
  protected readonly head: Head
  protected readonly values = new FlatIntegers()
  readonly #ids: ReadonlyMap<string, number>
  readonly #unknown: UnknownLabels

  constructor(head: Head, unknown: UnknownLabels) {
    this.head = head
    this.#ids = new Map(head.labels.map((label, i) => [label, i]))
    this.#unknown = unknown
  }

  finish(): Int32Array {
    return this.values.finish()
  }

  /** −100 for a label to ignore. */
  protected idOf(label: string, what: () => string): number {
    const id = this.#ids.get(label)
    if (id !== undefined) return id
    if (this.#unknown === 'ignore') return NO_LABEL
    const { name, labels } = this.head
    const some = labels.length > 12 ? `${labels.slice(0, 12).join(', ')} … (${labels.length})` : labels.join(', ')
    throw badExample(what(), `${describe(label)} is none of the labels of head '${name}': ${some}.`, { head: name, label })
  }
}

/** [examples], or for logits on their own [examples, labels] of 0 and 1. */
class ClassTargets extends LabelValues implements Targets {
  readonly entitiesLost = 0

  add({ example, what }: LabelledRow): void {
    const { name, labels } = this.head
    const value = labelOf(example, name)
    if (isIndependent(this.head)) {
      const row = this.values.extend(labels.length, value === undefined ? NO_LABEL : 0)
      for (const label of this.#several(value, what)) {
        const id = this.idOf(label, what)
        if (id >= 0) row[id] = 1
      }
      return
    }
    if (value !== undefined && typeof value !== 'string') {
      throw badExample(what(), `head '${name}' takes one label, but labels.${name} is ${shapeOf(value)}.`, { head: name })
    }
    this.values.extend(1, value === undefined ? NO_LABEL : this.idOf(value, what))
  }

  #several(value: LabelValue | undefined, what: () => string): readonly string[] {
    const { name, labels } = this.head
    if (value === undefined) return []
    if ((typeof value === 'boolean' && labels.length > 1) || isSpans(value)) {
      const wanted = labels.length === 1 ? 'true or false, a label or a list of labels' : 'a label or a list of labels'
      throw badExample(what(), `head '${name}' takes ${wanted}, but labels.${name} is ${shapeOf(value)}.`, { head: name })
    }
    return labelList(value, labels)
  }
}

/** [tokens]: the tag of each word on its first token. */
class TagTargets extends LabelValues implements Targets {
  entitiesLost = 0

  add({ example, what, alignment: { words, wordOfToken } }: LabelledRow): void {
    const labels = this.values.extend(wordOfToken.length, NO_LABEL)
    const found = tagsOfExample(example, this.head, words, what)
    if (!found) return
    this.entitiesLost += found.lost
    // Every tag is looked at, also of words behind the cut: what is refused must not hang on the limit.
    const ids = found.tags.map((tag) => this.idOf(tag, what))
    let last = -1
    wordOfToken.forEach((word, token) => {
      if (word <= last) return
      last = word
      labels[token] = ids[word]!
    })
  }
}

/**
 * One tag a word for a tag head; undefined where the example has none. Entities given as spans are written in the scheme of the head's labels.
 * Throws ERR_DATA for labels of another shape.
 */
export function tagsOfExample(
  example: Example,
  head: Head,
  words: Int32Array,
  what: () => string,
): { tags: string[]; lost: number } | undefined {
  const value = labelOf(example, head.name)
  if (value === undefined) return undefined
  if (typeof value === 'string' || typeof value === 'boolean') {
    throw badExample(what(), `head '${head.name}' takes entities or one tag a word, but labels.${head.name} is ${shapeOf(value)}.`, {
      head: head.name,
    })
  }
  if (value.length === 0 || isSpans(value)) return tagsOfSpans(value as readonly Span[], words, schemeOfLabels(head.labels))
  const tags = value
  if (example.words === undefined) {
    throw badExample(what(), `labels.${head.name} has one tag a word, but the example has no 'words'.`, { head: head.name })
  }
  if (tags.length !== example.words.length) {
    throw badExample(what(), `labels.${head.name} has ${tags.length} tags for ${example.words.length} words.`, { head: head.name })
  }
  return { tags: [...tags], lost: 0 }
}

/**
 * One tag a word: an entity has all words that it touches, but a word has one tag: it stays with the entity that begins first, and the next
 * begins behind it. `lost`: entities without a word. Without a scheme the tags are the labels themselves.
 */
export function tagsOfSpans(spans: readonly Span[], words: Int32Array, scheme: Scheme | undefined): { tags: string[]; lost: number } {
  const count = words.length / 2
  const entities = []
  let word = 0
  for (const { start, end, label } of inOrder(spans)) {
    while (word < count && words[2 * word + 1]! <= start) word++
    const first = word
    while (word < count && words[2 * word]! < end) word++
    if (word > first) entities.push({ label, start: first, end: word })
  }
  const lost = spans.length - entities.length
  if (scheme !== undefined) return { tags: tagsOf(entities, count, scheme), lost }
  const tags = new Array<string>(count).fill('O')
  for (const { label, start, end } of entities) tags.fill(label, start, end)
  return { tags, lost }
}

function shapeOf(value: LabelValue): string {
  if (isSpans(value)) return 'a list of entities'
  return typeof value === 'object' ? 'a list of labels' : describe(value)
}
