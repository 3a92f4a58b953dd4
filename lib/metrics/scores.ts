import { takeOptions } from '../base/arguments'
import { invalid } from '../base/check'
import { SentorchError } from '../base/errors'

/** The scores of a set of labels, each in 0..1. */
export interface Scores {
  /** Share of the predicted items that are correct. */
  precision: number
  /** Share of the gold items that were predicted. */
  recall: number
  f1: number
  /** Number of gold items. */
  support: number
}

export interface LabelScores<L> extends Scores {
  label: L
}

export interface Averages {
  /** Computed from the total counts. */
  micro: Scores
  /** Mean over labels. */
  macro: Scores
  /** Mean over labels, weighted by support. */
  weighted: Scores
}

/** Counts of one label: correctly predicted, predicted, gold. */
export interface Counts<L> {
  label: L
  correct: number
  predicted: number
  gold: number
}

/** Differences between scikit-learn and seqeval in the last digit and in corner cases. */
export interface Convention {
  f1(counts: Omit<Counts<unknown>, 'label'>, precision: number, recall: number, zeroDivision: number): number
  /** Weighted averages if no label has any support. Defaults to the mean over labels. */
  unsupported?(predicted: number, zeroDivision: number): Omit<Scores, 'support'>
}

export function scoreLabels<L>(
  counts: readonly Counts<L>[],
  zeroDivision: number,
  convention: Convention,
): { labels: LabelScores<L>[] } & Averages {
  const score = (c: Omit<Counts<L>, 'label'>): Scores => {
    const precision = ratio(c.correct, c.predicted, zeroDivision)
    const recall = ratio(c.correct, c.gold, zeroDivision)
    return { precision, recall, f1: convention.f1(c, precision, recall, zeroDivision), support: c.gold }
  }
  const labels = counts.map(({ label, ...rest }) => ({ label, ...score(rest) }))
  const total = { correct: 0, predicted: 0, gold: 0 }
  for (const { correct, predicted, gold } of counts) {
    total.correct += correct
    total.predicted += predicted
    total.gold += gold
  }

  const support = total.gold
  const { macro, weighted } = averagesOver(labels, zeroDivision)
  const unsupported = support === 0 ? convention.unsupported?.(total.predicted, zeroDivision) : undefined
  return { labels, micro: score(total), macro, weighted: unsupported ? { ...unsupported, support } : weighted }
}

/** Macro and weighted averages of scores per label. `empty`: the macro average if no label has a score. */
export function averagesOver(labels: readonly Scores[], empty = ZERO_DIVISION): Pick<Averages, 'macro' | 'weighted'> {
  const weights = labels.map((label) => label.support)
  const support = weights.reduce((sum, n) => sum + n, 0)
  const over = (average: (values: number[]) => number): Scores => ({
    precision: average(labels.map((label) => label.precision)),
    recall: average(labels.map((label) => label.recall)),
    f1: average(labels.map((label) => label.f1)),
    support,
  })
  return { macro: over((values) => mean(values, empty)), weighted: over((values) => weightedMean(values, weights)) }
}

export function ratio(numerator: number, denominator: number, zeroDivision: number): number {
  return denominator === 0 ? zeroDivision : numerator / denominator
}

/** The mean of the values that are not NaN, or `empty` if there are none. */
function mean(values: readonly number[], empty: number): number {
  if (values.length === 0) return empty
  const known = values.filter((value) => !Number.isNaN(value))
  // NaN is added as 0, to keep the order of the summation.
  return pairwiseSum(values.map((value) => (Number.isNaN(value) ? 0 : value))) / known.length
}

/** The weighted mean, or the plain mean if all weights are 0. */
function weightedMean(values: readonly number[], weights: readonly number[]): number {
  const known = values.map((_, i) => i).filter((i) => !Number.isNaN(values[i]))
  const total = pairwiseSum(known.map((i) => weights[i]!))
  if (total === 0) return pairwiseSum(known.map((i) => values[i]!)) / known.length
  return pairwiseSum(known.map((i) => values[i]! * weights[i]!)) / total
}

/** Sums in NumPy's order (blocks of 128, eight accumulators), so that means equal Python's to the last digit. */
function pairwiseSum(values: readonly number[]): number {
  const n = values.length
  if (n < 8) return values.reduce((sum, value) => sum + value, 0)
  if (n > 128) {
    const half = Math.floor(n / 2)
    const cut = half - (half % 8)
    return pairwiseSum(values.slice(0, cut)) + pairwiseSum(values.slice(cut))
  }
  const r = values.slice(0, 8)
  const whole = n - (n % 8)
  for (let i = 8; i < whole; i++) r[i % 8]! += values[i]!
  const sum = r[0]! + r[1]! + (r[2]! + r[3]!) + (r[4]! + r[5]! + (r[6]! + r[7]!))
  return values.slice(whole).reduce((rest, value) => rest + value, sum)
}

export interface ZeroDivisionOptions {
  /** Value of a ratio with denominator 0: precision without predictions, recall without items. 0, 1 or NaN. Defaults to 0. */
  zeroDivision?: number
}

/** Defaults to 0, as in scikit-learn and seqeval. */
const ZERO_DIVISION = 0

export function zeroDivisionOf({ zeroDivision = ZERO_DIVISION }: ZeroDivisionOptions, allowed = [0, 1, NaN]): number {
  if (!allowed.includes(zeroDivision)) throw invalid('zeroDivision', `one of ${allowed.join(', ')}`, zeroDivision)
  return zeroDivision
}

/** Checks the options of a metric and rejects unknown keys. */
export function checkOptions<T>(what: string, options: T, keys: readonly (keyof T & string)[]): T {
  return takeOptions(what, options, keys)
}

/** Throws if the numbers of gold and predicted values differ, or if both are empty. */
export function checkPaired(
  gold: ArrayLike<unknown>,
  predicted: ArrayLike<unknown>,
  names: readonly [string, string] = ['gold', 'predicted'],
): void {
  const [first, second] = names
  if (typeof gold?.length !== 'number') throw invalid(first, 'an array', gold)
  if (typeof predicted?.length !== 'number') throw invalid(second, 'an array', predicted)
  if (gold.length === 0) throw new SentorchError('ERR_INVALID_ARGUMENT', `Expected at least one item in ${first}.`)
  if (gold.length === predicted.length) return
  throw new SentorchError(
    'ERR_INVALID_ARGUMENT',
    `Expected as many items in ${second} as in ${first} (${gold.length}), received ${predicted.length}.`,
  )
}

/** Throws if the numbers of sentences or of their tags differ. */
export function checkTagged(gold: readonly (readonly string[])[], predicted: readonly (readonly string[])[]): void {
  checkPaired(gold, predicted, ['gold tags', 'predicted tags'])
  for (const [i, tags] of gold.entries()) {
    const received = predicted[i]!.length
    if (tags.length === received) continue
    throw new SentorchError('ERR_INVALID_ARGUMENT', `Expected ${tags.length} predicted tags for sentence ${i}, received ${received}.`, {
      detail: { sentence: i },
    })
  }
}
