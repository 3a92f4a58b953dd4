import type { CoursePoint } from '../../report/record'
import type { StepReport } from '../loop/report'

/** Points that are kept: enough for a curve as wide as a page. */
const MOST_POINTS = 400

interface Sums {
  step: number
  /** Number of applied steps. */
  applied: number
  loss: number
  losses: Record<string, number>
  learningRates: Record<string, number>
}

/** Losses and rates of a run of any length in bounded memory: when there are too many points, neighbours are merged. */
export class Course {
  #points: Sums[] = []
  /** Steps per point. */
  #width = 1
  #inLast = 0

  /** `step`: its number in the fit, from 1. */
  add(report: StepReport, step: number): void {
    if (this.#inLast === 0 || this.#inLast === this.#width) {
      if (this.#points.length === MOST_POINTS) this.#halve()
      this.#points.push({ step, applied: 0, loss: 0, losses: {}, learningRates: {} })
      this.#inLast = 0
    }
    const last = this.#points.at(-1)!
    this.#inLast++
    last.step = step
    if (report.isApplied) addTo(last, { step, applied: 1, loss: report.loss, losses: report.losses, learningRates: report.learningRates })
  }

  get points(): CoursePoint[] {
    return this.#points.map(({ step, applied, loss, losses, learningRates }) => ({
      step,
      loss: applied === 0 ? null : loss / applied,
      losses: Object.fromEntries(Object.entries(losses).map(([name, sum]) => [name, sum / applied])),
      learningRates,
    }))
  }

  #halve(): void {
    const merged: Sums[] = []
    this.#points.forEach((point, i) => {
      if (i % 2 === 0) merged.push(point)
      else addTo(merged.at(-1)!, point)
    })
    this.#points = merged
    this.#width *= 2
  }
}

function addTo(sums: Sums, more: Sums): void {
  sums.step = more.step
  sums.applied += more.applied
  sums.loss += more.loss
  for (const [name, loss] of Object.entries(more.losses)) sums.losses[name] = (sums.losses[name] ?? 0) + loss
  if (more.applied > 0) sums.learningRates = more.learningRates
}
