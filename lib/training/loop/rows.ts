/** Row i is ids[offsets[i] … offsets[i+1]). */
export interface RaggedRows {
  ids: Int32Array
  offsets: Int32Array
}

/** Tokens of one native call: its logits stay small compared with the model, and an abort is seen between two. */
const SLICE_TOKENS = 16_384

/** Rows [from, to) of about SLICE_TOKENS tokens, in order. */
export function* slices(offsets: Int32Array): Generator<[number, number]> {
  for (let from = 0; from < offsets.length - 1;) {
    let to = from + 1
    while (to < offsets.length - 1 && offsets[to + 1]! - offsets[from]! <= SLICE_TOKENS) to++
    yield [from, to]
    from = to
  }
}

/** Rows [from, to), their ids not copied. */
export function rowsBetween({ ids, offsets }: RaggedRows, from: number, to: number): RaggedRows {
  const first = offsets[from]!
  return { ids: ids.subarray(first, offsets[to]), offsets: offsets.slice(from, to + 1).map((at) => at - first) }
}

/** Rows of a ragged batch, by their places. */
export function pickRows({ ids, offsets }: RaggedRows, rows: readonly number[]): RaggedRows {
  const picked = new Int32Array(rows.length + 1)
  rows.forEach((row, i) => (picked[i + 1] = picked[i]! + offsets[row + 1]! - offsets[row]!))
  const out = new Int32Array(picked.at(-1)!)
  rows.forEach((row, i) => out.set(ids.subarray(offsets[row], offsets[row + 1]), picked[i]))
  return { ids: out, offsets: picked }
}
