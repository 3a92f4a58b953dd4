import type { TrainerOptions } from '../../lib/training/options/train'
import { balancedWeights } from '../../lib/heads/classification'
import { balancedPositives } from '../../lib/heads/multi-label'
import { multiplier, multipliers, resolveSchedule } from '../../lib/training/plan/schedule'
import { expectClose } from '../support/close'
import { refused, resolved } from '../support/parameters'

const schedule = (options: TrainerOptions, total: number | null) => resolveSchedule(resolved(options).schedule, total)

describe('rates', () => {
  test.each<[number, number[]]>([
    // Of LambdaLR(optimizer, lambda t: (t + 1) / warmup if t < warmup else max(0, (steps - t) / (steps - warmup))), warmup = max(1, steps // 10).
    [
      23,
      [
        0.5, 1.0, 1.0, 0.9523809523809523, 0.9047619047619048, 0.8571428571428571, 0.8095238095238095, 0.7619047619047619,
        0.7142857142857143, 0.6666666666666666, 0.6190476190476191, 0.5714285714285714, 0.5238095238095238, 0.47619047619047616,
        0.42857142857142855, 0.38095238095238093, 0.3333333333333333, 0.2857142857142857, 0.23809523809523808, 0.19047619047619047,
        0.14285714285714285, 0.09523809523809523, 0.047619047619047616, 0, 0,
      ],
    ],
    [7, [1, 1, 0.8333333333333334, 0.6666666666666666, 0.5, 0.3333333333333333, 0.16666666666666666, 0]],
  ])('linear over %i steps equals bench/peers/train.py', (total, expected) => {
    expect([...multipliers(schedule({}, total), 0, expected.length)]).toEqual(expected)
  })

  test('cosine equals get_cosine_schedule_with_warmup behind the warm-up, which counts from 1 here', () => {
    // get_cosine_schedule_with_warmup(optimizer, 3, 12) of transformers from step 3 on.
    const expected = [
      1.0, 0.9698463103929542, 0.883022221559489, 0.75, 0.5868240888334653, 0.41317591116653485, 0.2500000000000001, 0.11697777844051105,
      0.03015368960704584,
    ]
    const found = multipliers(schedule({ schedule: 'cosine', warmupSteps: 3 }, 12), 0, 14)
    expectClose(found, [1 / 3, 2 / 3, 1, ...expected, 0, 0], { atol: 1e-15 })
    const bare = [1.0, 0.9045084971874737, 0.6545084971874737, 0.34549150281252633, 0.09549150281252633]
    expectClose(multipliers(schedule({ schedule: 'cosine', warmupRatio: 0 }, 5), 0, 5), bare, { atol: 1e-15 })
  })

  test('constant: full rate, behind a warm-up if there is one', () => {
    expect([...multipliers(schedule({ schedule: 'constant' }, null), 0, 3)]).toEqual([1, 1, 1])
    expect([...multipliers(schedule({ schedule: 'constant', warmupSteps: 4 }, null), 0, 6)]).toEqual([0.25, 0.5, 0.75, 1, 1, 1])
    expect(multiplier(schedule({ schedule: 'constant', warmupRatio: 0.5 }, 4), 1_000_000)).toBe(1)
  })

  test('any stretch of steps is a stretch of the whole', () => {
    const plan = schedule({}, 40)
    expect([...multipliers(plan, 7, 20)]).toEqual([...multipliers(plan, 0, 40)].slice(7, 27))
  })
})

describe('what it spans', () => {
  test.each<[string, TrainerOptions, number | null, object]>([
    ['a known total: linear, 10 % warm-up', {}, 1230, { shape: 'linear', warmup: 123, total: 1230 }],
    ['no total: constant, no warm-up', {}, null, { shape: 'constant', warmup: 0, total: null }],
    ['at least one step of warm-up', {}, 5, { shape: 'linear', warmup: 1, total: 5 }],
    ['a ratio of 0', { warmupRatio: 0 }, 5, { shape: 'linear', warmup: 0, total: 5 }],
    ['a ratio whose product is not whole', { warmupRatio: 0.29 }, 100, { shape: 'linear', warmup: 29, total: 100 }],
    ['rounded down', { warmupRatio: 0.1 }, 39, { shape: 'linear', warmup: 3, total: 39 }],
    ['steps', { warmupSteps: 7, schedule: 'cosine' }, 39, { shape: 'cosine', warmup: 7, total: 39 }],
    ['one step', {}, 1, { shape: 'linear', warmup: 1, total: 1 }],
  ])('%s', (_, options, total, expected) => {
    expect(schedule(options, total)).toEqual(expected)
  })

  test.each<[string, TrainerOptions, number | null, string[]]>([
    ['linear without a total', { schedule: 'linear' }, null, ["'linear'", "'epochs' or 'totalSteps'"]],
    ['cosine without a total', { schedule: 'cosine' }, null, ["'cosine'", "'epochs' or 'totalSteps'"]],
    ['a ratio without a total', { warmupRatio: 0.1 }, null, ["'warmupRatio'", "'epochs' or 'totalSteps'"]],
    ['a warm-up beyond the end', { warmupSteps: 11 }, 10, ["'warmupSteps' (11)", '10 steps']],
  ])('refused: %s', (_, options, total, message) => {
    expect(() => schedule(options, total)).toThrow(refused(...message))
  })
})

describe('balanced class weights', () => {
  test('as compute_class_weight of scikit-learn; no label counts nothing, a label that is not there has 1', () => {
    // compute_class_weight('balanced', classes=[0, 1, 3], y=[0, 0, 0, 1, 3, 3, 0, 1]): 8 / (3 · count).
    const labels = Int32Array.from([0, 0, -100, 0, 1, 3, 3, -100, 0, 1])
    expectClose(balancedWeights(labels, 4), [2 / 3, 4 / 3, 1, 4 / 3], { atol: 1e-7 })
  })

  test('labels each on their own: negatives ÷ positives', () => {
    // Columns: 3 negatives and 1 positive; positives alone; negatives alone; 1 and 2, one unknown.
    const labels = Int32Array.from([0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, -100])
    expect([...balancedPositives(labels, 4)]).toEqual([3, 1, 1, 0.5])
  })
})

test.each(['linear', 'cosine', 'constant'] as const)('a warm-up as long as the schedule ends at the full rate: %s', (shape) => {
  const whole = schedule({ schedule: shape, warmupSteps: 4, totalSteps: 4 }, 4)
  expect(whole).toEqual({ shape, warmup: 4, total: 4 })
  expect([...multipliers(whole, 0, 4)]).toEqual([0.25, 0.5, 0.75, 1])
  expect(multiplier(whole, 4)).toBe(shape === 'constant' ? 1 : 0)
})
