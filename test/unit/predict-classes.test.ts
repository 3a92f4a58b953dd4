import type { Head } from '../../lib/heads/definition'
import { kindOf } from '../../lib/heads/kinds'
import type { ClassPrediction } from '../../lib/heads/predictions'
import { argmax, sigmoid, softmax } from '../../lib/base/math'
import { expectClose } from '../support/close'
import { headOf } from '../support/heads'

const head = (labels: string[], multiLabel = false) => headOf({ name: 'head', type: 'classification', labels, multiLabel })
const none = new Int32Array()
const text = { text: '', tokens: [], spans: none, words: none, wordOfToken: none, before: 0, after: 0 }
const tagging = { aggregation: 'first', constrained: false, words: false, tokens: false } as const
const plain = { threshold: 0.5, rejectBelow: 0, topK: 0, logits: false }
const logits = Float32Array.of(1, 3, -2)
const classify = (of: Head, values: Float32Array, options: typeof plain) =>
  kindOf(of).predictor(of, { ...tagging, ...options })(values, text) as ClassPrediction
// torch.softmax and torch.sigmoid in float64.
const SOFT = [0.11849965453500959, 0.8756005950630876, 0.005899750401902781]
const SIGMOID = [0.7310585786300049, 0.9525741268224334, 0.11920292202211755]

describe('probabilities', () => {
  test('softmax, also of logits beyond the range of exp', () => {
    expectClose(softmax(logits), SOFT, { atol: 1e-15 })
    expectClose(softmax([1001, 1003, 998]), SOFT, { atol: 1e-15 })
    expectClose(softmax([-1e30, 0]), [0, 1], { atol: 0 })
  })

  test('sigmoid, also far out', () => {
    expectClose(Array.from(logits, sigmoid), SIGMOID, { atol: 1e-15 })
    expect([sigmoid(1e9), sigmoid(-1e9), sigmoid(0)]).toEqual([1, 0, 0.5])
  })

  test('of equal numbers argmax takes the first', () => {
    expect([argmax([1, 5, 5, 2]), argmax([-3]), argmax([0, 0])]).toEqual([1, 0, 0])
  })
})

describe('one label of several', () => {
  const three = head(['a', 'b', 'c'])

  test('the most probable, and nothing that was not asked for', () => {
    expect(classify(three, logits, plain)).toEqual({ label: 'b', score: expect.closeTo(SOFT[1]!, 12) })
  })

  test.each([
    [0.87, 'b'],
    [0.88, null],
    [1, null],
  ])('rejectBelow %d gives %s, the score stays', (rejectBelow, label) => {
    expect(classify(three, logits, { ...plain, rejectBelow })).toEqual({ label, score: expect.closeTo(SOFT[1]!, 12) })
  })

  test('the threshold of other heads does not reject', () => {
    expect(classify(three, Float32Array.of(0, 0, 0.1), { ...plain, threshold: 0.9 }).label).toBe('c')
  })

  test.each([
    [2, ['b', 'a']],
    [9, ['b', 'a', 'c']],
  ])('topK %d', (topK, labels) => {
    const { scores } = classify(three, logits, { ...plain, topK })
    expect(scores!.map(({ label }) => label)).toEqual(labels)
    expectClose(
      scores!.map(({ score }) => score),
      [SOFT[1]!, SOFT[0]!, SOFT[2]!].slice(0, topK),
      { atol: 1e-12 },
    )
  })

  test('logits are a copy', () => {
    const given = classify(three, logits, { ...plain, logits: true }).logits!
    expect([...given]).toEqual([1, 3, -2])
    given[0] = 7
    expect(logits[0]).toBe(1)
  })
})

describe('each label on its own', () => {
  test('multi-label: those from the threshold on, the most probable first', () => {
    const many = head(['a', 'b', 'c'], true)
    expect(classify(many, logits, plain)).toEqual({ label: 'b', score: expect.closeTo(SIGMOID[1]!, 12), labels: ['b', 'a'] })
    expect(classify(many, logits, { ...plain, threshold: 0.1 }).labels).toEqual(['b', 'a', 'c'])
    expect(classify(many, logits, { ...plain, threshold: 0.99 })).toEqual({
      label: null,
      score: expect.closeTo(SIGMOID[1]!, 12),
      labels: [],
    })
    expect(classify(many, logits, { ...plain, rejectBelow: 0.99 }).label).toBe('b')
  })

  test('binary: one logit, yes or no', () => {
    const spam = head(['spam'])
    expect(classify(spam, Float32Array.of(1), plain)).toEqual({ label: 'spam', score: expect.closeTo(SIGMOID[0]!, 12) })
    expect(classify(spam, Float32Array.of(-2), plain)).toEqual({ label: null, score: expect.closeTo(SIGMOID[2]!, 12) })
    expect(classify(spam, Float32Array.of(0), plain).label).toBe('spam')
    expect(classify(spam, Float32Array.of(1), { ...plain, threshold: 0.74 }).label).toBeNull()
  })
})
