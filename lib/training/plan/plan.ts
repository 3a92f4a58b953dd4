import type { TrainRequest } from '../../../binding'
import { permutation, randomKey, shuffle, type RandomKey } from '../../base/math'
import type { ResolvedBatching, ResolvedSampling } from '../options/batching'

/** What the plan of an epoch depends on, in addition to the number of the epoch. */
export interface PlanRequest {
  /** Tokens of each row of the corpus. */
  lengths: Int32Array
  sets: readonly PlanSet[]
  batching: ResolvedBatching
  gradientAccumulation: number
  sampling: ResolvedSampling
  seed: number
}

/** Step i has the batches steps[i] … steps[i+1], batch j the rows order[batches[j] … batches[j+1]) of the corpus. */
export type EpochPlan = Pick<TrainRequest, 'order' | 'batches' | 'steps'>

/** As in transformers: maximum number of batches in a window of length grouping, which never exceeds a quarter of the data. */
const WINDOW_BATCHES = 50
const WINDOW_SHARE = 4

/** The steps of epoch 0, 1, …: a function of the request, independent of earlier calls. */
export function planEpoch(request: PlanRequest, epoch: number): EpochPlan {
  const { sets, batching, sampling, seed } = request
  const batches = sampling.mode === 'round-robin' ? rounds(request, epoch) : poolsOf(request, epoch).flatMap((rows) => cut(request, rows))
  // Batches of one set are cut from shuffled rows, so they are already in random order; for round-robin the order of the batches must stay.
  if (sampling.mode !== 'round-robin' && (batching.groupByLength || (sampling.mode === 'proportional' && sets.length > 1))) {
    shuffle(batches, epochKey(seed, epoch, 'batches'))
  }
  return flatten(batches, request.gradientAccumulation)
}

/** Number of steps of a plan. */
export function stepsIn(plan: EpochPlan): number {
  return plan.steps.length - 1
}

/** Steps `from` … `to` of a plan as a separate plan, for one native call. */
export function slicePlan({ order, batches, steps }: EpochPlan, from: number, to: number): EpochPlan {
  const [firstBatch, lastBatch] = [steps[from]!, steps[to]!]
  const [firstRow, lastRow] = [batches[firstBatch]!, batches[lastBatch]!]
  return {
    order: order.slice(firstRow, lastRow),
    batches: batches.slice(firstBatch, lastBatch + 1).map((row) => row - firstRow),
    steps: steps.slice(from, to + 1).map((batch) => batch - firstBatch),
  }
}

/** Number of steps of the first `epochs` epochs, for the length of a schedule. */
export function totalSteps(request: PlanRequest, epochs: number): number {
  // With batches by rows, every epoch has as many steps as the first; with batches by tokens, the number depends on the order.
  if (request.batching.by === 'rows') return epochs * stepsIn(planEpoch(request, 0))
  let total = 0
  for (let epoch = 0; epoch < epochs; epoch++) total += stepsIn(planEpoch(request, epoch))
  return total
}

/** Groups of rows that can share batches: the rows of each set, or one pool of all rows. */
function poolsOf({ sets, sampling, seed }: PlanRequest, epoch: number): Int32Array[] {
  const quota = quotas(
    sets.map(({ count }) => count),
    sampling.temperature,
  )
  const parts = sets.map((set, i) => drawRows(set, quota[i]!, seed, epoch, i))
  return sampling.mode === 'mixed' ? [pool(parts, epochKey(seed, epoch, 'mix'))] : parts
}

/** One batch of each set in turn, until the shortest or the longest set is finished; a shorter set starts again in another order. */
function rounds(request: PlanRequest, epoch: number): Int32Array[] {
  const { sets, sampling } = request
  const passes = sets.map((set, i) => batchesOfPass(request, epoch, set, i, 0))
  const lengths = passes.map((batches) => batches.length)
  const count = sampling.stop === 'shortest' ? Math.min(...lengths) : Math.max(...lengths)
  passes.forEach((batches, i) => {
    for (let pass = 1; batches.length < count; pass++) batches.push(...batchesOfPass(request, epoch, sets[i]!, i, pass))
  })
  return Array.from({ length: count * sets.length }, (_, i) => passes[i % sets.length]![Math.floor(i / sets.length)]!)
}

