import { planEpoch, quotas, slicePlan, stepsIn, totalSteps, type EpochPlan, type PlanRequest } from '../../lib/training/plan/plan'
import { permutation, randomKey, threefry } from '../../lib/base/math'
import { randomNumbers } from '../support/random'

describe('random numbers', () => {
  test.each([
    // Known answers of Threefry-2x32-20 in Random123 (kat_vectors): key, counter, words.
    [[0, 0], [0, 0], [0x6b200159, 0x99ba4efe]], // prettier-ignore
    [[0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], [0x1cb996fc, 0xbb002be7]], // prettier-ignore
    [[0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3], [0xc4923a9c, 0x483df7a0]], // prettier-ignore
  ] as const)('threefry under key %p', (key, [c0, c1], expected) => {
    expect(threefry(key, c0, c1)).toEqual([...expected])
  })

  test.each([0, 1, 2, 3, 17, 1000])('%i rows: each once', (count) => {
    for (let seed = 0; seed < 20; seed++) {
      const order = permutation(count, randomKey(seed))
      expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i))
    }
  })

  test('every order of four comes equally often', () => {
    const seen = new Map<string, number>()
    const draws = 24_000
    for (let i = 0; i < draws; i++) {
      const order = permutation(4, randomKey(5, i)).join('')
      seen.set(order, (seen.get(order) ?? 0) + 1)
    }
    const expected = draws / 24
    const chiSquared = [...seen.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)
    expect(seen.size).toBe(24)
    // 23 degrees of freedom: above 49.7 one time in a thousand; far below 7 would be too even.
    expect(chiSquared).toBeLessThan(49.7)
    expect(chiSquared).toBeGreaterThan(7)
  })

  test('a row is as likely at one place as at another', () => {
    const [count, draws] = [50, 2000]
    const sums = new Float64Array(count)
    for (let i = 0; i < draws; i++) permutation(count, randomKey(i)).forEach((row, place) => (sums[row]! += place))
    // A mean place of 24.5, with a standard error of 50/√12/√2000 = 0.32.
    for (const sum of sums) expect(Math.abs(sum / draws - 24.5)).toBeLessThan(5 * 0.32)
  })

  test('keys: the same path gives the same, another seed, path or length another', () => {
    const keys = [[0], [1], [0, 0], [0, 0, 0], [0, 1], [1, 0], [0, 0, 1], [0, 1, 0], [2 ** 32 - 1]] as [number, ...number[]][]
    const texts = keys.map((path) => randomKey(...path).join())
    expect(keys.map((path) => randomKey(...path).join())).toEqual(texts)
    expect(new Set(texts).size).toBe(keys.length)
    // By chance two orders of 1000 agree in one place.
    const [a, b] = [permutation(1000, randomKey(0, 0)), permutation(1000, randomKey(0, 1))]
    expect(a.filter((row, i) => row === b[i]).length).toBeLessThan(10)
  })
})

const random = randomNumbers(11)
const lengths = Int32Array.from({ length: 5000 }, () => 3 + Math.floor(random() ** 3 * 60))

function request(changes: Partial<PlanRequest> = {}): PlanRequest {
  return {
    lengths,
    sets: [{ start: 0, count: 1000 }],
    batching: { by: 'rows', size: 32, groupByLength: true },
    gradientAccumulation: 1,
    sampling: { mode: 'proportional', temperature: 1, stop: 'longest' },
    seed: 0,
    ...changes,
  }
}

const batchesOf = ({ order, batches }: EpochPlan) =>
  Array.from({ length: batches.length - 1 }, (_, j) => [...order.subarray(batches[j], batches[j + 1])])
const sorted = (rows: Iterable<number>) => [...rows].sort((a, b) => a - b)
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

const three = [
  { start: 0, count: 1000 },
  { start: 1000, count: 90 },
  { start: 1090, count: 7 },
]

const batchings: PlanRequest['batching'][] = [
  { by: 'rows', size: 32, groupByLength: true },
  { by: 'rows', size: 32, groupByLength: false },
  { by: 'tokens', size: 500, groupByLength: true },
  { by: 'tokens', size: 500, groupByLength: false },
]

