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
