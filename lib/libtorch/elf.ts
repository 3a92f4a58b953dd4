import { open, type FileHandle } from 'node:fs/promises'
import { unlessOutOfFiles } from '../files/file-errors'

const PT_LOAD = 1
const PT_DYNAMIC = 2
const DT_NEEDED = 1n
const DT_STRTAB = 5n

/**
 * The names of the shared libraries that a 64-bit little-endian ELF file needs; null where the file is none or is cut short.
 * Reads a few kilobytes, never the file.
 */
export async function readNeeded(path: string): Promise<string[] | null> {
  const file = await open(path, 'r').catch(unlessOutOfFiles(path, null))
  if (file === null) return null
  try {
    return await needed(file)
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  } finally {
    await file.close()
  }
}

async function needed(file: FileHandle): Promise<string[]> {
  const header = await bytes(file, 0n, 64)
  if (header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1) throw new RangeError('no ELF file')
  const entrySize = header.readUInt16LE(54)
  const count = header.readUInt16LE(56)
  const programHeaders = await bytes(file, header.readBigUInt64LE(32), entrySize * count)

  const loads: { offset: bigint; address: bigint; size: bigint }[] = []
  let dynamic: Buffer | undefined
  for (let i = 0; i < count; i++) {
    const entry = programHeaders.subarray(i * entrySize, (i + 1) * entrySize)
    const [offset, address, size] = [entry.readBigUInt64LE(8), entry.readBigUInt64LE(16), entry.readBigUInt64LE(32)]
    if (entry.readUInt32LE(0) === PT_LOAD) loads.push({ offset, address, size })
    if (entry.readUInt32LE(0) === PT_DYNAMIC) dynamic = await bytes(file, offset, Number(size))
  }
  if (dynamic === undefined) return []

  const nameOffsets: bigint[] = []
  let stringTable = 0n
  for (let i = 0; i + 16 <= dynamic.length; i += 16) {
    const [tag, value] = [dynamic.readBigUInt64LE(i), dynamic.readBigUInt64LE(i + 8)]
    if (tag === 0n) break
    if (tag === DT_NEEDED) nameOffsets.push(value)
    if (tag === DT_STRTAB) stringTable = value
  }
  const load = loads.find(({ address, size }) => stringTable >= address && stringTable < address + size)
  if (load === undefined) throw new RangeError('the string table lies in no segment')
  const base = stringTable - load.address + load.offset
  return await Promise.all(nameOffsets.map((offset) => name(file, base + offset)))
}

async function name(file: FileHandle, position: bigint): Promise<string> {
  const buffer = Buffer.alloc(256)
  const { bytesRead } = await file.read(buffer, 0, buffer.length, Number(position))
  const end = buffer.subarray(0, bytesRead).indexOf(0)
  if (end < 0) throw new RangeError('a name does not end')
  return buffer.toString('latin1', 0, end)
}

async function bytes(file: FileHandle, position: bigint, length: number): Promise<Buffer> {
  if (length > 1 << 20) throw new RangeError('a header of more than a megabyte')
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, Number(position))
  if (bytesRead < length) throw new RangeError('the file is cut short')
  return buffer
}
