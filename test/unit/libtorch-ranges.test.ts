import { randomBytes } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { RangedFile, readRange, type RemoteFile } from '../../lib/libtorch/package-index'
import { scratch } from '../support/scratch'

const content = randomBytes(5_000_000)

/** A server in a function: what it answers to the n-th request. */
function remote(
  answer: (n: number, start: number, end: number, signal: AbortSignal) => Response | Promise<Response>,
): RemoteFile & { asked: [number, number][] } {
  const asked: [number, number][] = []
  const send = (async (_: unknown, init: RequestInit) => {
    const match = /^bytes=(\d+)-(\d+)$/.exec((init.headers as Record<string, string>).range!)!
    const [start, end] = [Number(match[1]), Number(match[2]) + 1]
    asked.push([start, end])
    const response = await answer(asked.length, start, end, init.signal!)
    init.signal?.throwIfAborted()
    return response
  }) as typeof fetch
  return { url: 'http://index.example/x.whl', headers: {}, name: 'x.whl', bytes: content.length, retryMs: 1, stallMs: 200, send, asked }
}

function part(start: number, end: number, body: Uint8Array | ReadableStream | string = content.subarray(start, end)): Response {
  return new Response(body as Uint8Array<ArrayBuffer>, {
    status: 206,
    headers: { 'content-range': `bytes ${start}-${end - 1}/${content.length}` },
  })
}

async function all(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of bytes) parts.push(part)
  return Buffer.concat(parts)
}

const failing = (bytes: Uint8Array) =>
  new ReadableStream({
    start: (controller) => controller.enqueue(bytes),
    pull: (controller) => controller.error(new Error('reset')),
  })

test('a request that came to its end, or that nobody reads on, is closed and leaves no timer', async () => {
  const set = jest.spyOn(globalThis, 'setTimeout')
  const clear = jest.spyOn(globalThis, 'clearTimeout')
  const signals: AbortSignal[] = []
  const file = { ...remote((_, start, end, signal) => (signals.push(signal), part(start, end))), stallMs: 7_777 }
  await all(readRange(file, 0, 1000))
  for await (const chunk of readRange(file, 0, 1000)) if (chunk.length > 0) break
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
  const timers = set.mock.results.filter((_, i) => set.mock.calls[i]![1] === file.stallMs).map(({ value }) => value as NodeJS.Timeout)
  const cleared = new Set<unknown>(clear.mock.calls.map(([timer]) => timer))
  expect(timers.map((timer) => cleared.has(timer))).toEqual([true, true])
  jest.restoreAllMocks()
})

test('goes on where a connection broke off, for as long as each brings something', async () => {
  const file = remote((n, start, end) => (n < 9 ? part(start, end, failing(content.subarray(start, start + 100))) : part(start, end)))
  expect((await all(readRange(file, 1000, 4000))).equals(content.subarray(1000, 4000))).toBe(true)
  expect(file.asked.map(([start]) => start)).toEqual([1000, 1100, 1200, 1300, 1400, 1500, 1600, 1700, 1800])
})

/** One byte every so many milliseconds, until the request is aborted. */
function slowly(start: number, bytes: number, ms: number, signal: AbortSignal): ReadableStream {
  let sent = 0
  return new ReadableStream({
    async pull(controller) {
      await delay(sent === 0 ? 0 : ms, undefined, { signal })
      controller.enqueue(content.subarray(start + sent, start + ++sent))
      if (sent === bytes) controller.close()
    },
  })
}

test.each([
  ['slow is not stalled', 80, 1],
  ['stalled is', 400, 5],
])('%s', async (_, ms, requests) => {
  const file = remote((_, start, end, signal) => part(start, end, slowly(start, end - start, ms, signal)))
  expect((await all(readRange(file, 7, 12))).equals(content.subarray(7, 12))).toBe(true)
  expect(file.asked).toHaveLength(requests)
})

