import { permutation, randomKey, shuffle, type RandomKey } from '../../base/math'

/** One data set in the corpus: rows start … start + count, at least one. */
export interface PlanSet {
  start: number
  count: number
}

/** Names the use of a key, so that no two draws of an epoch share one. */
const DRAW = { rows: 0, batches: 1, mix: 2 } as const

/** The keys of one epoch. */
export function epochKey(seed: number, epoch: number, draw: keyof typeof DRAW, ...path: readonly number[]): RandomKey {
  return randomKey(seed, epoch, DRAW[draw], ...path)
}

/**
 * Examples of each set in an epoch of as many examples as there are: in proportion to n^(1/temperature), by largest remainders.
 * Temperature 1: every example once.
 */
export function quotas(counts: readonly number[], temperature: number): number[] {
  const total = counts.reduce((sum, n) => sum + n, 0)
  // Relative to the largest set: a power of a large count would overflow at a low temperature.
  const largest = Math.max(...counts)
  const weights = counts.map((n) => (n / largest) ** (1 / temperature))
  const weight = weights.reduce((sum, w) => sum + w, 0)
  const exact = weights.map((w) => (total * w) / weight)
  const result = exact.map(Math.floor)
  const left = total - result.reduce((sum, n) => sum + n, 0)
  const byRemainder = exact.map((_, i) => i).sort((a, b) => exact[b]! - result[b]! - (exact[a]! - result[a]!))
  for (const i of byRemainder.slice(0, left)) result[i]!++
  return result
}

/** All rows of a set in the order of one pass of an epoch. */
export function passOf({ start, count }: PlanSet, seed: number, epoch: number, set: number, pass: number): Int32Array {
  return permutation(count, epochKey(seed, epoch, 'rows', set, pass)).map((row) => row + start)
}

/** `quota` rows of a set: pass behind pass, so that no row is drawn twice more than another. */
export function drawRows(set: PlanSet, quota: number, seed: number, epoch: number, index: number): Int32Array {
  const rows = new Int32Array(quota)
  for (let drawn = 0, pass = 0; drawn < quota; drawn += set.count, pass++) {
    rows.set(passOf(set, seed, epoch, index, pass).subarray(0, quota - drawn), drawn)
  }
  return rows
}

/** One pool of the rows of several sets. */
export function pool(parts: readonly Int32Array[], key: RandomKey): Int32Array {
  const rows = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    rows.set(part, at)
    at += part.length
  }
  if (parts.length > 1) shuffle(rows, key)
  return rows
}