function batchesOfPass(request: PlanRequest, epoch: number, set: PlanSet, index: number, pass: number): Int32Array[] {
  const batches = cut(request, passOf(set, request.seed, epoch, index, pass))
  if (request.batching.groupByLength) shuffle(batches, epochKey(request.seed, epoch, 'batches', index, pass))
  return batches
}

/** Batches of rows, in their order, or sorted by length (longest first) within windows. */
function cut({ lengths, batching }: PlanRequest, rows: Int32Array): Int32Array[] {
  const cost = batching.by === 'rows' ? () => 1 : (row: number) => lengths[row]!
  if (!batching.groupByLength) return packs(rows, batching.size, cost)
  const whole = rows.reduce((sum, row) => sum + cost(row), 0)
  const window = Math.max(1, Math.min(WINDOW_BATCHES, Math.floor(whole / (WINDOW_SHARE * batching.size))))
  return packs(rows, window * batching.size, cost).flatMap((part) =>
    packs(
      part.sort((a, b) => lengths[b]! - lengths[a]!),
      batching.size,
      cost,
    ),
  )
}

/** Splits rows into runs with a total cost of at most `limit`; a row that costs more is a run of its own. */
function packs(rows: Int32Array, limit: number, cost: (row: number) => number): Int32Array[] {
  const result: Int32Array[] = []
  let first = 0
  let sum = 0
  rows.forEach((row, i) => {
    const more = cost(row)
    if (i > first && sum + more > limit) {
      result.push(rows.slice(first, i))
      first = i
      sum = 0
    }
    sum += more
  })
  if (first < rows.length) result.push(rows.slice(first))
  return result
}

/** Each window of `accumulation` batches is a step; the last may be shorter. */
function flatten(batches: readonly Int32Array[], accumulation: number): EpochPlan {
  const offsets = new Int32Array(batches.length + 1)
  batches.forEach((batch, j) => (offsets[j + 1] = offsets[j]! + batch.length))
  const order = new Int32Array(offsets[batches.length]!)
  batches.forEach((batch, j) => order.set(batch, offsets[j]))
  const count = Math.ceil(batches.length / accumulation)
  const steps = Int32Array.from({ length: count + 1 }, (_, i) => Math.min(i * accumulation, batches.length))
  return { order, batches: offsets, steps }
}

/** One data set in the corpus: rows start … start + count, at least one. */
export interface PlanSet {
  start: number
  count: number
}

/** Names the use of a key, so that all random draws of an epoch use different keys. */
const DRAW = { rows: 0, batches: 1, mix: 2 } as const

/** The keys of one epoch. */
function epochKey(seed: number, epoch: number, draw: keyof typeof DRAW, ...path: readonly number[]): RandomKey {
  return randomKey(seed, epoch, DRAW[draw], ...path)
}

/**
 * Number of examples of each set in an epoch, in proportion to n^(1/temperature), rounded by largest remainders. Their sum is the total number of
 * examples; with temperature 1 every example is used once.
 */
export function quotas(counts: readonly number[], temperature: number): number[] {
  const total = counts.reduce((sum, n) => sum + n, 0)
  // Relative to the largest set, because a power of a large count would overflow at a low temperature.
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
function passOf({ start, count }: PlanSet, seed: number, epoch: number, set: number, pass: number): Int32Array {
  return permutation(count, epochKey(seed, epoch, 'rows', set, pass)).map((row) => row + start)
}

/** `quota` rows of a set, drawn in successive passes, so that the counts of two rows differ by at most one. */
function drawRows(set: PlanSet, quota: number, seed: number, epoch: number, index: number): Int32Array {
  const rows = new Int32Array(quota)
  for (let drawn = 0, pass = 0; drawn < quota; drawn += set.count, pass++) {
    rows.set(passOf(set, seed, epoch, index, pass).subarray(0, quota - drawn), drawn)
  }
  return rows
}

/** One pool of the rows of several sets. */
function pool(parts: readonly Int32Array[], key: RandomKey): Int32Array {
  const rows = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    rows.set(part, at)
    at += part.length
  }
  if (parts.length > 1) shuffle(rows, key)
  return rows
}
