import { labelList, labelOf } from '../../data/labels'
import type { PreparedSet } from '../../data/prepare'
import { NO_LABEL } from '../../data/targets'
import { isIndependent, type Head } from '../../heads/definition'
import { argmax } from '../../base/probabilities'

/**
 * What one head said of the examples that have a label for it. `examples`: their places in the data; `gold` and `predicted` go with them.
 * Labels that the head does not have stay in `gold`, where no prediction equals them.
 */
export type HeadOutcome =
  | { type: 'classification'; examples: number[]; gold: string[]; predicted: string[] }
  | { type: 'multi-label'; examples: number[]; gold: string[][]; predicted: string[][] }
  /** One tag a word; words lost to truncation are predicted `O`. */
  | { type: 'token-classification'; examples: number[]; gold: string[][]; predicted: string[][] }

/** Rows [from, to) of `set`. `logits`: of these rows, or of their tokens; `base`: place of the set's first example in the data. */
export interface OutcomeSlice {
  set: PreparedSet
  from: number
  to: number
  logits: Float32Array
  base: number
}

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

  /**
   * Mean loss over labelled items: cross-entropy, or per decision of independent labels; unweighted, unsmoothed. Undefined where no item has a
   * label that the head knows.
   */
  get loss(): number | undefined {
    return this.#items === 0 ? undefined : this.#loss / this.#items
  }

  add(slice: OutcomeSlice): void {
    const { outcome } = this
    if (outcome.type === 'token-classification') return this.#addTags(outcome, slice)
    this.#addRows(outcome, slice)
  }

  #addRows(outcome: Exclude<HeadOutcome, { type: 'token-classification' }>, { set, from, to, logits, base }: OutcomeSlice): void {
    const { name, labels } = this.#head
    const known = set.labels.get(name)!
    for (let i = from; i < to; i++) {
      const gold = labelOf(set.examples[i]!, name)
      if (gold === undefined) continue
      const row = logits.subarray((i - from) * labels.length, (i - from + 1) * labels.length)
      outcome.examples.push(base + i)
      if (outcome.type === 'classification') {
        outcome.gold.push(gold as string)
        outcome.predicted.push(labels[argmax(row)]!)
        this.#addLoss(row, known[i]!)
      } else {
        outcome.gold.push([...labelList(gold, labels)])
        outcome.predicted.push(labels.filter((_, k) => row[k]! > 0))
        this.#addDecisions(row, known.subarray(i * labels.length, (i + 1) * labels.length))
      }
    }
  }

  #addTags(outcome: Extract<HeadOutcome, { type: 'token-classification' }>, { set, from, to, logits, base }: OutcomeSlice): void {
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

  #addDecisions(row: Float32Array, known: Int32Array): void {
    row.forEach((logit, k) => {
      if (known[k] === NO_LABEL) return
      this.#loss += softplus(known[k] === 1 ? -logit : logit)
      this.#items++
    })
  }
}

/** ln(1 + e^x) without overflow. */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
}
