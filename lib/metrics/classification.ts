import { SentorchError } from '../base/errors'
import { reading } from '../base/arguments'
import {
  averagesOver,
  checkOptions,
  checkPaired,
  ratio,
  scoreLabels,
  zeroDivisionOf,
  type Averages,
  type Convention,
  type Counts,
  type LabelScores,
  type Scores,
  type ZeroDivisionOptions,
} from './scores'

/** The name or the index of a label. */
export type Label = string | number

export interface ReportOptions<L> extends ZeroDivisionOptions {
  /** The labels to report, in this order. Defaults to all labels in gold or predicted, sorted. */
  labels?: readonly L[]
}

export interface ClassificationReport<L> extends Averages {
  /** Counts over all items, regardless of label. */
  accuracy: number
  /** Whether `labels` contains every gold and predicted label; precision, recall and F1 of `micro` then equal `accuracy`. */
  isComplete: boolean
  labels: LabelScores<L>[]
}

export interface MultiLabelReport<L> extends Averages {
  /** Share of items whose set of labels is exactly right. */
  exactMatch: number
  /** Mean over items of the scores of one item's set of labels: scikit-learn's average 'samples'. `support` is that of all labels together. */
  samples: Scores
  labels: LabelScores<L>[]
}

export interface ConfusionMatrix<L> {
  labels: L[]
  /** `counts[i][j]`: number of items with label i that were predicted as label j. */
  counts: number[][]
}

/** Share of items whose label is right, 0..1. Throws `ERR_INVALID_ARGUMENT` for empty lists or lists of different lengths. */
export function accuracy<L extends Label>(gold: ArrayLike<L>, predicted: ArrayLike<L>): number {
  return reading('The arguments of accuracy', () => {
    checkPaired(gold, predicted)
    let right = 0
    for (let i = 0; i < gold.length; i++) if (gold[i] === predicted[i]) right++
    return right / gold.length
  })
}

/**
 * Precision, recall, F1 and support of each label and their averages, with one label per item. Equal to scikit-learn 1.9's
 * `precision_recall_fscore_support`, including zero division. Throws `ERR_INVALID_ARGUMENT` for empty lists or lists of different lengths.
 */
export function classificationReport<L extends Label>(
  gold: ArrayLike<L>,
  predicted: ArrayLike<L>,
  options: ReportOptions<L> = {},
): ClassificationReport<L> {
  return reading('The arguments of classificationReport', () => {
    const { labels, zeroDivision } = resolve('classificationReport', options)
    const share = accuracy(gold, predicted)
    const counts = new LabelCounts(labels)
    for (let i = 0; i < gold.length; i++) counts.add(gold[i]!, predicted[i]!)
    const isComplete = !labels || [gold, predicted].every((list) => Array.from(list).every((label) => labels.includes(label)))
    return { accuracy: share, isComplete, ...scoreLabels(counts.list(), zeroDivision, SCIKIT_LEARN) }
  })
}

/**
 * As `classificationReport`, for items with any number of labels in any order. Equal to scikit-learn on indicator matrices.
 * Pass the labels of the head as `labels`: scikit-learn's macro average includes labels that never occur.
 */
export function multiLabelReport<L extends Label>(
  gold: readonly (readonly L[])[],
  predicted: readonly (readonly L[])[],
  options: ReportOptions<L> = {},
): MultiLabelReport<L> {
  return reading('The arguments of multiLabelReport', () => {
    const { labels, zeroDivision } = resolve('multiLabelReport', options)
    checkPaired(gold, predicted)
    const counts = new LabelCounts(labels)
    const items: Scores[] = []
    let exact = 0
    for (const [i, list] of gold.entries()) {
      const there = new Set(list)
      const taken = new Set(predicted[i])
      const both = [...there].filter((label) => taken.has(label))
      for (const label of both) counts.add(label, label)
      for (const label of there) if (!taken.has(label)) counts.add(label, undefined)
      for (const label of taken) if (!there.has(label)) counts.add(undefined, label)
      if (both.length === there.size && both.length === taken.size) exact++
      items.push(scoresOfSet(both, there, taken, labels, zeroDivision))
    }
    const scores = scoreLabels(counts.list(), zeroDivision, SCIKIT_LEARN)
    const samples = { ...averagesOver(items, zeroDivision).macro, support: scores.micro.support }
    return { exactMatch: exact / gold.length, samples, ...scores }
  })
}

