/** Half precision, for Node versions without Float16Array. */

const numbers = new Float32Array(1)
const bits = new Uint32Array(numbers.buffer)

/** The bits of the nearest float16 (ties to even); what is too large becomes an infinity. */
export function toFloat16(values) {
  return Uint16Array.from(values, (value) => {
    numbers[0] = value
    const [x] = bits
    const sign = (x >>> 16) & 0x8000
    const magnitude = x & 0x7fffffff
    if (magnitude >= 0x7f800000) return sign | 0x7c00 | (magnitude > 0x7f800000 ? 0x200 : 0)
    if (magnitude >= 0x477ff000) return sign | 0x7c00
    if (magnitude < 0x38800000) return sign | roundedToEven(Math.abs(value) * 2 ** 24)
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
  })
}

/** The values of float16 bits. */
export function fromFloat16(halves) {
  return Float32Array.from(halves, (half) => VALUES[half])
}

const VALUES = Float32Array.from({ length: 65536 }, (_, half) => {
  const [sign, exponent, fraction] = [half & 0x8000 ? -1 : 1, (half >>> 10) & 31, half & 1023]
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
})

function roundedToEven(value) {
  const floor = Math.floor(value)
  const rest = value - floor
  return floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0)
}
