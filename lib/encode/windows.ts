import { WINDOW_POOLING, type PoolingName } from '../pooling/poolings'
import type { TokenBatch } from '../tokenizer/tokenizer'

/** Tokens at the start and the end of every window. */
export interface WindowFrame {
  /** Special tokens before a text, and the tokens of the prompt after them. */
  before: number
  /** Special tokens after a text. */
  after: number
  maxLength: number
}

/** Rows of a chunk of texts, some of them longer than one row. */
export interface WindowedBatch extends TokenBatch {
  /** The rows of text i are rowsOf[i] … rowsOf[i + 1]. */
  rowsOf: Int32Array
}

/**
 * Rows of at most `maxLength` tokens for whole texts. Consecutive windows of a text share none of its tokens, and each has the special tokens and the
 * prompt. A text that fits has one row, with the same tokens as without windows. The argument has the tokens of the texts without a limit.
 */
export function windowRows(
  { ids, offsets }: Pick<TokenBatch, 'ids' | 'offsets'>,
  { before, after, maxLength }: WindowFrame,
): WindowedBatch {
  const texts = offsets.length - 1
  const size = maxLength - before - after
  const rowsOf = new Int32Array(texts + 1)
  const starts = [0]
  const parts: Int32Array[] = []
  for (let i = 0; i < texts; i++) {
    const row = ids.subarray(offsets[i], offsets[i + 1])
    const end = Math.max(row.length - after, before)
    let from = before
    do {
      const part = row.subarray(from, Math.min(from + size, end))
      parts.push(row.subarray(0, before), part, row.subarray(end))
      starts.push(starts.at(-1)! + before + part.length + row.length - end)
      from += size
    } while (from < end)
    rowsOf[i + 1] = starts.length - 1
  }
  const out = new Int32Array(starts.at(-1)!)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return { ids: out, offsets: Int32Array.from(starts), truncated: [], rowsOf }
}

/**
 * Combines the pooled vectors of windows into one vector per text. `values`: [rows, poolings · hidden]; `unpooled`: number of leading tokens of a
 * row that are not pooled. Returns [texts, poolings · hidden].
 */
export function combineWindows(
  values: Float32Array,
  { offsets, rowsOf }: Pick<WindowedBatch, 'offsets' | 'rowsOf'>,
  pooling: readonly PoolingName[],
  unpooled: number,
): Float32Array {
  const width = values.length / (offsets.length - 1)
  const hidden = width / pooling.length
  const texts = rowsOf.length - 1
  const out = new Float32Array(texts * width)
  for (let text = 0; text < texts; text++) {
    const [first, end] = [rowsOf[text]!, rowsOf[text + 1]!]
    if (end - first === 1) {
      out.set(values.subarray(first * width, end * width), text * width)
      continue
    }
    const tokens = Array.from({ length: end - first }, (_, w) => offsets[first + w + 1]! - offsets[first + w]! - unpooled)
    pooling.forEach((mode, m) => {
      const factors = factorsOf(mode, tokens)
      for (let d = m * hidden; d < (m + 1) * hidden; d++) {
        let combined = factors === undefined ? -Infinity : 0
        for (let row = first; row < end; row++) {
          const value = values[row * width + d]!
          combined = factors === undefined ? Math.max(combined, value) : combined + factors[row - first]! * value
        }
        out[text * width + d] = combined
      }
    })
  }
  return out
}

/** The factor of each window; undefined: the maximum is taken. */
function factorsOf(mode: PoolingName, tokens: readonly number[]): number[] | undefined {
  const rule = WINDOW_POOLING[mode]
  if (typeof rule !== 'function') return undefined
  const total = tokens.reduce((sum, count) => sum + count, 0)
  return tokens.map((count) => rule(count, total))
}
