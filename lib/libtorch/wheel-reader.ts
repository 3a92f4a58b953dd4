import { createHash } from 'node:crypto'
import { open, writeFile, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createInflateRaw, inflateRaw } from 'node:zlib'
import { fromRandomAccessReaderPromise, RandomAccessReader, type Entry, type ZipFile } from 'yauzl'
import { SentorchError, throwIfAborted } from '../base/errors'
import { makeFolder } from '../files/folders'
import type { Wheel } from './wheels'

/** Maximum size of members that are inflated in one piece. */
const SMALL = 4 << 20
const CHUNK = 1 << 18
const STORED = 0
const DEFLATED = 8

const inflateWhole = promisify<Buffer, { maxOutputLength: number }, Buffer>(inflateRaw)

/** An error for a member whose content differs from what the wheel should contain. */
export class BrokenMemberError extends SentorchError {
  constructor(wheel: Wheel, member: string, reason: string, cause?: unknown) {
    super('ERR_DOWNLOAD', `${member} in ${wheel.file} is damaged: ${reason}. It was not installed.`, {
      cause,
      detail: { file: wheel.file, member },
    })
  }
}

/** Extracts members from a wheel. Each is checked against the RECORD, and the RECORD against the value in the table. */
export class WheelReader {
  private constructor(
    private readonly source: ByteSource,
    private readonly wheel: Wheel,
    private readonly zip: ZipFile,
    private readonly entries: ReadonlyMap<string, Entry>,
    /** The members to keep. */
    readonly kept: readonly Member[],
  ) {}

  /** Reads the directory and the RECORD. The caller closes the source. */
  static async open(source: ByteSource, wheel: Wheel, cuda: boolean): Promise<WheelReader> {
    try {
      const zip = await fromRandomAccessReaderPromise(new ArchiveView(source), source.bytes, { autoClose: false })
      const entries = new Map<string, Entry>()
      for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry)

      const path = recordPath(wheel)
      const entry = entries.get(path)
      if (entry === undefined || entry.uncompressedSize > SMALL) throw new BrokenMemberError(wheel, path, 'it is missing or too large')
      const reader = new WheelReader(source, wheel, zip, entries, [])
      const record = await reader.readWhole(entry)
      const sha256 = createHash('sha256').update(record).digest('hex')
      if (sha256 !== wheel.record) throw new BrokenMemberError(wheel, path, `its sha256 is ${sha256}, not ${wheel.record}`)

      const { kept, missing } = keptMembers(wheel, cuda, parseRecord(record.toString('utf8')))
      missing.push(...kept.map((member) => member.path).filter((path) => !entries.has(path)))
      if (missing.length > 0) throw new BrokenMemberError(wheel, missing.join(', '), 'it is missing')
      return new WheelReader(source, wheel, zip, entries, kept)
    } catch (error) {
      throw error instanceof SentorchError ? error : new BrokenMemberError(wheel, 'the archive', (error as Error).message, error)
    }
  }

  /** The byte range of a kept member in the file: [start, end). It allows for the local header, whose length is not yet known. */
  extent(member: Member): [start: number, end: number] {
    const { relativeOffsetOfLocalHeader: start, fileNameLength, extraFieldLength, compressedSize } = this.entries.get(member.path)!
    return [start, Math.min(start + 30 + fileNameLength + extraFieldLength + 1024 + compressedSize, this.source.bytes)]
  }

  /** Writes one member below `folder`. Rejects with a `BrokenMemberError` if its content is wrong. */
  async extract(member: Member, folder: string, onBytes: (bytes: number) => void, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal)
    const entry = this.entries.get(member.path)!
    if (entry.uncompressedSize !== member.bytes) throw this.broken(entry, `it has ${entry.uncompressedSize} bytes, not ${member.bytes}`)
    const target = join(folder, ...member.path.split('/'))
    await makeFolder(dirname(target))
    const sha256 = await (member.bytes <= SMALL
      ? this.copyWhole(entry, target, onBytes)
      : this.copyInPieces(entry, target, onBytes, signal))
    if (sha256 !== member.sha256) throw this.broken(entry, `its sha256 is ${sha256}, not ${member.sha256}`)
  }

  private async copyWhole(entry: Entry, target: string, onBytes: (bytes: number) => void): Promise<string> {
    const bytes = await this.readWhole(entry)
    await writeFile(target, bytes)
    onBytes(bytes.length)
    return createHash('sha256').update(bytes).digest('hex')
  }

  private async copyInPieces(entry: Entry, target: string, onBytes: (bytes: number) => void, signal?: AbortSignal): Promise<string> {
    const start = await this.dataStart(entry)
    const hash = createHash('sha256')
    const file = await open(target, 'w', 0o755)
    const write = async (pieces: AsyncIterable<Buffer>): Promise<void> => {
      for await (const piece of pieces) {
        hash.update(piece)
        await file.writeFile(piece) // Appends at the current position.
        onBytes(piece.length)
      }
    }
    try {
      const packed = Readable.from(this.packed(start, entry.compressedSize))
      if (entry.compressionMethod === STORED) await pipeline(packed, write, { signal })
      else await pipeline(packed, createInflateRaw({ chunkSize: CHUNK }), write, { signal })
      await file.sync()
    } catch (error) {
      throw this.inflateError(entry, error, signal)
    } finally {
      await file.close()
    }
    return hash.digest('hex')
  }

  private async readWhole(entry: Entry): Promise<Buffer> {
    const packed = Buffer.alloc(entry.compressedSize)
    await this.source.read(packed, await this.dataStart(entry))
    if (entry.compressionMethod === STORED) return packed
    try {
      return await inflateWhole(packed, { maxOutputLength: Math.max(entry.uncompressedSize, 1) })
    } catch (error) {
      throw this.inflateError(entry, error)
    }
  }

  private async *packed(start: number, bytes: number): AsyncGenerator<Buffer> {
    for (let done = 0; done < bytes; done += CHUNK) {
      const piece = Buffer.alloc(Math.min(CHUNK, bytes - done))
      await this.source.read(piece, start + done)
      yield piece
    }
  }

  private async dataStart(entry: Entry): Promise<number> {
    if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) {
      throw this.broken(entry, `it uses the unsupported compression method ${entry.compressionMethod}`)
    }
    try {
      return (await this.zip.readLocalFileHeaderPromise(entry, { minimal: true })).fileDataStart
    } catch (error) {
      throw this.inflateError(entry, error)
    }
  }

  /** Errors of zlib and yauzl mean that a member is damaged. A failing server or a full disk does not. */
  private inflateError(entry: Entry, error: unknown, signal?: AbortSignal): unknown {
    throwIfAborted(signal)
    const { code = '', message } = error as NodeJS.ErrnoException
    const isOurs = error instanceof SentorchError || /^E[A-Z0-9]+$/.test(code)
    return isOurs ? error : this.broken(entry, message, error)
  }

  private broken(entry: Entry, reason: string, cause?: unknown): BrokenMemberError {
    return new BrokenMemberError(this.wheel, entry.fileName, reason, cause)
  }
}

