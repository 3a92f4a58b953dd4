import { argmax, softmax } from '../base/math'
import { integerIn, invalid } from '../base/check'
import { reading } from '../base/arguments'
import { SentorchError } from '../base/errors'
import { checkOptions, checkPaired } from './scores'

export interface CalibrationOptions {
  /** Number of bins of equal width over confidences 0..1. Defaults to 15, as in Guo et al. (2017). */
  bins?: number
}

export interface CalibrationBin {
  /** Range of confidences (from, to]; the first bin includes 0. */
  from: number
  to: number
  count: number
  /** Mean confidence and share of correct predictions; both are NaN in an empty bin. */
  confidence: number
  accuracy: number
}

export interface Calibration {
  /** ECE: the mean of |accuracy − confidence| over the bins, weighted by their counts. 0..1; smaller is better. */
  expectedError: number
  /** MCE: the largest |accuracy − confidence| of any bin. */
  maximumError: number
  /** The bins, for a reliability diagram. */
  bins: CalibrationBin[]
}

const BINS = 15

/**
 * Measures whether confidences match accuracy: of predictions with confidence 0.8, 80 % should be correct. Expected calibration error of
 * Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks" (ICML 2017). `confidences`: those of the predicted labels, 0..1.
 * Throws `ERR_INVALID_ARGUMENT` for empty lists, lists of different lengths, or a confidence outside 0..1.
 */
export function calibrationError(
  confidences: ArrayLike<number>,
  correct: ArrayLike<boolean>,
  options: CalibrationOptions = {},
): Calibration {
  return reading('The arguments of calibrationError', () => {
    const { bins: number = BINS } = checkOptions('calibrationError', options, ['bins'])
    integerIn('bins', number, 1, Number.MAX_SAFE_INTEGER)
    checkPaired(confidences, correct, ['confidences', 'correct'])
    const sums = Array.from({ length: number }, () => ({ count: 0, confidence: 0, right: 0 }))
    for (let i = 0; i < confidences.length; i++) {
      const confidence = confidences[i]!
      if (!(confidence >= 0 && confidence <= 1)) throw invalid(`confidences[${i}]`, 'a number in 0..1', confidence)
      const bin = sums[binOf(confidence, number)]!
      bin.count++
      bin.confidence += confidence
      if (correct[i]) bin.right++
    }

    let [expectedError, maximumError] = [0, 0]
    const bins = sums.map(({ count, confidence, right }, i): CalibrationBin => {
      if (count > 0) {
        expectedError += Math.abs(right - confidence) / confidences.length
        maximumError = Math.max(maximumError, Math.abs(right - confidence) / count)
      }
      return { from: i / number, to: (i + 1) / number, count, confidence: confidence / count, accuracy: right / count }
    })
    return { expectedError, maximumError, bins }
  })
}

/** Multiplication may round a value across a border, so the borders themselves are compared. */
function binOf(confidence: number, bins: number): number {
  const near = Math.max(0, Math.ceil(confidence * bins) - 1)
  if (near > 0 && confidence <= near / bins) return near - 1
  return confidence > (near + 1) / bins ? near + 1 : near
}

export interface Temperature {
  /** The number to divide logits by. Above 1 means that the model was overconfident. */
  temperature: number
  /** Mean negative log-likelihood of the gold labels, at temperature 1 and at this temperature. */
  lossBefore: number
  loss: number
  /** True if the optimum lies outside 0.01..100: every label is predicted with a margin, or the predictions are no better than chance. */
  atLimit: boolean
}

const [COLDEST, HOTTEST] = [0.01, 100]

/**
 * Temperature scaling (Guo et al. 2017): finds the divisor of the logits for which confidences fit held-out data best (lowest negative
 * log-likelihood). Predictions do not change. `logits`: one row of L numbers per item; `gold`: label indices, 0..L−1. For rows of one logit
 * (a binary head, or one label of a multi-label head), gold is 0 or 1. Use data on which the model was not trained.
 * The loss is convex in 1/temperature; the result is accurate to about 1e-10, within 0.01..100.
 * Throws `ERR_INVALID_ARGUMENT` for empty lists, rows of different lengths, logits that are not finite, or gold out of range.
 */
