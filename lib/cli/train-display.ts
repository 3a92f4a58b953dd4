import { SingleBar } from 'cli-progress'
import type { Writable } from 'node:stream'
import type { EpochRecord, FitResult } from '../training/loop/history'
import type { EpochProgress } from '../training/loop/progress'
import type { StepReport } from '../training/loop/report'
import { DRAWING, perSecond } from './meters'
import { durationText, scoreText, textTable } from './table'

const LOG_MS = 10_000

type Losses = Readonly<Record<string, number>>

/** Shows a fit: one live line on a terminal, a line every ten seconds in a log, and a table after each epoch. */
export class TrainingDisplay {
  readonly #live: Writable
  readonly #out: Writable
  /** Undefined before the first progress. */
  #epochs: number | undefined
  #bar: SingleBar | undefined
  #means = new Means()
  #logged = performance.now()
  #last: EpochProgress | undefined

  /** `live`: for progress; `out`: for tables. */
  constructor(live: Writable, out: Writable) {
    this.#live = live
    this.#out = out
  }

  /** Losses of one step, shown with the next progress. */
  step({ losses, isApplied }: StepReport): void {
    if (isApplied) this.#means.add(losses)
  }

  progress(progress: EpochProgress): void {
    this.#last = progress
    this.#epochs = progress.epochs ?? this.#epochs
    const { isTTY, columns = 80 } = this.#live as Partial<NodeJS.WriteStream>
    const line = (width?: number) => progressLine(progress, this.#means.values, this.#epochs, width)
    if (isTTY) {
      this.#bar ??= this.#startBar()
      return this.#bar.update(progress.step, { line: line(columns - 1) })
    }
    if (performance.now() - this.#logged < LOG_MS) return
    this.#logged = performance.now()
    this.#live.write(`${line()}\n`)
  }

  /** The table of a finished epoch. */
  epoch(record: EpochRecord, isBest: boolean): void {
    this.clear()
    this.#means = new Means()
    this.#out.write(`${epochTable(record, this.#epochs, isBest)}\n\n`)
  }

  result({ steps, stopped, best }: FitResult, seconds: number): void {
    const why = stopped === 'earlyStopping' ? ' (stopped early: no improvement)' : ''
    const score = best ? `; best score ${scoreText(best.value)} after step ${best.step}` : ''
    this.#out.write(`${steps.toLocaleString('en-US')} steps in ${durationText(seconds)}${why}${score}\n`)
  }

  note(text: string): void {
    this.clear()
    this.#live.write(`${text}\n`)
  }

  /** Erases the live line. */
  clear(): void {
    this.#bar?.stop()
    this.#bar = undefined
  }

  #startBar(): SingleBar {
    const format = (_options: unknown, _params: unknown, payload: { line?: string }) => payload.line ?? ''
    const bar = new SingleBar({ ...DRAWING, stream: this.#live, format })
    bar.start(this.#last?.steps ?? 1, 0)
    return bar
  }
}

/** Means of the losses since the start of the epoch. */
class Means {
  readonly #sums = new Map<string, { sum: number; count: number }>()

  add(losses: Losses): void {
    for (const [name, loss] of Object.entries(losses)) {
      const { sum, count } = this.#sums.get(name) ?? { sum: 0, count: 0 }
      this.#sums.set(name, { sum: sum + loss, count: count + 1 })
    }
  }

  get values(): Losses {
    return Object.fromEntries([...this.#sums].map(([name, { sum, count }]) => [name, sum / count]))
  }
}

/**
 * One line of at most `width` characters: the parts that do not fit are left out, the least important first. Without a width it is a line of
 * a log, without a bar.
 */
export function progressLine(progress: EpochProgress, losses: Losses, epochs: number | undefined, width = Infinity): string {
  const { epoch, step, steps, loss, examplesPerSecond } = progress
  const share = steps === 0 ? 1 : step / steps
  const tasks = Object.entries(losses).map(([name, value]) => `${name} ${value.toFixed(3)}`)
  const parts = [
    { rank: 0, text: epochText(epoch, epochs) },
    { rank: 5, text: width < Infinity ? `[${'='.repeat(Math.round(share * 16)).padEnd(16)}]` : '' },
    { rank: 1, text: `${Math.floor(share * 100)} %` },
    { rank: 4, text: `loss ${Number.isNaN(loss) ? '–' : loss.toFixed(3)}` },
    { rank: 3, text: tasks.join('  ') },
    { rank: 6, text: `${perSecond(examplesPerSecond, 1000)} examples/s` },
    { rank: 2, text: `${durationText(secondsLeft(progress, epochs ?? epoch + 1))} left${epochs === undefined ? ' in it' : ''}` },
  ].filter(({ text }) => text !== '')
  const shown = new Set<string>()
  const line = () => parts.filter(({ text }) => shown.has(text)).map(({ text }) => text).join('  ') // prettier-ignore
  for (const { text } of parts.toSorted((a, b) => a.rank - b.rank)) {
    shown.add(text)
    if (line().length > width) shown.delete(text)
  }
  return line()
}

function epochText(epoch: number, epochs: number | undefined): string {
  return `epoch ${epoch + 1}${epochs === undefined ? '' : `/${epochs}`}`
}

/** Until the end of the last epoch, at the pace of the current one, without evaluations. */
function secondsLeft({ epoch, step, steps, eta }: EpochProgress, epochs: number): number {
  if (step === steps) return 0
  return eta * (1 + ((epochs - 1 - epoch) * steps) / (steps - step))
}

function epochTable(
  { epoch, losses, metrics, loss, seconds, steps, evaluation }: EpochRecord,
  epochs: number | undefined,
  isBest: boolean,
): string {
  const names = [...new Set([...Object.keys(losses), ...Object.keys(evaluation?.metrics ?? {})])]
  const rows = names.map((name) => {
    const held = evaluation?.metrics[name]
    const f1 = held && ('f1' in held ? held.f1 : held.macroF1)
    const evaluated = evaluation ? [evaluation.losses[name], held?.accuracy, f1] : []
    return [name, ...[losses[name], metrics[name]?.accuracy, ...evaluated].map(scoreText)]
  })
  const title = `${epochText(epoch, epochs)}: ${steps} steps, ${durationText(seconds)}, loss ${scoreText(loss)}`
  const score = evaluation ? `, score ${scoreText(evaluation.score)}${isBest ? ', best' : ''}` : ''
  return `${title}${score}\n${textTable([['', 'loss', 'accuracy', ...(evaluation ? ['eval loss', 'accuracy', 'F1'] : [])], ...rows])}`
}
