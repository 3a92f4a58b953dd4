/** A growable `Int32Array`. */
export class FlatIntegers {
  #values = new Int32Array(1024)
  #length = 0

  get length(): number {
    return this.#length
  }

  push(values: ArrayLike<number>): void {
    this.#reserve(values.length)
    this.#values.set(values, this.#length)
    this.#length += values.length
  }

  /** Appends `count` integers, all `value`, and returns a view of them that is valid until the next change. */
  extend(count: number, value: number): Int32Array {
    this.#reserve(count)
    const start = this.#length
    this.#length += count
    return this.#values.fill(value, start, this.#length).subarray(start, this.#length)
  }

  /** A copy of the integers. */
  finish(): Int32Array {
    return this.#values.slice(0, this.#length)
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#values.length) return
    const grown = new Int32Array(Math.max(2 * this.#values.length, this.#length + count))
    grown.set(this.#values.subarray(0, this.#length))
    this.#values = grown
  }
}

/** Concatenates the parts. A single part is returned without a copy, since it may be large. */
export function concatenated(parts: readonly Int32Array[]): Int32Array {
  if (parts.length === 1) return parts[0]!
  const whole = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