export function fitTemperature(logits: readonly ArrayLike<number>[], gold: ArrayLike<number>): Temperature {
  return reading('The arguments of fitTemperature', () => {
    checkLogits(logits, gold)
    // Solved for b = 1 / temperature. The derivative increases with b, so its zero lies between `low` and `high`.
    let [low, high] = [1 / HOTTEST, 1 / COLDEST]
    const start = lossAt(logits, gold, 1)
    const result = (b: number, atLimit: boolean): Temperature => ({
      temperature: 1 / b,
      lossBefore: start.loss,
      loss: lossAt(logits, gold, b).loss,
      atLimit,
    })
    if (start.slope === 0) return result(1, false)
    if (lossAt(logits, gold, low).slope >= 0) return result(low, true)
    if (lossAt(logits, gold, high).slope <= 0) return result(high, true)

    let b = 1
    for (let step = 0; step < MAX_STEPS; step++) {
      const { slope, curvature } = lossAt(logits, gold, b)
      if (slope < 0) low = b
      else high = b
      const newton = b - slope / curvature
      // Newton's step if it stays within the bounds; otherwise halve the interval, on a logarithmic scale.
      const next = newton > low && newton < high ? newton : Math.sqrt(low * high)
      if (Math.abs(next - b) <= PRECISION * b) return result(next, false)
      b = next
    }
    return result(b, false)
  })
}

const PRECISION = 1e-12
/** More than bisection alone needs; ends a search that would oscillate in the last bits. */
const MAX_STEPS = 200

function checkLogits(logits: readonly ArrayLike<number>[], gold: ArrayLike<number>): void {
  checkPaired(logits, gold, ['logits', 'gold'])
  const columns = logits[0]!.length
  if (columns === 0) throw new SentorchError('ERR_INVALID_ARGUMENT', 'Expected at least one logit per item.')
  for (const [i, row] of logits.entries()) {
    if (row.length !== columns) {
      throw new SentorchError('ERR_INVALID_ARGUMENT', `Expected ${columns} logits for item ${i}, received ${row.length}.`)
    }
    for (let j = 0; j < columns; j++) if (!Number.isFinite(row[j])) throw invalid(`logits[${i}][${j}]`, 'a finite number', row[j])
    integerIn(`gold[${i}]`, gold[i], 0, Math.max(columns - 1, 1))
  }
}

/** Mean negative log-likelihood at inverse temperature b, with its first and second derivative. */
function lossAt(
  logits: readonly ArrayLike<number>[],
  gold: ArrayLike<number>,
  b: number,
): { loss: number; slope: number; curvature: number } {
  let [loss, slope, curvature] = [0, 0, 0]
  for (const [i, given] of logits.entries()) {
    const row = given.length === 1 ? [0, given[0]!] : given
    // Logits relative to the largest one prevent overflow and keep small differences precise.
    const top = row[argmax(row)]!
    let [sum, first, second] = [0, 0, 0]
    for (let j = 0; j < row.length; j++) {
      const z = row[j]! - top
      const weight = Math.exp(b * z)
      sum += weight
      first += weight * z
      second += weight * z * z
    }
    const expected = first / sum
    const z = row[gold[i]!]! - top
    loss += Math.log(sum) - b * z
    slope += expected - z
    curvature += second / sum - expected * expected
  }
  return { loss: loss / logits.length, slope: slope / logits.length, curvature: curvature / logits.length }
}

/** Softmax of one row of logits at a temperature; for a single logit its sigmoid. Float64 values that sum to 1. */
export function probabilities(logits: ArrayLike<number>, temperature = 1): Float64Array {
  return reading('The arguments of probabilities', () => {
    if (!(temperature > 0 && temperature < Infinity)) throw invalid('temperature', 'a positive number', temperature)
    if (logits.length === 1) return Float64Array.of(1 / (1 + Math.exp(-logits[0]! / temperature)))
    return softmax(logits, temperature)
  })
}
