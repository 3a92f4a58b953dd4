import type { FileHandle } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { aborted, isSentorchError, SentorchError, throwIfAborted } from '../base/errors'
import { reason, type WheelLocation } from './simple-index'
import { sideBySide } from './unpack'
import type { ByteSource } from './wheel-reader'

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

/** A file on a server that is read in parts. */
export interface RemoteFile extends WheelLocation {
  send: typeof fetch
  /** Name for messages. */
  name: string
  bytes: number
  /** Milliseconds before the first new attempt; doubled for each further one. Defaults to 500. */
  retryMs?: number
  /** Milliseconds without a byte before a connection is given up. Defaults to 30 000. */
  stallMs?: number
}

/** Attempts in a row that bring no byte. */
const ATTEMPTS = 5

/**
 * The bytes [start, end) of a file. A connection that breaks off or stalls is taken up again where it ended.
 * Rejects with ERR_DOWNLOAD when the server does not serve ranges, has another file, or brings nothing in five attempts.
 */
export async function* readRange(file: RemoteFile, start: number, end: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  let position = start
  let failures = 0
  while (position < end) {
    try {
      for await (const chunk of request(file, position, end, signal)) {
        position += chunk.length
        failures = 0
        yield chunk
      }
      if (position < end) throw new Error('the connection ended early')
    } catch (error) {
      if (signal?.aborted) throw aborted(signal)
      if (isSentorchError(error)) throw error
      if (++failures >= ATTEMPTS) throw failed(file, `${ATTEMPTS} attempts at byte ${position} brought nothing: ${reason(error)}`, error)
      await delay((file.retryMs ?? 500) * 2 ** (failures - 1), undefined, { signal }).catch(() => throwIfAborted(signal))
    }
  }
}

async function* request(file: RemoteFile, start: number, end: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const stall = new AbortController()
  const timer = setTimeout(() => stall.abort(new Error('no byte came for a while')), file.stallMs ?? 30_000)
  try {
    const headers = { ...file.headers, range: `bytes=${start}-${end - 1}`, 'accept-encoding': 'identity' }
    const response = await file.send(file.url, { headers, signal: signal ? AbortSignal.any([signal, stall.signal]) : stall.signal })
    const body = checked(file, response, start)
    let left = end - start
    for await (const chunk of body) {
      timer.refresh()
      if (chunk.length > left) throw failed(file, 'the server sent more than it was asked for')
      left -= chunk.length
      yield chunk
    }
  } finally {
    clearTimeout(timer)
    stall.abort()
  }
}

/** Retries cannot help where this throws a SentorchError. */
function checked(file: RemoteFile, response: Response, start: number): AsyncIterable<Uint8Array> {
  const { status } = response
  if (status === 200) {
    throw failed(
      file,
      'the server (or a proxy on the way) ignores byte ranges and sends the whole file. ' +
        'Use pip (leave out --ranges) or bring the wheels by hand (--offline DIR)',
    )
  }
  if (status === 408 || status === 429 || status >= 500) throw new Error(`the server answered ${status} ${response.statusText}`.trimEnd())
  if (status !== 206) throw failed(file, `the server answered ${status} ${response.statusText}`.trimEnd())
  const range = response.headers.get('content-range') ?? ''
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range)
  if (!match || Number(match[1]) !== start) throw failed(file, `the server answered with another range ('${range}')`)
  if (match[2] !== '*' && Number(match[2]) !== file.bytes) {
    throw failed(file, `the server's file has ${match[2]} bytes, not ${file.bytes}: it is another build`)
  }
  if (!response.body) throw new Error('the answer has no body')
  return response.body
}

function failed(file: RemoteFile, why: string, cause?: unknown): SentorchError {
  return new SentorchError('ERR_DOWNLOAD', `${file.name} could not be fetched in parts: ${why}.`, { cause, detail: { url: file.url } })
}
