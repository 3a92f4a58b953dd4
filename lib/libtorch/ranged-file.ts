import type { FileHandle } from 'node:fs/promises'
import type { ByteSource } from './byte-source'
import { readRange, type RemoteFile } from './range-requests'
import { sideBySide } from './side-by-side'

/** The unit in which is noted what is there. */
const BLOCK = 256 * 1024
/** Bytes of one request, and of what is read ahead when the archive's directory is walked. */
const REQUEST_BLOCKS = 64
const READ_AHEAD = 1024 * 1024
const CONNECTIONS = 4

/**
 * A file on a server as a local file of the same length, filled in only where it is read. Bytes go to disk, not to memory.
 */
export class RangedFile implements ByteSource {
  private readonly present: Uint8Array

  constructor(
    private readonly remote: RemoteFile,
    private readonly local: FileHandle,
    private readonly signal?: AbortSignal,
  ) {
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

  get bytes(): number {
    return this.remote.bytes
  }

  async read(buffer: Buffer, position: number): Promise<void> {
    const end = position + buffer.length
    if (end > this.bytes) throw new Error('the file is cut short')
    if (this.missing([[position, end]]).length > 0) await this.fetch([[position, Math.max(end, position + READ_AHEAD)]])
    const { bytesRead } = await this.local.read(buffer, 0, buffer.length, position)
    if (bytesRead !== buffer.length) throw new Error('the partial copy is cut short')
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
