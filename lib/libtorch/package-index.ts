import type { FileHandle } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { aborted, isSentorchError, SentorchError, throwIfAborted } from '../base/errors'
import { trimEnd } from '../base/text'
import { sideBySide } from './unpack'
import type { ByteSource } from './wheel-reader'
import type { Wheel } from './wheels'

// Wheels in a package index: where they are (simple index), and reading ranges of them without a complete download.

/** The location of a file, and the headers for requesting it. */
export interface WheelLocation {
  url: string
  headers: Record<string, string>
}

const ACCEPT = 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1'

/**
 * Finds a wheel in the first of several simple indexes (PEP 503 and 691) that lists it. Addresses may contain user:password, which are sent
 * only to that host. Rejects with ERR_DOWNLOAD, which lists the response of each index.
 */
export async function locateWheel(
  indexes: readonly string[],
  wheel: Wheel,
  send: typeof fetch,
  signal?: AbortSignal,
): Promise<WheelLocation> {
  const answers: string[] = []
  for (const index of indexes) {
    const { address, headers } = credentials(index)
    const page = `${trimEnd(address, '/')}/${wheel.name}/`
    try {
      const response = await send(page, { headers: { ...headers, accept: ACCEPT }, signal: requestSignal(signal) })
      if (!response.ok) {
        await response.body?.cancel()
        answers.push(`${page}  responded with ${response.status} ${response.statusText}`.trimEnd())
        continue
      }
      const text = await response.text()
      const links = (response.headers.get('content-type') ?? '').includes('json') ? jsonLinks(text) : htmlLinks(text)
      const found = links.map((link) => new URL(link, response.url || page)).find((url) => fileName(url) === wheel.file)
      if (found) return { url: found.href, headers: found.origin === new URL(page).origin ? headers : {} }
      answers.push(`${page}  does not list ${wheel.file}`)
    } catch (error) {
      throwIfAborted(signal)
      answers.push(`${page}  ${reason(error)}`)
    }
  }
  throw new SentorchError(
    'ERR_DOWNLOAD',
    [
      `No index lists ${wheel.file}. Searched:`,
      ...answers.map((answer) => `  ${answer}`),
      'Set PIP_INDEX_URL to an index that lists it, or provide the wheels yourself (--offline DIR).',
    ].join('\n'),
    { detail: { file: wheel.file, answers } },
  )
}

/** The innermost cause of a failed request, which is the only informative one. */
function reason(error: unknown): string {
  let inner = error
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause
  return inner instanceof Error ? inner.message || ((inner as NodeJS.ErrnoException).code ?? inner.name) : String(inner)
}

function requestSignal(signal?: AbortSignal): AbortSignal {
  const limit = AbortSignal.timeout(60_000)
  return signal ? AbortSignal.any([signal, limit]) : limit
}

/** Moves credentials from the address to a header, since fetch rejects addresses that contain them. */
function credentials(index: string): { address: string; headers: Record<string, string> } {
  let url: URL
  try {
    url = new URL(index)
  } catch (cause) {
    throw new SentorchError('ERR_DOWNLOAD', `The package index in pip's settings is not a valid URL: ${index}`, { cause })
  }
  if (!url.username && !url.password) return { address: url.href, headers: {} }
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  url.username = url.password = ''
  return { address: url.href, headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } }
}

function jsonLinks(text: string): string[] {
  const { files } = JSON.parse(text) as { files?: { url?: unknown }[] }
  return (files ?? []).flatMap(({ url }) => (typeof url === 'string' ? [url] : []))
}

function htmlLinks(text: string): string[] {
  return text.split(/<a(?=\s)/i).flatMap((after, i) => {
    const match = i > 0 && /^\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(after)
    return match ? [(match[1] ?? match[2]!).replaceAll('&quot;', '"').replaceAll('&#x27;', "'").replaceAll('&amp;', '&')] : []
  })
}

function fileName(url: URL): string {
  const last = url.pathname.slice(url.pathname.lastIndexOf('/') + 1)
  try {
    return decodeURIComponent(last)
  } catch {
    return last
  }
}

/** Size of the blocks that are tracked as present or missing. */
const BLOCK = 256 * 1024
/** Maximum bytes per request, and bytes that are read ahead for the directory of the archive. */
const REQUEST_BLOCKS = 64
const READ_AHEAD = 1024 * 1024
const CONNECTIONS = 4

