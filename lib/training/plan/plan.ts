import type { TrainRequest } from '../../../binding'
import type { ResolvedBatching, ResolvedSampling } from '../options/train'
import { drawRows, epochKey, passOf, type PlanSet, pool, quotas } from './sampling'
import { shuffle } from '../../base/math'

export type { PlanSet } from './sampling'

/** What an epoch's plan depends on, together with the epoch's number. */
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

/** As transformers: batches of one window of length grouping, at most, and never more than a quarter of the data. */
const WINDOW_BATCHES = 50
const WINDOW_SHARE = 4

/** The steps of epoch 0, 1, …: the same for the same request, whatever was planned before. */
export function planEpoch(request: PlanRequest, epoch: number): EpochPlan {
  const { sets, batching, sampling, seed } = request
  const batches = sampling.mode === 'round-robin' ? rounds(request, epoch) : poolsOf(request, epoch).flatMap((rows) => cut(request, rows))
  // Cut in the order of the shuffled rows, batches of one set are in random order already; in rounds the order is the point.
  if (sampling.mode !== 'round-robin' && (batching.groupByLength || (sampling.mode === 'proportional' && sets.length > 1))) {
    shuffle(batches, epochKey(seed, epoch, 'batches'))
  }
  return flatten(batches, request.gradientAccumulation)
}

/** Steps of a plan. */
export function stepsIn(plan: EpochPlan): number {
  return plan.steps.length - 1
}

/** Steps `from` … `to` of a plan as a plan of their own, for one call of the native side. */
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
  // By rows, every epoch has as many steps as the first; by tokens the cuts depend on the order.
  if (request.batching.by === 'rows') return epochs * stepsIn(planEpoch(request, 0))
  let total = 0
  for (let epoch = 0; epoch < epochs; epoch++) total += stepsIn(planEpoch(request, epoch))
  return total
}

/** Rows that share batches: those of each set, or one pool of all. */
function poolsOf({ sets, sampling, seed }: PlanRequest, epoch: number): Int32Array[] {
  const quota = quotas(
    sets.map(({ count }) => count),
    sampling.temperature,
  )
  const parts = sets.map((set, i) => drawRows(set, quota[i]!, seed, epoch, i))
  return sampling.mode === 'mixed' ? [pool(parts, epochKey(seed, epoch, 'mix'))] : parts
}

/** One batch of each set in turn, until the shortest or the longest set is through; a shorter one begins again in another order. */
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

/** Runs of rows that together cost at most `limit`; a row that costs more runs alone. */
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

/** Windows of `accumulation` batches are steps; the last may be short. */
function flatten(batches: readonly Int32Array[], accumulation: number): EpochPlan {
  const offsets = new Int32Array(batches.length + 1)
  batches.forEach((batch, j) => (offsets[j + 1] = offsets[j]! + batch.length))
  const order = new Int32Array(offsets[batches.length]!)
  batches.forEach((batch, j) => order.set(batch, offsets[j]))
  const count = Math.ceil(batches.length / accumulation)
  const steps = Int32Array.from({ length: count + 1 }, (_, i) => Math.min(i * accumulation, batches.length))
  return { order, batches: offsets, steps }
}