/** Counts how often each label was predicted as each other. With `labels`, items whose gold or predicted label is not listed are skipped. */
export function confusionMatrix<L extends Label>(
  gold: ArrayLike<L>,
  predicted: ArrayLike<L>,
  options: Pick<ReportOptions<L>, 'labels'> = {},
): ConfusionMatrix<L> {
  return reading('The arguments of confusionMatrix', () => {
    checkOptions('confusionMatrix', options, ['labels'])
    checkPaired(gold, predicted)
    const labels = options.labels ? unique(options.labels) : sorted(new Set([...Array.from(gold), ...Array.from(predicted)]))
    const places = new Map(labels.map((label, i) => [label, i]))
    const counts = labels.map(() => new Array<number>(labels.length).fill(0))
    for (let i = 0; i < gold.length; i++) {
      const row = places.get(gold[i]!)
      const column = places.get(predicted[i]!)
      if (row !== undefined && column !== undefined) counts[row]![column]!++
    }
    return { labels, counts }
  })
}

/** The scores of one item, whose labels are those `there`, of which `both` were predicted among those `taken`. */
function scoresOfSet<L>(
  both: readonly L[],
  there: ReadonlySet<L>,
  taken: ReadonlySet<L>,
  labels: readonly L[] | undefined,
  zeroDivision: number,
): Scores {
  const count = (set: Iterable<L>) => [...set].filter((label) => !labels || labels.includes(label)).length
  const counts = { correct: count(both), predicted: count(taken), gold: count(there) }
  const precision = ratio(counts.correct, counts.predicted, zeroDivision)
  const recall = ratio(counts.correct, counts.gold, zeroDivision)
  return { precision, recall, f1: SCIKIT_LEARN.f1(counts, precision, recall, zeroDivision), support: counts.gold }
}

const SCIKIT_LEARN: Convention = {
  f1: ({ correct, predicted, gold }, _precision, _recall, zeroDivision) => ratio(2 * correct, gold + predicted, zeroDivision),
}

function resolve<L extends Label>(what: string, options: ReportOptions<L>): { labels: L[] | undefined; zeroDivision: number } {
  const { labels } = checkOptions(what, options, ['labels', 'zeroDivision'])
  return { labels: labels && unique(labels), zeroDivision: zeroDivisionOf(options) }
}

function unique<L extends Label>(labels: readonly L[]): L[] {
  if (labels.length === 0) throw new SentorchError('ERR_INVALID_ARGUMENT', 'Expected at least one label in labels.')
  const twice = labels.find((label, i) => labels.indexOf(label) !== i)
  if (twice !== undefined) throw new SentorchError('ERR_INVALID_ARGUMENT', `Label ${JSON.stringify(twice)} occurs twice in labels.`)
  return [...labels]
}

function sorted<L extends Label>(labels: Iterable<L>): L[] {
  return [...labels].sort((a, b) => (a < b ? -1 : 1))
}

/** The counts of each label: of the given labels in their order, or of all labels, sorted. */
class LabelCounts<L extends Label> {
  private readonly counts = new Map<L, Counts<L>>()
  private readonly open: boolean

  constructor(labels: readonly L[] | undefined) {
    this.open = labels === undefined
    for (const label of labels ?? []) this.counts.set(label, { label, correct: 0, predicted: 0, gold: 0 })
  }

  /** Adds one item: its gold label and its predicted label. */
  add(gold: L | undefined, predicted: L | undefined): void {
    const there = this.of(gold)
    const taken = this.of(predicted)
    if (there) there.gold++
    if (taken) taken.predicted++
    if (there && there === taken) there.correct++
  }

  list(): Counts<L>[] {
    return this.open ? sorted(this.counts.keys()).map((label) => this.counts.get(label)!) : [...this.counts.values()]
  }

  private of(label: L | undefined): Counts<L> | undefined {
    if (label === undefined) return undefined
    if (this.open && !this.counts.has(label)) this.counts.set(label, { label, correct: 0, predicted: 0, gold: 0 })
    return this.counts.get(label)
  }
}
