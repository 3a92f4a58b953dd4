/** Lengths of all examples. */
export interface Lengths {
  unit: 'tokens' | 'words'
  /** Together. */
  total: number
  /** 0 where there is no example; so are those below. */
  min: number
  max: number
  mean: number
  /** Half, 95 and 99 in a hundred of the examples are at most so long. */
  median: number
  p95: number
  p99: number
  /** Examples of `from` to `to` units, both included; stretches of equal width from the shortest to the longest, empty ones too. */
  histogram: { from: number; to: number; count: number }[]
}

/** At most so many stretches. */
const BINS = 20

export function histogramOf(counts: readonly number[], unit: Lengths['unit']): Lengths {
  const sorted = Float64Array.from(counts).sort()
  const total = sorted.reduce((sum, count) => sum + count, 0)
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  const min = at(0)
  const max = at(1)
  const width = niceWidth(max + 1 - min)
  const first = Math.floor(min / width)
  const histogram = Array.from({ length: sorted.length === 0 ? 0 : Math.floor(max / width) - first + 1 }, (_, i) => ({
    from: (first + i) * width,
    to: (first + i + 1) * width - 1,
    count: 0,
  }))
  for (const count of sorted) histogram[Math.floor(count / width) - first]!.count++
  return { unit, total, min, max, mean: total / (sorted.length || 1), median: at(0.5), p95: at(0.95), p99: at(0.99), histogram }
}

/** The smallest of 1, 2, 5, 10, 20, 50 … that covers the range in few enough stretches. */
function niceWidth(range: number): number {
  for (let power = 1; ; power *= 10) {
    for (const digit of [1, 2, 5]) if (digit * power * (BINS - 1) >= range) return digit * power
  }
}
