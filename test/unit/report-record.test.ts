import type { StepReport } from '../../lib'
import { Course } from '../../lib/training/record/course'

function step(i: number, more: Partial<StepReport> = {}): StepReport {
  const losses = { intent: i }
  return { epoch: 0, step: i, applied: i, isApplied: true, loss: 2 * i, losses, gradientNorm: 1, learningRates: { heads: i }, ...more }
}

function courseOf(count: number): Course {
  const course = new Course()
  for (let i = 1; i <= count; i++) course.add(step(i), i)
  return course
}

describe('the course of a run', () => {
  test.each([1, 399, 400, 401, 799, 800, 801, 1601, 12_345])('of %d steps: few points whose means weigh every step once', (count) => {
    const { points } = courseOf(count)
    expect(points.length).toBeLessThanOrEqual(400)
    expect(points.length).toBeGreaterThanOrEqual(Math.min(count, 200))
    expect(points.at(-1)!.step).toBe(count)
    let [from, sum] = [0, 0]
    for (const { step: to, loss, losses, learningRates } of points) {
      expect(loss).toBeCloseTo(from + to + 1, 9)
      expect(losses.intent).toBeCloseTo((from + to + 1) / 2, 9)
      expect(learningRates).toEqual({ heads: to })
      sum += (to - from) * losses.intent!
      from = to
    }
    expect(sum).toBeCloseTo((count * (count + 1)) / 2, 4)
  })

  test('skipped steps have no part in the means', () => {
    const course = new Course()
    course.add(step(1, { isApplied: false, loss: NaN, losses: { intent: NaN }, learningRates: {} }), 1)
    expect(course.points).toEqual([{ step: 1, loss: null, losses: {}, learningRates: {} }])
  })
})