describe.each(batchings)('batches by $by, grouped $groupByLength', (batching) => {
  test.each(['proportional', 'mixed'] as const)('%s: every row of every set once', (mode) => {
    for (const sets of [three, three.slice(0, 1), three.slice(2)]) {
      const plan = planEpoch(request({ batching, sets, sampling: { mode, temperature: 1, stop: 'longest' } }), 3)
      expect(sorted(plan.order)).toEqual(range(sets[0]!.start, sets.at(-1)!.start + sets.at(-1)!.count))
    }
  })

  test('no batch is above its size, and none is empty', () => {
    const cost = (batch: number[]) => (batching.by === 'rows' ? batch.length : batch.reduce((sum, row) => sum + lengths[row]!, 0))
    for (const batch of batchesOf(planEpoch(request({ batching, sets: three }), 0))) {
      expect(batch.length).toBeGreaterThan(0)
      expect(cost(batch)).toBeLessThanOrEqual(batching.size)
    }
  })

  test('an epoch depends on its number and the seed alone', () => {
    const of = (epoch: number, seed = 0) => planEpoch(request({ batching, sets: three, seed }), epoch)
    const uninterrupted = range(0, 4).map((epoch) => of(epoch))
    expect(of(3)).toEqual(uninterrupted[3])
    expect(new Set(uninterrupted.map(({ order }) => order.join())).size).toBe(4)
    expect(of(0, 1).order).not.toEqual(uninterrupted[0]!.order)
  })

  test('steps of all epochs together', () => {
    const of = request({ batching, gradientAccumulation: 3 })
    expect(totalSteps(of, 4)).toBe(range(0, 4).reduce((sum, epoch) => sum + stepsIn(planEpoch(of, epoch)), 0))
  })
})

test('every row once, whatever is left for the last batch', () => {
  for (let count = 1; count < 40; count++) {
    for (const groupByLength of [true, false]) {
      const plan = planEpoch(request({ sets: [{ start: 0, count }], batching: { by: 'rows', size: 3, groupByLength } }), count)
      expect(sorted(plan.order)).toEqual(range(0, count))
    }
  }
})

test('by tokens, epochs differ in steps, and each is counted', () => {
  const of = request({ batching: { by: 'tokens', size: 80, groupByLength: false } })
  const counts = range(0, 6).map((epoch) => stepsIn(planEpoch(of, epoch)))
  expect(new Set(counts).size).toBeGreaterThan(1)
  expect(totalSteps(of, 6)).toBe(counts.reduce((sum, n) => sum + n, 0))
})

test('by rows the batches are full but the last, which may be anywhere once they are shuffled', () => {
  for (const groupByLength of [true, false]) {
    const sizes = batchesOf(planEpoch(request({ batching: { by: 'rows', size: 32, groupByLength } }), 0)).map((batch) => batch.length)
    expect(sizes.length).toBe(Math.ceil(1000 / 32))
    expect(sizes.filter((size) => size !== 32)).toEqual([1000 % 32])
  }
})

test('by tokens, a row beyond the budget runs alone, and the others fill theirs', () => {
  const few = Int32Array.from([3, 9, 4, 4, 2, 30, 1, 1])
  const plan = planEpoch(
    request({ lengths: few, sets: [{ start: 0, count: 8 }], batching: { by: 'tokens', size: 8, groupByLength: false } }),
    0,
  )
  const batches = batchesOf(plan)
  expect(batches.filter((batch) => batch.includes(5) || batch.includes(1)).map((batch) => batch.length)).toEqual([1, 1])
  batches.slice(0, -1).forEach((batch, j) => {
    const tokens = batch.reduce((sum, row) => sum + few[row]!, 0)
    expect(tokens + few[batches[j + 1]![0]!]!).toBeGreaterThan(8)
  })
})

