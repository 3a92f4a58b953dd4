/** The smallest 64-bit shared library that needs these others: one segment with its dynamic table and names. */
export function elf(needed: readonly string[]): Buffer {
  const names = Buffer.from(['', ...needed, ''].join('\0'), 'latin1')
  const dynamicAt = 64 + 2 * 56
  const namesAt = dynamicAt + (needed.length + 2) * 16
  const bytes = Buffer.alloc(namesAt + names.length)
  const address = 0x10000

  bytes.writeUInt32BE(0x7f454c46, 0)
  bytes.set([2, 1, 1], 4)
  bytes.writeBigUInt64LE(64n, 32)
  bytes.writeUInt16LE(56, 54)
  bytes.writeUInt16LE(2, 56)

  const segment = (at: number, type: number, offset: number, size: number): void => {
    bytes.writeUInt32LE(type, at)
    bytes.writeBigUInt64LE(BigInt(offset), at + 8)
    bytes.writeBigUInt64LE(BigInt(address + offset), at + 16)
    bytes.writeBigUInt64LE(BigInt(size), at + 32)
  }
  segment(64, 1, 0, bytes.length)
  segment(64 + 56, 2, dynamicAt, namesAt - dynamicAt)

  let nameAt = 1
  const entries = needed.map((name): [number, number] => {
    const entry: [number, number] = [1, nameAt]
    nameAt += name.length + 1
    return entry
  })
  for (const [i, [tag, value]] of [...entries, [5, address + namesAt] as const].entries()) {
    bytes.writeBigUInt64LE(BigInt(tag), dynamicAt + i * 16)
    bytes.writeBigUInt64LE(BigInt(value), dynamicAt + i * 16 + 8)
  }
  names.copy(bytes, namesAt)
  return bytes
}