/** One file of a wheel, as listed in its RECORD. */
export interface Member {
  /** Path inside the wheel, with forward slashes. */
  path: string
  /** Hexadecimal. */
  sha256: string
  bytes: number
}

/** Headers that only programs with Python, protobuf or Metal include: a tenth of the bytes. */
const NEVER_INCLUDED = /^torch\/include\/(google|pybind11|tensorpipe|kineto|c10\/metal)\//

const LICENSE = /^([^/]+\.dist-info\/(licenses\/)?|nvidia\/[^/]+\/)(LICENSE|NOTICE|License)(\.txt)?$/

/** Reads a wheel's RECORD. Entries without a hash (the RECORD itself) are skipped. */
export function parseRecord(text: string): Member[] {
  const members: Member[] = []
  for (const line of text.split(/\r?\n/)) {
    const match = /^(?:"((?:[^"]|"")*)"|([^,]*)),sha256=([\w-]+)=*,(\d+)$/.exec(line)
    if (!match) continue
    const path = match[1] !== undefined ? match[1].replaceAll('""', '"') : match[2]!
    members.push({ path, sha256: Buffer.from(match[3]!, 'base64url').toString('hex'), bytes: Number(match[4]) })
  }
  return members
}

/** The libraries to keep from a wheel. */
export function keptLibraries(wheel: Wheel, cuda: boolean): string[] {
  return [...wheel.libraries, ...((cuda && wheel.cudaLibraries) || [])]
}

/** The files to keep from a wheel: its libraries, its licences and, if it contains them, the headers for building. */
export function keptMembers(wheel: Wheel, cuda: boolean, members: readonly Member[]): { kept: Member[]; missing: string[] } {
  const libraries = new Set(keptLibraries(wheel, cuda))
  const isKept = (path: string): boolean =>
    libraries.has(path) || LICENSE.test(path) || (wheel.headers === true && path.startsWith('torch/include/') && !NEVER_INCLUDED.test(path))
  const kept = members.filter(({ path }) => isKept(path))
  for (const { path } of kept) libraries.delete(path)
  return { kept, missing: [...libraries] }
}

/** Path of the RECORD in a wheel, whose folder has the name at the start of the file name. */
export function recordPath(wheel: Wheel): string {
  return `${wheel.file.split('-', 2).join('-')}.dist-info/RECORD`
}

/** A file with random access, on this disk or on a server. */
export interface ByteSource {
  readonly bytes: number
  /** Fills the buffer from `position`. Rejects if the file is too short. */
  read(buffer: Buffer, position: number): Promise<void>
}

export class LocalFile implements ByteSource {
  private constructor(
    private readonly file: FileHandle,
    readonly bytes: number,
  ) {}

  static async open(path: string): Promise<LocalFile> {
    const file = await open(path, 'r')
    return new LocalFile(file, (await file.stat()).size)
  }

  async read(buffer: Buffer, position: number): Promise<void> {
    const { bytesRead } = await this.file.read(buffer, 0, buffer.length, position)
    if (bytesRead !== buffer.length) throw new Error('the file is truncated')
  }

  async close(): Promise<void> {
    await this.file.close()
  }
}

/**
 * yauzl's interface to a source, for reading the directory of an archive. Members are not read through it: if one of several parallel streams
 * of yauzl is closed early, the resulting error cannot be caught.
 */
class ArchiveView extends RandomAccessReader {
  constructor(private readonly source: ByteSource) {
    super()
  }

  override read(buffer: Buffer, offset: number, length: number, position: number, callback: (error: Error | null) => void): void {
    this.source.read(buffer.subarray(offset, offset + length), position).then(
      () => callback(null),
      (error: Error) => callback(error),
    )
  }
}
