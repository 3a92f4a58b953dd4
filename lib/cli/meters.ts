import { SingleBar } from 'cli-progress'
import type { EncodeProgress } from '../encode/options'
import type { LoadProgress } from '../model/load-options'
import { bytesText } from './console'
import type { TextInput } from './input'

export const DRAWING = { clearOnComplete: true, hideCursor: false, gracefulExit: false, barsize: 30 }

/** A progress bar that `stop` erases. cli-progress draws nothing if the stream is not a terminal. */
export interface Meter<T> {
  update: (progress: T) => void
  stop: () => void
}

/** One progress bar per downloaded file. */
export function downloadMeter(stream: NodeJS.WritableStream): Meter<LoadProgress> {
  let bar: SingleBar | undefined
  let shown: string | undefined
  return {
    update({ stage, file = '', loaded, total = 0 }) {
      if (stage !== 'download') return
      if (file !== shown) {
        bar?.stop()
        bar = new SingleBar({ ...DRAWING, stream, format: `${file} {bar} {percentage}% | {done} | {eta_formatted} left` })
        bar.start(total, 0, { done: bytesText(0) })
        shown = file
      }
      bar?.update(loaded, { done: bytesText(loaded) })
    },
    stop() {
      bar?.stop()
    },
  }
}

/** A bar over the bytes of the input, or only a count if the size is unknown because the input is a pipe. */
export function encodeMeter(stream: NodeJS.WritableStream, input: Pick<TextInput, 'bytesRead' | 'bytesTotal'>): Meter<EncodeProgress> {
  const { bytesTotal = 0 } = input
  const format = bytesTotal
    ? '{bar} {percentage}% | {texts} texts | {rate} texts/s | {eta_formatted} left'
    : '{texts} texts | {rate} texts/s'
  const bar = new SingleBar({ ...DRAWING, stream, format })
  const start = performance.now()
  bar.start(bytesTotal, 0, { texts: 0, rate: '-' })
  return {
    update({ texts }) {
      bar.update(input.bytesRead, { texts, rate: perSecond(texts, performance.now() - start) })
    },
    stop() {
      bar.stop()
    },
  }
}

/** The summary that remains on the screen: texts, tokens, seconds, texts per second. */
export function closingLine({ texts, tokens, milliseconds }: { texts: number; tokens: number; milliseconds: number }): string {
  const count = (n: number, what: string): string => `${n.toLocaleString('en-US')} ${what}${n === 1 ? '' : 's'}`
  return `${count(texts, 'text')}, ${count(tokens, 'token')} in ${(milliseconds / 1000).toFixed(2)} s: ${perSecond(texts, milliseconds)} texts/s`
}

export function perSecond(count: number, milliseconds: number): string {
  const rate = milliseconds > 0 ? (count * 1000) / milliseconds : 0
  return rate.toLocaleString('en-US', { maximumFractionDigits: rate < 10 ? 1 : 0 })
}