/**
 * A file on a server as a local file of the same size whose content is downloaded on demand, to disk rather than to memory.
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

  /** Number of bytes that fetching these extents would transfer. */
  missingBytes(extents: readonly [start: number, end: number][]): number {
    return this.missing(extents).reduce((sum, [start, end]) => sum + end - start, 0)
  }

  /** Downloads the missing parts of these extents over a few parallel connections. */
  async fetch(extents: readonly [start: number, end: number][], onBytes: (bytes: number) => void = () => {}): Promise<void> {
    const pieces = this.missing(extents).flatMap(([start, end]) => cut(start, end))
    await sideBySide(pieces, CONNECTIONS, this.signal, (piece, signal) => this.fetchPiece(piece, onBytes, signal))
  }

  /** Discards this extent, so that it is downloaded again when it is next needed. */
  forget([start, end]: [start: number, end: number]): void {
    this.present.fill(0, Math.floor(start / BLOCK), Math.ceil(end / BLOCK))
  }

  get bytes(): number {
    return this.remote.bytes
  }

  async read(buffer: Buffer, position: number): Promise<void> {
    const end = position + buffer.length
    if (end > this.bytes) throw new Error('the file is truncated')
    if (this.missing([[position, end]]).length > 0) await this.fetch([[position, Math.max(end, position + READ_AHEAD)]])
    const { bytesRead } = await this.local.read(buffer, 0, buffer.length, position)
    if (bytesRead !== buffer.length) throw new Error('the partial copy is truncated')
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

  /** Byte ranges of the blocks that these extents touch and that are still missing. */
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
  /** Milliseconds before the first retry; doubled for each further one. Defaults to 500. */
  retryMs?: number
  /** Milliseconds without data after which a connection is closed. Defaults to 30 000. */
  stallMs?: number
}

/** Maximum consecutive attempts without any data. */
const ATTEMPTS = 5

/**
 * Downloads the bytes [start, end) of a file. An interrupted or stalled connection is resumed at its position.
 * Rejects with ERR_DOWNLOAD if the server does not support ranges, has a different file, or sends nothing in five attempts.
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
      if (++failures >= ATTEMPTS) throw failed(file, `${ATTEMPTS} attempts at byte ${position} returned no data: ${reason(error)}`, error)
      await delay((file.retryMs ?? 500) * 2 ** (failures - 1), undefined, { signal }).catch(() => throwIfAborted(signal))
    }
  }
}

async function* request(file: RemoteFile, start: number, end: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const stall = new AbortController()
  const timer = setTimeout(() => stall.abort(new Error('the connection stalled')), file.stallMs ?? 30_000)
  try {
    const headers = { ...file.headers, range: `bytes=${start}-${end - 1}`, 'accept-encoding': 'identity' }
    const response = await file.send(file.url, { headers, signal: signal ? AbortSignal.any([signal, stall.signal]) : stall.signal })
    const body = checked(file, response, start)
    let left = end - start
    for await (const chunk of body) {
      timer.refresh()
      if (chunk.length > left) throw failed(file, 'the server sent more data than requested')
      left -= chunk.length
      yield chunk
    }
  } finally {
    clearTimeout(timer)
    stall.abort()
  }
}

/** If this throws a SentorchError, retries cannot help. */
function checked(file: RemoteFile, response: Response, start: number): AsyncIterable<Uint8Array> {
  const { status } = response
  if (status === 200) {
    throw failed(
      file,
      'the server or a proxy ignores byte ranges and sends the whole file. ' +
        'Use pip (omit --ranges) or provide the wheels yourself (--offline DIR)',
    )
  }
  if (status === 408 || status === 429 || status >= 500)
    throw new Error(`the server responded with ${status} ${response.statusText}`.trimEnd())
  if (status !== 206) throw failed(file, `the server responded with ${status} ${response.statusText}`.trimEnd())
  const range = response.headers.get('content-range') ?? ''
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range)
  if (!match || Number(match[1]) !== start) throw failed(file, `the server responded with another range ('${range}')`)
  if (match[2] !== '*' && Number(match[2]) !== file.bytes) {
    throw failed(file, `the server's file has ${match[2]} bytes, not ${file.bytes}: it is another build`)
  }
  if (!response.body) throw new Error('the response has no body')
  return response.body
}

function failed(file: RemoteFile, why: string, cause?: unknown): SentorchError {
  return new SentorchError('ERR_DOWNLOAD', `${file.name} could not be downloaded in parts: ${why}.`, { cause, detail: { url: file.url } })
}