test('length grouping: batches of similar length in random order, other ones each epoch', () => {
  const spread = (plan: EpochPlan) => {
    const differences = batchesOf(plan).map((batch) => {
      const of = batch.map((row) => lengths[row]!)
      return Math.max(...of) - Math.min(...of)
    })
    return differences.reduce((sum, d) => sum + d, 0) / differences.length
  }
  const sets = [{ start: 0, count: 5000 }]
  const grouped = planEpoch(request({ sets }), 0)
  const plain = planEpoch(request({ sets, batching: { by: 'rows', size: 32, groupByLength: false } }), 0)
  expect(spread(grouped)).toBeLessThan(spread(plain) / 5)

  const longest = batchesOf(grouped).map((batch) => Math.max(...batch.map((row) => lengths[row]!)))
  const falls = longest.filter((length, j) => j > 0 && length < longest[j - 1]!).length
  // Sorted batches would fall almost always or never.
  expect(falls / longest.length).toBeGreaterThan(0.3)
  expect(falls / longest.length).toBeLessThan(0.7)

  const mates = (plan: EpochPlan) => new Set(batchesOf(plan).find((batch) => batch.includes(17)))
  const again = mates(planEpoch(request({ sets }), 1))
  expect([...mates(grouped)].filter((row) => again.has(row)).length).toBeLessThan(25)
})

test('windows of length grouping hold 50 batches, and no more than a quarter of the data', () => {
  // Lengths grow with the row: the rows of a sorted window of a shuffled set span all lengths, a batch a share 1/batches-in-window of them.
  const growing = Int32Array.from({ length: 8000 }, (_, i) => i)
  const spanOf = (count: number) => {
    const plan = planEpoch(
      request({ lengths: growing, sets: [{ start: 0, count }], batching: { by: 'rows', size: 10, groupByLength: true } }),
      0,
    )
    const spans = batchesOf(plan).map((batch) => (Math.max(...batch) - Math.min(...batch)) / count)
    return spans.reduce((sum, span) => sum + span, 0) / spans.length
  }
  // Ten neighbours of 500 sorted rows span 9/501 of the lengths, of 200 (a quarter of 800) 9/201, of 10 all but 2/11.
  expect(spanOf(8000)).toBeCloseTo(9 / 501, 2)
  expect(spanOf(800)).toBeCloseTo(9 / 201, 2)
  expect(spanOf(30)).toBeGreaterThan(0.6)
})

describe('accumulation', () => {
  test.each([1, 2, 5, 32, 100])('windows of %i batches, the last may be short', (gradientAccumulation) => {
    const plan = planEpoch(request({ gradientAccumulation }), 0)
    const count = plan.batches.length - 1
    expect(count).toBe(32)
    expect([...plan.steps]).toEqual([...range(0, Math.ceil(count / gradientAccumulation)).map((i) => i * gradientAccumulation), count])
    expect(planEpoch(request(), 0).order).toEqual(plan.order)
  })

  test('slices of a plan, one behind the other, are the plan', () => {
    const plan = planEpoch(request({ gradientAccumulation: 3, batching: { by: 'tokens', size: 300, groupByLength: true } }), 2)
    const steps = ({ order, batches, steps }: EpochPlan) =>
      range(0, steps.length - 1).map((i) =>
        range(steps[i]!, steps[i + 1]!).map((j) => [...order.subarray(batches[j], batches[j + 1])].join()),
      )
    const whole = steps(plan)
    const cuts = [0, 1, 4, 4, 9, whole.length]
    const slices = cuts.slice(1).map((to, i) => slicePlan(plan, cuts[i]!, to))
    expect(slices.flatMap(steps)).toEqual(whole)
    for (const slice of slices) {
      expect([slice.steps[0], slice.batches[0]]).toEqual([0, 0])
      expect(slice.batches.at(-1)).toBe(slice.order.length)
      expect(slice.steps.at(-1)).toBe(slice.batches.length - 1)
    }
  })
})