test.each([
  ['answers 503', () => new Response('', { status: 503 }), /5 attempts.*503/],
  ['refuses connections', () => Promise.reject(new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') })), /ECONNREFUSED/],
  ['ends at once', (_: number, start: number, end: number) => part(start, end, ''), /ended early/],
  ['is silent', () => new Promise<Response>((done) => setTimeout(() => done(new Response()), 250)), /the connection stalled/],
])('gives up a server that always %s', async (_, answer, message) => {
  const file = remote(answer)
  await expect(all(readRange(file, 0, 10))).rejects.toMatchObject({ code: 'ERR_DOWNLOAD', message: expect.stringMatching(message) })
  expect(file.asked).toHaveLength(5)
})

test.each([
  ['whole files', () => new Response('x', { status: 200 }), /ignores byte ranges/],
  ['404', () => new Response('', { status: 404 }), /responded with 404/],
  ['another range', (_: number, start: number, end: number) => part(start + 1, end + 1), /another range/],
  ['no range header', () => new Response('x', { status: 206 }), /another range/],
  ['too much', (_: number, start: number, end: number) => part(start, end, content.subarray(start, end + 1)), /more data than requested/],
])('does not try again when it gets %s', async (_, answer, message) => {
  const file = remote(answer)
  await expect(all(readRange(file, 0, 10))).rejects.toMatchObject({ code: 'ERR_DOWNLOAD', message: expect.stringMatching(message) })
  expect(file.asked).toHaveLength(1)
})

describe('RangedFile', () => {
  let local: FileHandle
  beforeEach(async () => {
    local = await open(join(scratch(), 'x.whl'), 'w+')
  })
  afterEach(() => local.close())

  const serving = () => remote((_, start, end) => part(start, end))
  const read = async (file: RangedFile, position: number, length: number) => {
    const buffer = Buffer.alloc(length)
    await file.read(buffer, position)
    return buffer
  }

  test('any bytes are those of the file; what is there is not asked for again', async () => {
    const source = serving()
    const file = new RangedFile(source, local)
    for (const [position, length] of [
      [4_999_990, 10],
      [0, 1],
      [262_143, 2],
      [1_000_000, 3_000_000],
      [0, 5_000_000],
    ] as const)
      // prettier-ignore
      expect((await read(file, position, length)).equals(content.subarray(position, position + length))).toBe(true)
    const transferred = source.asked.reduce((sum, [start, end]) => sum + end - start, 0)
    expect(transferred).toBe(content.length)
    const before = source.asked.length
    await read(file, 123, 4_000_000)
    expect(source.asked).toHaveLength(before)
  })

  test('says beforehand what is missing, and counts what comes', async () => {
    const file = new RangedFile(serving(), local)
    const extents: [number, number][] = [[100, 200], [150, 300_000], [4_900_000, 5_000_000]] // prettier-ignore
    const missing = file.missingBytes(extents)
    let counted = 0
    await file.fetch(extents, (bytes) => (counted += bytes))
    expect(counted).toBe(missing)
    expect(file.missingBytes(extents)).toBe(0)
    file.forget([150, 300_000])
    expect(file.missingBytes(extents)).toBe(2 * 256 * 1024)
  })

  test('a failure in one of the connections is the failure, and reading beyond the end is one', async () => {
    const file = new RangedFile(
      remote((n, start, end) => (n === 3 ? new Response('', { status: 404 }) : part(start, end))),
      local,
    )
    const extents = Array.from({ length: 6 }, (_, i): [number, number] => [i * 800_000, i * 800_000 + 1])
    await expect(file.fetch(extents)).rejects.toMatchObject({ code: 'ERR_DOWNLOAD', message: expect.stringContaining('404') })
    await expect(read(file, content.length - 1, 2)).rejects.toThrow('truncated')
  })
})

test('an abort ends the wait before another attempt at once', async () => {
  const controller = new AbortController()
  const file = { ...remote(() => Promise.reject(new Error('reset'))), retryMs: 60_000 }
  setTimeout(() => controller.abort(), 20)
  await expect(all(readRange(file, 0, 10, controller.signal))).rejects.toMatchObject({ code: 'ERR_ABORTED' })
})
