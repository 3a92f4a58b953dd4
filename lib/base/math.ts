/** Converts one row of logits to probabilities at a temperature, in float64. */
export function softmax(logits: ArrayLike<number>, temperature = 1): Float64Array {
  const result = new Float64Array(logits)
  const largest = result[argmax(result)]!
  let sum = 0
  for (let i = 0; i < result.length; i++) sum += result[i] = Math.exp((result[i]! - largest) / temperature)
  for (let i = 0; i < result.length; i++) result[i]! /= sum
  return result
}

/** The logistic function 1 / (1 + e^−x), without overflow for large or small x. */
export function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))
}

/** The index of the largest number; the first one if several are equal. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}

/**
 * Random numbers for planning: Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3").
 * A key and a counter give two words without any state between calls, so an epoch's plan is a function of seed and epoch alone.
 */

/** Two words of 32 bits. */
export type RandomKey = readonly [number, number]

const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const

/** The two words for the counter (c0, c1) under a key. */
export function threefry([k0, k1]: RandomKey, c0: number, c1: number): [number, number] {
  const schedule = [k0, k1, (k0 ^ k1 ^ 0x1bd11bda) >>> 0]
  let x0 = (c0 + k0) >>> 0
  let x1 = (c1 + k1) >>> 0
  for (let i = 0; i < 5; i++) {
    for (const r of ROTATIONS[i & 1]!) {
      x0 = (x0 + x1) >>> 0
      x1 = ((x1 << r) | (x1 >>> (32 - r))) >>> 0
      x1 = (x1 ^ x0) >>> 0
    }
    x0 = (x0 + schedule[(i + 1) % 3]!) >>> 0
    x1 = (x1 + schedule[(i + 2) % 3]! + i + 1) >>> 0
  }
  return [x0, x1]
}

/** The key of a seed (0..2^32−1) and a path of numbers. Keys of different paths are independent. */
export function randomKey(seed: number, ...path: readonly number[]): RandomKey {
  // The first word of the counter distinguishes a split from the draws below, which use 0 or 1.
  return path.reduce<RandomKey>((key, part) => threefry(key, 0xffffffff, part >>> 0), [seed >>> 0, 0])
}

/** 0..count−1 in an order that depends on the key alone (Fisher and Yates; every order is equally likely). */
export function permutation(count: number, key: RandomKey): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i)
  shuffle(order, key)
  return order
}

/** Shuffles an array in place. */
export function shuffle<T>(values: { readonly length: number; [index: number]: T }, key: RandomKey): void {
  const below = integers(key)
  for (let i = values.length - 1; i > 0; i--) {
    const j = below(i + 1)
    const kept = values[i]!
    values[i] = values[j]!
    values[j] = kept
  }
}

/** A source of integers in 0..bound−1, with bound at most 2^32. Words that would favour small results are drawn again. */
function integers(key: RandomKey): (bound: number) => number {
  let counter = 0
  let spare: number | undefined
  const word = (): number => {
    if (spare !== undefined) {
      const result = spare
      spare = undefined
      return result
    }
    const [first, second] = threefry(key, Math.floor(counter / 2 ** 32), counter >>> 0)
    counter++
    spare = second
    return first
  }
  return (bound) => {
    const limit = 2 ** 32 - (2 ** 32 % bound)
    let value = word()
    while (value >= limit) value = word()
    return value % bound
  }
}
