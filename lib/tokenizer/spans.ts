/**
 * Turns spans in code points, as the tokenizers library counts them, into start, end pairs in UTF-16 units.
 * `text` has no lone surrogates; `spans`: [start, end] of each token.
 */
export function toUtf16(text: string, spans: readonly (readonly number[])[]): Int32Array {
  const result = new Int32Array(2 * spans.length)
  const units = /[\ud800-\udbff]/.test(text) ? unitsOfPoints(text) : undefined
  spans.forEach(([start, end], i) => {
    result[2 * i] = units ? units[start!]! : start!
    result[2 * i + 1] = units ? units[end!]! : end!
  })
  return result
}

/** For each code point, and for the end, the UTF-16 unit at which it starts. */
function unitsOfPoints(text: string): Int32Array {
  const units = new Int32Array(text.length + 1)
  let point = 0
  for (let unit = 0; unit < text.length; unit += text.codePointAt(unit)! > 0xffff ? 2 : 1) units[point++] = unit
  units[point] = text.length
  return units
}
