export interface Tolerance {
  /** Largest allowed absolute difference of two elements. */
  atol: number
  /** Elements of one row, to name the worst element by row and column. */
  columns?: number
}

/** Elementwise |actual − expected| ≤ atol; the error names the worst element. Anything not finite is a failure. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, { atol, columns }: Tolerance): void {
  if (actual.length !== expected.length) throw new Error(`Expected ${expected.length} numbers, received ${actual.length}`)
  let worst = -1
  let worstDifference = -1
  let wrong = 0
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!)
    // Written so that NaN counts as wrong and as worst.
    if (difference <= atol) continue
    wrong++
    if (!(difference <= worstDifference)) [worst, worstDifference] = [i, Number.isNaN(difference) ? Infinity : difference]
  }
  if (wrong === 0) return
  const place = columns ? `row ${Math.floor(worst / columns)}, column ${worst % columns}` : `element ${worst}`
  throw new Error(
    `${wrong} of ${actual.length} numbers differ by more than ${atol}; the worst is ${place}: ` +
      `received ${actual[worst]}, expected ${expected[worst]} (difference ${worstDifference.toExponential(2)})`,
  )
}

/** Cosine of two vectors, in float64. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!
    aa += a[i]! * a[i]!
    bb += b[i]! * b[i]!
  }
  return ab / Math.sqrt(aa * bb)
}
