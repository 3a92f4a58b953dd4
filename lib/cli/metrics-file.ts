import { appendFileSync } from 'node:fs'
import type { Evaluation } from '../training/evaluation/outcomes'
import type { EpochRecord, FitResult } from '../training/loop/history'
import type { StepReport } from '../training/loop/report'

/** One line of `metrics.jsonl`; docs/cli.md describes the fields. */
export type MetricsLine =
  | { type: 'start'; time: string; model: string; train: Record<string, number>; eval: Record<string, number>; resumed: boolean }
  | { type: 'steps'; epoch: number; step: number; steps: number; loss: number; losses: Record<string, number>; gradientNorm: number; learningRates: Record<string, number> } // prettier-ignore
  | ({ type: 'epoch'; step: number } & Omit<EpochRecord, 'evaluation'>)
  | ({ type: 'evaluation'; step: number } & Evaluation)
  | ({ type: 'end'; time: string; seconds: number } & Pick<FitResult, 'steps' | 'stopped'> & { best: { epoch: number; step: number; value: number } | null }) // prettier-ignore

/** Receives the lines of a run: the file of metrics, and TensorBoard's events. */
export type MetricsSink = (line: MetricsLine) => void

/** Appends each line at once, so that it survives if the process is killed. */
export function metricsFile(path: string): MetricsSink {
  return (line) => appendFileSync(path, `${JSON.stringify(line)}\n`)
}

/** Averages steps, and passes on one line after every `size` steps. */
export class StepSummary {
  readonly #size: number
  readonly #sink: MetricsSink
  #steps: StepReport[] = []

  constructor(size: number, sink: MetricsSink) {
    this.#size = size
    this.#sink = sink
  }

  add(step: StepReport): void {
    if (step.isApplied) this.#steps.push(step)
    if (this.#steps.length >= this.#size) this.flush()
  }

  /** Passes on what is left, at the end of an epoch. */
  flush(): void {
    const last = this.#steps.at(-1)
    if (!last) return
    const steps = this.#steps
    this.#steps = []
    const mean = (of: (step: StepReport) => number) => steps.reduce((sum, step) => sum + of(step), 0) / steps.length
    this.#sink({
      type: 'steps',
      epoch: last.epoch,
      step: last.applied,
      steps: steps.length,
      loss: mean(({ loss }) => loss),
      losses: Object.fromEntries(Object.keys(last.losses).map((name) => [name, mean(({ losses }) => losses[name] ?? 0)])),
      gradientNorm: mean(({ gradientNorm }) => gradientNorm),
      learningRates: last.learningRates,
    })
  }
}
