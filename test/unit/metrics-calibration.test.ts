import { calibrationError, fitTemperature, probabilities } from '../../lib/metrics'
import { expectClose } from '../support/close'
import { readGolden } from '../support/golden'

interface Golden {
  calibration: { bins: number; confidences: number[]; correct: boolean[]; counts: number[]; expectedError: number; maximumError: number }[]
  temperature: { name: string; logits: number[][]; gold: number[]; temperature: number; lossBefore: number; loss: number }[]
}

// Made by scripts/make-metrics-golden.py with NumPy and SciPy.
const golden = readGolden<Golden>('metrics')

test.each(golden.calibration)('ECE and MCE in $bins bins, as NumPy', ({ bins, confidences, correct, counts, ...expected }) => {
  const result = calibrationError(confidences, correct, { bins })
  expect(result.bins.map((bin) => bin.count)).toEqual(counts)
  expectClose([result.expectedError, result.maximumError], [expected.expectedError, expected.maximumError], { atol: 1e-12 })
})

test('fifteen bins by default, and each value in the bin whose upper border it is', () => {
  const borders = Array.from({ length: 16 }, (_, i) => i / 15)
  const { bins } = calibrationError(borders, new Array<boolean>(16).fill(true))
  expect(bins.map((bin) => bin.count)).toEqual([2, ...new Array<number>(14).fill(1)])
  expect(bins[14]).toEqual({ from: 14 / 15, to: 1, count: 1, confidence: 1, accuracy: 1 })
})

// 0.07 · 100 is above 7, and the next number after 1/3 gives 1 when multiplied by 3.
test.each([3, 7, 10, 49, 100, 1000])('%i bins: a border is in the lower bin, the next number in the upper', (bins) => {
  const borders = Array.from({ length: bins }, (_, i) => (i + 1) / bins)
  const counts = (confidences: number[]): number[] =>
    calibrationError(confidences, new Array<boolean>(confidences.length).fill(true), { bins }).bins.map((bin) => bin.count)
  expect(counts(borders)).toEqual(borders.map(() => 1))
  expect(counts(borders.slice(0, -1).map((border) => border * (1 + Number.EPSILON)))).toEqual(borders.map((_, i) => Math.min(i, 1)))
})

test('an empty bin has neither confidence nor accuracy, and no part in the error', () => {
  const { bins, ...errors } = calibrationError([0.75, 0.75], [true, false], { bins: 2 })
  expect(bins[0]).toEqual({ from: 0, to: 0.5, count: 0, confidence: NaN, accuracy: NaN })
  expect(errors).toEqual({ expectedError: 0.25, maximumError: 0.25 })
})

test.each(golden.temperature)('temperature, as SciPy finds it: $name', ({ logits, gold, ...expected }) => {
  const { temperature, lossBefore, loss, atLimit } = fitTemperature(logits, gold)
  expect(Math.abs(temperature / expected.temperature - 1)).toBeLessThan(1e-9)
  expectClose([lossBefore, loss], [expected.lossBefore, expected.loss], { atol: 1e-11 })
  expect(atLimit).toBe(false)
})

test('logits multiplied by a number have that many times the temperature', () => {
  const { logits, gold } = golden.temperature[0]!
  const { temperature } = fitTemperature(logits, gold)
  const scaled = fitTemperature(
    logits.map((row) => Float64Array.from(row, (logit) => logit * 0.25)),
    gold,
  )
  expect(scaled.temperature / temperature).toBeCloseTo(0.25, 9)
})

test('one logit is two logits, the first of them 0', () => {
  const { logits, gold } = golden.temperature.find((row) => row.logits[0]!.length === 1)!
  expect(
    fitTemperature(
      logits.map(([logit]) => [0, logit!]),
      gold,
    ),
  ).toEqual(fitTemperature(logits, gold))
})

test.each([
  [
    'all right with a margin: colder still',
    [
      [2, 0],
      [0, 3],
    ],
    [0, 1],
    0.01,
  ],
  [
    'all wrong: hotter still',
    [
      [2, 0],
      [0, 3],
    ],
    [1, 0],
    100,
  ],
])('at the limit: %s', (_, logits, gold, temperature) => {
  const result = fitTemperature(logits, gold)
  expect(result).toMatchObject({ temperature, atLimit: true })
  expect(result.loss).toBeLessThan(result.lossBefore)
})

test('logits that tell nothing keep temperature 1', () => {
  expect(
    fitTemperature(
      [
        [3, 3],
        [1, 1],
      ],
      Int32Array.of(0, 1),
    ),
  ).toEqual({
    temperature: 1,
    lossBefore: Math.log(2),
    loss: Math.log(2),
    atLimit: false,
  })
})

test('probabilities: softmax at a temperature, sigmoid of one logit, no overflow', () => {
  expectClose(probabilities([1, 2, 3]), [0.09003057317038046, 0.24472847105479767, 0.6652409557748219], { atol: 1e-15 })
  expectClose(probabilities([2, 4, 6], 2), probabilities([1, 2, 3]), { atol: 1e-15 })
  expectClose(probabilities([10000, 9999]), probabilities([1, 0]), { atol: 1e-15 })
  expectClose(probabilities([3], 1.5), [1 / (1 + Math.exp(-2))], { atol: 1e-15 })
  expectClose(probabilities([-1000]), [0], { atol: 0 })
})

test.each<[string, () => unknown, string]>([
  ['nothing', () => calibrationError([], []), 'at least one item in confidences'],
  ['lengths', () => calibrationError([0.5], []), 'as many items in correct as in confidences (1), received 0'],
  ['confidence', () => calibrationError([0.5, 1.01], [true, true]), 'a number in 0..1 for confidences[1], received 1.01'],
  ['no number', () => calibrationError([NaN], [true]), 'confidences[0], received NaN'],
  ['bins', () => calibrationError([0.5], [true], { bins: 0 }), 'for bins, received 0'],
  ['option', () => calibrationError([0.5], [true], { bin: 3 } as object), "Did you mean 'bins'?"],
  ['ragged', () => fitTemperature([[1, 2], [1]], [0, 0]), 'Expected 2 logits for item 1, received 1'],
  ['no logits', () => fitTemperature([[]], [0]), 'at least one logit'],
  ['infinite', () => fitTemperature([[1, Infinity]], [0]), 'a finite number for logits[0][1], received Infinity'],
  [
    'gold',
    () =>
      fitTemperature(
        [
          [1, 2],
          [1, 2],
        ],
        [0, 2],
      ),
    'an integer in 0..1 for gold[1], received 2',
  ],
  ['gold of one logit', () => fitTemperature([[1]], [2]), 'an integer in 0..1 for gold[0], received 2'],
  ['temperature', () => probabilities([1, 2], 0), 'a positive number for temperature, received 0'],
])('refused: %s', (_, call, message) => {
  expect(call).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(message) }))
})
