import { concatenated } from '../data/targets'

/** Cuts texts that are longer than the limit into windows, and determines which window each token takes its result from. */

/** The tokens of a text, with `before` special tokens at the start and `after` at the end. */
export interface TokenRow {
  ids: Int32Array
  before: number
  after: number
}

/** Tokens [start, end) of a text, not counting special tokens. */
interface Window {
  start: number
  end: number
}

/**
 * Windows of at most `size` tokens over `length` tokens; neighbours share at least `stride`. All windows are full: the last one is moved back
 * so that it ends with the text, which gives its tokens more context.
 */
export function windowsOf(length: number, size: number, stride: number): Window[] {
  const windows: Window[] = []
  for (let start = 0; ; start += size - stride) {
    if (start + size >= length) return [...windows, { start: Math.max(0, length - size), end: length }]
    windows.push({ start, end: start + size })
  }
}

/** The rows of a call, flat, and the positions of each text's tokens in them. */
export interface WindowBatch {
  /** As the native side takes them: ids[offsets[i] … offsets[i+1]) is row i. */
  ids: Int32Array
  offsets: Int32Array
  /** Per row: the index of its text. */
  textOf: number[]
  /** Per text: its first row, which determines its labels and its embedding. */
  firstRow: number[]
  /** Per text: for each of its tokens the index into `ids` that its result is taken from. Empty without a `stride`. */
  places: Int32Array[]
}

/**
 * Rows of at most `maxLength` tokens, including special tokens. With a `stride` a longer text gets several rows, each with its special tokens;
 * the result of a token comes from the window whose middle is nearest, where the shorter of its two contexts is longest. Without a `stride`
 * there is only the first row.
 */
export function cutRows(rows: readonly TokenRow[], maxLength: number, stride: number | undefined): WindowBatch {
  const model: Int32Array[] = []
  const offsets = [0]
  const textOf: number[] = []
  const firstRow: number[] = []
  const places: Int32Array[] = []
  rows.forEach(({ ids, before, after }, text) => {
    const content = ids.length - before - after
    const size = maxLength - before - after
    const windows = stride === undefined ? [{ start: 0, end: Math.min(content, size) }] : windowsOf(content, size, stride)
    firstRow.push(offsets.length - 1)
    if (stride !== undefined) places.push(placesOf(windows, { ids, before, after }, offsets.at(-1)!))
    for (const { start, end } of windows) {
      model.push(ids.subarray(0, before), ids.subarray(before + start, before + end), ids.subarray(ids.length - after))
      offsets.push(offsets.at(-1)! + before + end - start + after)
      textOf.push(text)
    }
  })
  return { ids: concatenated(model), offsets: Int32Array.from(offsets), textOf, firstRow, places }
}

/** `at`: index into `ids` at which the row of the first window starts. */
function placesOf(windows: readonly Window[], { ids, before, after }: TokenRow, at: number): Int32Array {
  const places = new Int32Array(ids.length)
  let row = at
  windows.forEach((window, i) => {
    // The special tokens before the text come from the first window, those after it from the last.
    const from = i === 0 ? 0 : before + seam(windows[i - 1]!, window)
    const to = i === windows.length - 1 ? ids.length : before + seam(window, windows[i + 1]!)
    for (let token = from; token < to; token++) places[token] = row + token - window.start
    row += before + window.end - window.start + after
  })
  return places
}

/** The first token that is nearer to the middle of the second window. */
function seam(first: Window, second: Window): number {
  return Math.floor((second.start + first.end) / 2)
}
