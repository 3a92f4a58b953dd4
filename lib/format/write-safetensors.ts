import type { ParameterValue, WriteRequest, WriteSource } from '../../binding'
import { BITS } from './safetensors'
import type { LocatedTensor } from './weights'

/** A tensor of a file that is written: its type, its shape and where its bytes come from. */
export interface TensorToWrite {
  dtype: string
  shape: readonly number[]
  from: WriteSource
}

/** What the native model has now, float32. */
export function valueOf(parameter: string, shape: readonly number[], value: ParameterValue = 'value'): TensorToWrite {
  return { dtype: 'F32', shape, from: { value, parameter } }
}

/** The bytes as they are stored. `files`: those that the tensor names by place. */
export function storedBytes({ dtype, shape, file, offset, bytes }: LocatedTensor, files: readonly string[]): TensorToWrite {
  return { dtype, shape, from: { file: files[file]!, offset, bytes } }
}

/**
 * The request for a safetensors file. Tensors lie one behind the other, the widest types first and then by name, as Python's library writes
 * them: so each begins at a multiple of its element's size.
 */
export function safetensorsFile(path: string, tensors: ReadonlyMap<string, TensorToWrite>): WriteRequest {
  const sorted = [...tensors].sort(([a, x], [b, y]) => BITS[y.dtype]! - BITS[x.dtype]! || (a < b ? -1 : 1))
  // transformers refuses a file that does not say where it comes from.
  const entries: [string, object][] = [['__metadata__', { format: 'pt' }]]
  let at = 0
  for (const [name, { dtype, shape }] of sorted) {
    const end = at + (shape.reduce((product, size) => product * size, 1) * BITS[dtype]!) / 8
    entries.push([name, { dtype, shape, data_offsets: [at, end] }])
    at = end
  }
  return { path, header: headerBytes(entries), parts: sorted.map(([, { from }]) => from) }
}

/** Length, 64 bits little-endian, and JSON, filled up with spaces to a multiple of 8. */
function headerBytes(entries: readonly [string, object][]): Uint8Array {
  const json = Buffer.from(`{${entries.map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(',')}}`)
  const length = Math.ceil(json.length / 8) * 8
  const bytes = Buffer.alloc(8 + length, ' ')
  bytes.writeBigUInt64LE(BigInt(length))
  json.copy(bytes, 8)
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}
