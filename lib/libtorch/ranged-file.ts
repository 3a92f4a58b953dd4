import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { RandomAccessReader } from 'yauzl'
import { readRange, type RemoteFile } from './range-requests'
import { sideBySide } from './side-by-side'

/** The unit in which is noted what is there. */
const BLOCK = 256 * 1024
/** Bytes of one request, and of what is read ahead when the archive's directory is walked. */
const REQUEST_BLOCKS = 64
const READ_AHEAD = 1024 * 1024
const CONNECTIONS = 4

/**
 * A file on a server as a local file of the same length, filled in only where it is read: yauzl's view of a remote archive.
 * Bytes go to disk, not to memory.
 */
export class RangedFile extends RandomAccessReader {
  private readonly present: Uint8Array

  constructor(
    private readonly remote: RemoteFile,
    private readonly local: FileHandle,
    private readonly signal?: AbortSignal,
  ) {
    super()
    this.present = new Uint8Array(Math.ceil(remote.bytes / BLOCK))
  }

  /** Bytes that fetching these extents would transfer. */
  missingBytes(extents: readonly [start: number, end: number][]): number {
    return this.missing(extents).reduce((sum, [start, end]) => sum + end - start, 0)
  }

  /** Fetches what is missing of these extents over a few connections side by side. */
  async fetch(extents: readonly [start: number, end: number][], onBytes: (bytes: number) => void = () => {}): Promise<void> {
    const pieces = this.missing(extents).flatMap(([start, end]) => cut(start, end))
    await sideBySide(pieces, CONNECTIONS, this.signal, (piece, signal) => this.fetchPiece(piece, onBytes, signal))
  }

  /** What was fetched of this extent is fetched again when next asked for. */
  forget([start, end]: [start: number, end: number]): void {
    this.present.fill(0, Math.floor(start / BLOCK), Math.ceil(end / BLOCK))
  }

  override read(buffer: Buffer, offset: number, length: number, position: number, callback: (error: Error | null) => void): void {
    this.readInto(buffer, offset, length, position).then(
      () => callback(null),
      (error: Error) => callback(error),
    )
  }

  override _readStreamForRange(start: number, end: number): Readable {
    const parts = async function* (this: RangedFile) {
      for (let position = start; position < end; position += READ_AHEAD) {
        const buffer = Buffer.alloc(Math.min(READ_AHEAD, end - position))
        await this.readInto(buffer, 0, buffer.length, position)
        yield buffer
      }
    }
    return Readable.from(parts.call(this), { objectMode: false })
  }

  private async readInto(buffer: Buffer, offset: number, length: number, position: number): Promise<void> {
    const end = position + length
    if (end > this.remote.bytes) throw new Error('a read beyond the end of the archive')
    if (this.missing([[position, end]]).length > 0) await this.fetch([[position, position + Math.max(length, READ_AHEAD)]])
    const { bytesRead } = await this.local.read(buffer, offset, length, position)
    if (bytesRead !== length) throw new Error('the partial copy of the archive is cut short')
  }

  private async fetchPiece([start, end]: [number, number], onBytes: (bytes: number) => void, signal: AbortSignal): Promise<void> {
    let position = start
    for await (const chunk of readRange(this.remote, start, end, signal)) {
      await this.local.write(chunk, 0, chunk.length, position)
      position += chunk.length
      onBytes(chunk.length)
    }
    this.present.fill(1, start / BLOCK, Math.ceil(end / BLOCK))
  }

  /** Runs of blocks that these extents touch and that are not there yet, in bytes. */
  private missing(extents: readonly [start: number, end: number][]): [number, number][] {
    const wanted = new Uint8Array(this.present.length)
    for (const [start, end] of extents) wanted.fill(1, Math.floor(start / BLOCK), Math.ceil(end / BLOCK))
    const runs: [number, number][] = []
    for (let block = 0; block < wanted.length; block++) {
      if (!wanted[block] || this.present[block]) continue
      const first = block
      while (block + 1 < wanted.length && wanted[block + 1] && !this.present[block + 1]) block++
      runs.push([first * BLOCK, Math.min((block + 1) * BLOCK, this.remote.bytes)])
    }
    return runs
  }
}

function cut(start: number, end: number): [number, number][] {
  const pieces: [number, number][] = []
  for (let position = start; position < end; position += REQUEST_BLOCKS * BLOCK) {
    pieces.push([position, Math.min(position + REQUEST_BLOCKS * BLOCK, end)])
  }
  return pieces
}
