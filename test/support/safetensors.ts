import { writeFileSync } from 'node:fs'

export interface TensorSpec {
  dtype?: string
  shape: number[]
}

/** False claims of a file. */
export interface Lies {
  /** Instead of the true header. */
  header?: string | Buffer | ((entries: Record<string, unknown>) => unknown)
  /** Instead of the header's true length. */
  headerLength?: bigint
  /** Bytes after the last tensor. */
  trailing?: number
  /** Length at which the file is truncated. */
  cutAt?: number
}

const BYTES: Record<string, number> = { BOOL: 1, U8: 1, I32: 4, I64: 8, F16: 2, BF16: 2, F32: 4, F64: 8 }

/** A safetensors file of zeros, in the given order; valid by default. */
export function safetensors(tensors: Record<string, TensorSpec>, lies: Lies = {}): Buffer {
  const entries: Record<string, unknown> = { __metadata__: { format: 'pt' } }
  let at = 0
  for (const [name, { dtype = 'F32', shape }] of Object.entries(tensors)) {
    const end = at + shape.reduce((product, size) => product * size, BYTES[dtype]!)
    entries[name] = { dtype, shape, data_offsets: [at, end] }
    at = end
  }
  const told = typeof lies.header === 'function' ? lies.header(entries) : (lies.header ?? entries)
  const header = Buffer.isBuffer(told) ? told : Buffer.from(typeof told === 'string' ? told : JSON.stringify(told))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(lies.headerLength ?? BigInt(header.length))
  return Buffer.concat([length, header, Buffer.alloc(at + (lies.trailing ?? 0))]).subarray(0, lies.cutAt)
}

export function writeSafetensors(file: string, tensors: Record<string, TensorSpec>, lies?: Lies): void {
  writeFileSync(file, safetensors(tensors, lies))
}