describe('several data sets', () => {
  const setOf = (row: number) => three.findIndex(({ start, count }) => row >= start && row < start + count)
  const setsOf = (plan: EpochPlan) => batchesOf(plan).map((batch) => new Set(batch.map(setOf)))
  const timesOf = (plan: EpochPlan, set: number) => {
    const { start, count } = three[set]!
    const times = new Int32Array(count)
    for (const row of plan.order) if (setOf(row) === set) times[row - start]!++
    return [...times]
  }

  test('proportional: each batch from one set, the sets in random order', () => {
    const sets = setsOf(planEpoch(request({ sets: three }), 0))
    expect(sets.every((set) => set.size === 1)).toBe(true)
    const order = sets.map((set) => [...set][0]!)
    expect([0, 1, 2].map((set) => order.filter((s) => s === set).length)).toEqual([32, 3, 1])
    expect(order).not.toEqual(order.toSorted())
  })

  test('mixed: batches from all', () => {
    const plan = planEpoch(request({ sets: three, sampling: { mode: 'mixed', temperature: 1, stop: 'longest' } }), 0)
    expect(setsOf(plan).filter((set) => set.size > 1).length).toBeGreaterThan(25)
  })

  test.each(['proportional', 'mixed'] as const)(
    '%s with temperature: n^(1/T) of as many rows, each as often as another of its set',
    (mode) => {
      const plan = planEpoch(request({ sets: three, sampling: { mode, temperature: 2, stop: 'longest' } }), 0)
      expect(plan.order.length).toBe(1097)
      const roots = three.map(({ count }) => Math.sqrt(count))
      const whole = roots.reduce((a, b) => a + b, 0)
      three.forEach((_, i) => {
        const times = timesOf(plan, i)
        expect(Math.abs(times.reduce((a, b) => a + b, 0) - (1097 * roots[i]!) / whole)).toBeLessThan(1)
        expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(1)
      })
    },
  )

  test.each([
    [[10, 20, 30], 1, [10, 20, 30]],
    [[7, 7, 7], 3, [7, 7, 7]],
    [[1, 100], 1e9, [51, 50]],
    [[3], 0.5, [3]],
    [[1000, 10], 0.01, [1010, 0]],
  ])('quotas of %p at temperature %p', (counts, temperature, expected) => {
    const found = quotas(counts, temperature)
    expect(found.reduce((a, b) => a + b, 0)).toBe(counts.reduce((a, b) => a + b, 0))
    found.forEach((n, i) => expect(Math.abs(n - expected[i]!)).toBeLessThanOrEqual(1))
  })

  test('temperature 1 takes every row once, whatever the sizes', () => {
    for (let seed = 0; seed < 200; seed++) {
      const size = randomNumbers(seed)
      const counts = Array.from({ length: 1 + Math.floor(size() * 6) }, () => 1 + Math.floor(size() * 10 ** (1 + (seed % 6))))
      expect(quotas(counts, 1)).toEqual(counts)
    }
  })

  test.each(batchings)('round-robin by $by, grouped $groupByLength: one batch of each in turn', (batching) => {
    for (const stop of ['shortest', 'longest'] as const) {
      const plan = planEpoch(request({ sets: three, batching, sampling: { mode: 'round-robin', temperature: 1, stop } }), 1)
      setsOf(plan).forEach((set, j) => expect([...set]).toEqual([j % 3]))
      expect((plan.batches.length - 1) % 3).toBe(0)
      if (stop === 'shortest') {
        expect(timesOf(plan, 2)).toEqual(Array.from({ length: 7 }, () => 1))
        expect(Math.max(...timesOf(plan, 0))).toBe(1)
      } else {
        expect(timesOf(plan, 0)).toEqual(Array.from({ length: 1000 }, () => 1))
        const times = timesOf(plan, 1)
        expect(Math.min(...times)).toBeGreaterThan(1)
        // A pass that the end cuts has had some of its rows.
        expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(1)
      }
    }
  })

  test('a set that is drawn again comes in another order', () => {
    const sampling = { mode: 'proportional', temperature: 2, stop: 'longest' } as const
    const plan = planEpoch(request({ sets: three, sampling, batching: { by: 'rows', size: 7, groupByLength: false } }), 0)
    const small = batchesOf(plan).filter((batch) => batch.length === 7 && setOf(batch[0]!) === 2)
    expect(small.length).toBeGreaterThan(7)
    expect(new Set(small.map(String)).size).toBeGreaterThan(6)
  })

  test('a set that begins again comes in another order', () => {
    const sampling = { mode: 'round-robin', temperature: 1, stop: 'longest' } as const
    const batching = { by: 'rows', size: 7, groupByLength: false } as const
    const plan = planEpoch(request({ sets: [{ start: 0, count: 70 }, { start: 100, count: 7 }], batching, sampling }), 0) // prettier-ignore
    const second = batchesOf(plan).filter((_, j) => j % 2 === 1)
    expect(second.length).toBe(10)
    expect(new Set(second.map(String)).size).toBeGreaterThan(8)
  })
})
