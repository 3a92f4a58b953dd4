import type { LabelValue } from '../data/example'
import { labelOf } from '../data/labels'
import type { PreparedSet } from '../data/prepare'
import { isIndependent, type Head } from '../heads/definition'
import { NO_LABEL } from './corpus'

/**
 * What one head said of the examples that have a label for it. `examples`: their places in the data; `gold` and `predicted` go with them.
 * Labels that the head does not have stay in `gold`, where no prediction equals them.
 */
export type HeadOutcome =
  | { type: 'classification'; examples: number[]; gold: string[]; predicted: string[] }
  | { type: 'multi-label'; examples: number[]; gold: string[][]; predicted: string[][] }
  /** One tag a word; words lost to truncation are predicted `O`. */
  | { type: 'token-classification'; examples: number[]; gold: string[][]; predicted: string[][] }

/** Adds up one head's losses and predictions over slices of a data set. */
export class OutcomeCollector {
  readonly outcome: HeadOutcome
  readonly #head: Head
  #loss = 0
  #items = 0

  constructor(head: Head) {
    this.#head = head
    const type = head.type === 'classification' && isIndependent(head) ? 'multi-label' : head.type
    this.outcome = { type, examples: [], gold: [], predicted: [] }
  }

  /** Mean loss over labelled items: cross-entropy, or per decision of independent labels; unweighted, unsmoothed; 0 where there are none. */
  get loss(): number {
    return this.#items === 0 ? 0 : this.#loss / this.#items
  }

  /** Rows [from, to) of `set`. `logits`: of these rows, or of their tokens; `base`: place of the set's first example in the data. */
  add(set: PreparedSet, from: number, to: number, logits: Float32Array, base: number): void {
    switch (this.outcome.type) {
      case 'classification':
        return this.#addClasses(this.outcome, set, from, to, logits, base)
      case 'multi-label':
        return this.#addSets(this.outcome, set, from, to, logits, base)
      case 'token-classification':
        return this.#addTags(this.outcome, set, from, to, logits, base)
    }
  }

  #addClasses(
    outcome: Extract<HeadOutcome, { type: 'classification' }>,
    set: PreparedSet,
    from: number,
    to: number,
    logits: Float32Array,
    base: number,
  ): void {
    const { name, labels } = this.#head
    const known = set.labels.get(name)!
    for (let i = from; i < to; i++) {
      const gold = labelOf(set.examples[i]!, name) as string | undefined
      if (gold === undefined) continue
      const row = logits.subarray((i - from) * labels.length, (i - from + 1) * labels.length)
      outcome.examples.push(base + i)
      outcome.gold.push(gold)
      outcome.predicted.push(labels[argmax(row)]!)
      this.#addLoss(row, known[i]!)
    }
  }

  #addSets(
    outcome: Extract<HeadOutcome, { type: 'multi-label' }>,
    set: PreparedSet,
    from: number,
    to: number,
    logits: Float32Array,
    base: number,
  ): void {
    const { name, labels } = this.#head
    const known = set.labels.get(name)!
    for (let i = from; i < to; i++) {
      const gold = labelsOf(labelOf(set.examples[i]!, name), labels)
      if (gold === undefined) continue
      const row = logits.subarray((i - from) * labels.length, (i - from + 1) * labels.length)
      outcome.examples.push(base + i)
      outcome.gold.push(gold)
      outcome.predicted.push(labels.filter((_, k) => row[k]! > 0))
      row.forEach((logit, k) => {
        const target = known[i * labels.length + k]!
        if (target === NO_LABEL) return
        this.#loss += softplus(target === 1 ? -logit : logit)
        this.#items++
      })
    }
  }

  #addTags(
    outcome: Extract<HeadOutcome, { type: 'token-classification' }>,
    set: PreparedSet,
    from: number,
    to: number,
    logits: Float32Array,
    base: number,
  ): void {
    const { name, labels } = this.#head
    const known = set.labels.get(name)!
    const first = set.offsets[from]!
    for (let i = from; i < to; i++) {
      const gold = set.goldTags(name, i)
      if (gold === undefined) continue
      const predicted = new Array<string>(gold.length).fill('O')
      let last = -1
      for (let token = set.offsets[i]!; token < set.offsets[i + 1]!; token++) {
        const word = set.wordOfToken[token]!
        // As the labels lie: on the first token of each word.
        if (word <= last) continue
        last = word
        const row = logits.subarray((token - first) * labels.length, (token - first + 1) * labels.length)
        predicted[word] = labels[argmax(row)]!
        this.#addLoss(row, known[token]!)
      }
      outcome.examples.push(base + i)
      outcome.gold.push(gold)
      outcome.predicted.push(predicted)
    }
  }

  #addLoss(row: Float32Array, label: number): void {
    if (label === NO_LABEL) return
    const top = row[argmax(row)]!
    const sum = row.reduce((total, logit) => total + Math.exp(logit - top), 0)
    this.#loss += top + Math.log(sum) - row[label]!
    this.#items++
  }
}

/** The labels of a multi-label or binary head; yes is the one label of a binary head, no is none. */
function labelsOf(value: LabelValue | undefined, labels: readonly string[]): string[] | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'boolean') return value ? [labels[0]!] : []
  return typeof value === 'string' ? [value] : [...(value as string[])]
}

export function argmax(row: Float32Array): number {
  let best = 0
  for (let k = 1; k < row.length; k++) if (row[k]! > row[best]!) best = k
  return best
}

/** ln(1 + e^x) without overflow. */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
}
