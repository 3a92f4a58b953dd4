import { invalid } from '../base/check'
import { SentorchError } from '../base/errors'
import { takeOptions } from '../base/snapshot'

export interface ZeroDivisionOptions {
  /** What a ratio without a denominator is: precision without predictions, recall without items. 0, 1 or NaN. Defaults to 0. */
  zeroDivision?: number
}

/** As scikit-learn and seqeval when they are not told: nothing found is nothing earned. */
const ZERO_DIVISION = 0

export function zeroDivisionOf({ zeroDivision = ZERO_DIVISION }: ZeroDivisionOptions, allowed = [0, 1, NaN]): number {
  if (!allowed.includes(zeroDivision)) throw invalid('zeroDivision', `one of ${allowed.join(', ')}`, zeroDivision)
  return zeroDivision
}

/** The options of one metric: an object with no key beyond these. */
export function checkOptions<T>(what: string, options: T, keys: readonly (keyof T & string)[]): T {
  return takeOptions(what, options, keys)
}

/** Refuses gold and predicted values of different number, and none at all. */
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

/** Refuses tagged sentences that do not match in number or in words. */
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
