import { cosine, expectClose } from '../support/close'

const expected = Float32Array.of(1, 2, 3, 4)

test.each([
  ['equal', [1, 2, 3, 4]],
  ['within the tolerance', [1.009, 1.991, 3, 4]],
])('%s', (_, actual) => expectClose(actual, expected, { atol: 0.01 }))

test.each<[string, number[], RegExp]>([
  ['outside', [1, 2.05, 3.2, 4], /2 of 4 numbers .* row 1, column 0: received 3.2, expected 3 \(difference 2.00e-1\)/],
  ['not a number, whatever else is wrong', [1, NaN, 300, 4], /row 0, column 1: received NaN/],
  ['infinite', [1, 2, 3, -Infinity], /row 1, column 1: received -Infinity/],
  ['too short', [1, 2, 3], /Expected 4 numbers, received 3/],
])('%s', (_, actual, message) => {
  expect(() => expectClose(actual, expected, { atol: 0.01, columns: 2 })).toThrow(message)
})

test('cosine', () => {
  expect(cosine([3, 4], [6, 8])).toBeCloseTo(1, 12)
  expect(cosine([1, 0], [0, 5])).toBe(0)
  expect(cosine([1, 1], [-1, -1])).toBeCloseTo(-1, 12)
})
