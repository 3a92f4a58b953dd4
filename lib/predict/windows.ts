import { concatenated } from '../data/flat'

/** Texts longer than the limit: rows of the model, and the row from which each token takes its result. */

/** A row of tokens with its special ones, `before` and `after` of them. */
export interface TokenRow {
  ids: Int32Array
  before: number
  after: number
}

/** Tokens [start, end) of a row, special ones not counted. */
interface Window {
  start: number
  end: number
}

/**
 * Windows of at most `size` tokens over `length`, neighbours sharing at least `stride`. All are full: the last is moved back to end with
 * the text, which gives its tokens more context.
 */
export function windowsOf(length: number, size: number, stride: number): Window[] {
  const windows: Window[] = []
  for (let start = 0; ; start += size - stride) {
    if (start + size >= length) return [...windows, { start: Math.max(0, length - size), end: length }]
    windows.push({ start, end: start + size })
  }
}

/** Rows of a call for the model, flat, and where the tokens of each text lie in them. */
export interface WindowBatch {
  /** As the native side takes them: ids[offsets[i] … offsets[i+1]) is row i. */
  ids: Int32Array
  offsets: Int32Array
  /** Per row: the text that it comes from, as an index into the rows given. */
  textOf: number[]
  /** Per text: its first row, from which its classes and its embedding come. */
  firstRow: number[]
  /** Per text, per token of its row: the token of `ids` that stands for it. Empty where only first windows were wanted. */
  places: Int32Array[]
}

/**
 * Rows cut at `maxLength` tokens, special ones counted. With a `stride` a longer text gives several, each between its special tokens; a token
 * is taken from the window whose middle is nearest, which is where it has the most context on its poorer side. Without one only the first.
 */
export function cutRows(rows: readonly TokenRow[], maxLength: number, stride: number | undefined): WindowBatch {
  const parts: Int32Array[] = []
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
      parts.push(ids.subarray(0, before), ids.subarray(before + start, before + end), ids.subarray(ids.length - after))
      offsets.push(offsets.at(-1)! + before + end - start + after)
      textOf.push(text)
    }
  })
  return { ids: concatenated(parts), offsets: Int32Array.from(offsets), textOf, firstRow, places }
}

/** `at`: where the first window's row begins. */
function placesOf(windows: readonly Window[], { ids, before, after }: TokenRow, at: number): Int32Array {
  const places = new Int32Array(ids.length)
  let row = at
  windows.forEach((window, i) => {
    // The special tokens in front come from the first window, those behind from the last.
    const from = i === 0 ? 0 : before + seam(windows[i - 1]!, window)
    const to = i === windows.length - 1 ? ids.length : before + seam(window, windows[i + 1]!)
    for (let token = from; token < to; token++) places[token] = row + token - window.start
    row += before + window.end - window.start + after
  })
  return places
}

/** The token from which on the second window is nearer. */
function seam(first: Window, second: Window): number {
  return Math.floor((second.start + first.end) / 2)
}
