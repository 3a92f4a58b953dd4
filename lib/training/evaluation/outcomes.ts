import type { Example } from '../../data/example'
import type { PreparedSet } from '../../data/targets'
import type { Head, HeadName, HeadOf, HeadTypes, NoHeads } from '../../heads/definition'
import type { Gold, HeadMetrics, HeadOutcome, JudgedExample, MetricsOf, OutcomeOf } from '../../heads/kind'
import { kindOf } from '../../heads/kinds'
import { frameAccuracy } from '../../metrics'

/** Rows [from, to) of `set`. `logits`: of these rows, or of their tokens; `base`: index of the set's first example in the whole data. */
export interface OutcomeSlice {
  set: PreparedSet
  from: number
  to: number
  logits: Float32Array
  base: number
}

/** One example as a head judged it, with everything that a detailed look needs. The arrays are valid only during the call. */
export interface JudgedRow {
  head: Head
  /** Index in the whole data, and in its set. */
  example: number
  row: number
  set: PreparedSet
  predicted: Gold
  /** Mean loss over the example's items; undefined without a label that the head knows. */
  loss: number | undefined
  judged: JudgedExample<Gold>
}

/** Collects the losses and predictions of one head over slices of the data. */
export class OutcomeCollector {
  readonly head: Head
  readonly #examples: number[] = []
  readonly #gold: Gold[] = []
  readonly #predicted: Gold[] = []
  readonly #onRow: ((row: JudgedRow) => void) | undefined
  #loss = 0
  #items = 0

  constructor(head: Head, onRow?: (row: JudgedRow) => void) {
    this.head = head
    this.#onRow = onRow
  }

  get outcome(): HeadOutcome {
    const { outcome: type } = kindOf(this.head)
    return { type, examples: this.#examples, gold: this.#gold, predicted: this.#predicted } as HeadOutcome
  }

  get metrics(): HeadMetrics {
    const kind = kindOf(this.head)
    const { loss } = this
    const shared = { type: this.head.type, ...(loss !== undefined && { loss }), examples: this.#examples.length }
    return { ...shared, ...kind.metrics(this.head, this.#gold, this.#predicted) } as HeadMetrics
  }

  /**
   * Mean loss over labelled items, unweighted and unsmoothed. An item is a text or word, or for independent labels one label of a text.
   * Undefined if no item has a label that the head knows.
   */
  get loss(): number | undefined {
    return this.#items === 0 ? undefined : this.#loss / this.#items
  }

  add({ set, from, to, logits, base }: OutcomeSlice): void {
    const { head } = this
    const kind = kindOf(head)
    const width = head.labels.length
    const targets = set.labels.get(head.name)!
    const size = kind.targetSize(head)
    const addLoss = (loss: number) => {
      this.#loss += loss
      this.#items++
    }
    for (let i = from; i < to; i++) {
      const gold = set.gold(head.name, i)
      if (gold === undefined) continue
      const [first, start, end] = kind.perToken ? [set.offsets[from]!, set.offsets[i]!, set.offsets[i + 1]!] : [from, i, i + 1]
      const example = {
        gold,
        logits: logits.subarray((start - first) * width, (end - first) * width),
        targets: targets.subarray(start * size, end * size),
        wordOfToken: set.wordOfToken.subarray(set.offsets[i], set.offsets[i + 1]),
      }
      this.#examples.push(base + i)
      this.#gold.push(gold)
      const [lossBefore, itemsBefore] = [this.#loss, this.#items]
      const predicted = kind.judge(head, example, addLoss)
      this.#predicted.push(predicted)
      const items = this.#items - itemsBefore
      const loss = items === 0 ? undefined : (this.#loss - lossBefore) / items
      this.#onRow?.({ head, example: base + i, row: i, set, predicted, loss, judged: example })
    }
  }
}

/**
 * Share of examples for which all heads are completely correct, in labels and in tags. Only examples that have both count; undefined if no
 * example has both.
 */
export function frameAccuracyOf(collectors: readonly Pick<OutcomeCollector, 'head' | 'outcome'>[]): number | undefined {
  const frames = new Map<number, { classes: [string, string][]; tags: [string[], string[]][] }>()
  for (const { head, outcome } of collectors) {
    const { perToken } = kindOf(head)
    outcome.examples.forEach((example, i) => {
      const frame = frames.get(example) ?? { classes: [], tags: [] }
      frames.set(example, frame)
      const [gold, predicted] = [outcome.gold[i]!, outcome.predicted[i]!]
      if (perToken) frame.tags.push([[...gold], [...predicted]])
      else frame.classes.push([nameOf(gold), nameOf(predicted)])
    })
  }
  const whole = [...frames.values()].filter(({ classes, tags }) => classes.length > 0 && tags.length > 0)
  if (whole.length === 0) return undefined
  return frameAccuracy(
    whole.map(({ classes }) => JSON.stringify(classes.map(([gold]) => gold))),
    whole.map(({ classes }) => JSON.stringify(classes.map(([, predicted]) => predicted))),
    whole.map(({ tags }) => tags.flatMap(([gold]) => gold)),
    whole.map(({ tags }) => tags.flatMap(([, predicted]) => predicted)),
  )
}

function nameOf(labels: string | readonly string[]): string {
  return typeof labels === 'string' ? labels : JSON.stringify([...labels].sort())
}

/** How well a model predicts labelled data. `H`: the heads that the compiler knows; `M`: the names of custom metrics. */
export interface Evaluation<H extends HeadTypes = NoHeads, M extends string = string> {
  /** Σ weight · loss over the trained heads that have a loss; absent if none has. */
  loss?: number
  /** Mean loss of each head over labelled items, unweighted and unsmoothed. Unknown labels are left out, and so are heads without known labels. */
  losses: { [N in HeadName<H>]: number }
  /** Metrics of each head; heads without labelled examples are left out. */
  metrics: { [N in HeadName<H>]: MetricsOf<HeadOf<H, N>> }
  /** Share of examples that are completely correct, among those with labels for both a classification and a token-classification head. */
  frameAccuracy?: number
  /** Mean over the heads, weighted by `scoreWeights`, of accuracy (multi-label: micro F1; token classification: entity F1). */
  score: number
  /** Results of the functions in the option `metrics`, by name. */
  custom: Record<M, number>
  examples: number
  tokens: number
  /** Number of truncated examples: the words that they lose count as `O`. */
  truncated: number
  seconds: number
}

/** The argument of the functions in `metrics`. */
export interface Outcome<H extends HeadTypes = NoHeads> {
  examples: readonly Example[]
  /** By head; heads without labelled examples are left out. */
  heads: { readonly [N in HeadName<H>]: OutcomeOf<HeadOf<H, N>> }
}

/** Each function returns a number or a promise of one. It can be watched by its name. */
export type CustomMetrics<M extends string = string, H extends HeadTypes = NoHeads> = {
  readonly [N in M]: (outcome: Outcome<H>) => number | Promise<number>
}
