import { readFileSync } from 'node:fs'
import { readSafetensorsHeader } from '../../lib/format/safetensors'

/** A matrix as a file has it: NumPy's or safetensors' name of its type, its shape, and its bytes. */
export interface StoredMatrix {
  dtype: string
  shape: number[]
  bytes: Buffer
}

/** NumPy's format 1.0; refuses bytes that are more or fewer than the header says. */
export function readNpy(file: string): StoredMatrix {
  const all = readFileSync(file)
  if (all.toString('latin1', 0, 8) !== '\x93NUMPY\x01\x00') throw new Error(`${file} is no .npy file of version 1.0`)
  const start = 10 + all.readUInt16LE(8)
  const header = all.toString('latin1', 10, start)
  const [, dtype, rows, columns] = /^\{'descr': '([^']+)', 'fortran_order': False, 'shape': \((\d+), (\d+)\), \} *\n$/.exec(header) ?? []
  if (dtype === undefined) throw new Error(`${file} has the header ${header}`)
  return { dtype, shape: [Number(rows), Number(columns)], bytes: all.subarray(start) }
}

/** The one tensor of a safetensors file. */
export async function readSafetensors(file: string): Promise<StoredMatrix & { name: string; metadata: Record<string, string> }> {
  const { tensors, metadata } = await readSafetensorsHeader(file)
  const [[name, { dtype, shape, offset, bytes }]] = [...tensors] as [
    [string, { dtype: string; shape: number[]; offset: number; bytes: number }],
  ]
  return { name, dtype, shape, bytes: readFileSync(file).subarray(offset, offset + bytes), metadata: Object.fromEntries(metadata) }
}

export function readJsonLines(file: string): number[][] {
  const lines = readFileSync(file, 'utf8').split('\n')
  if (lines.pop() !== '') throw new Error(`${file} does not end with a line end`)
  return lines.map((line) => JSON.parse(line) as number[])
}
