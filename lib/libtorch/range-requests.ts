import { setTimeout as delay } from 'node:timers/promises'
import { SentorchError, aborted, isSentorchError, throwIfAborted } from '../base/errors'
import { reason, type WheelLocation } from './simple-index'

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
