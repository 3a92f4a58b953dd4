import * as fs from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { resolveModel, type ResolveOptions } from '../../lib/hub/hub'
import { ID, WEIGHTS, home, hub, repository, snapshot, blobs, refusal, expectWhole, faults, weights, useHub } from '../support/hub-fixture'
import { sha256, type Fault } from '../support/hub-server'
import { openFiles } from '../support/open-files'

useHub()

describe('broken transfers', () => {
  test.each<[string, Fault[], string[]]>([
    ['broken off: goes on where it stopped', [{ breakAfter: 100_000 }, { breakAfter: 50_000 }], ['bytes=100000-', 'bytes=150000-']],
    ['silent: goes on where it stopped', [{ stallAfter: 70_000 }], ['bytes=70000-']],
    ['a server without ranges: starts again', [{ breakAfter: 100_000 }, { ignoreRange: true }], ['bytes=100000-']],
    ['one wrong byte: starts again', [{ corrupt: true }], ['undefined']],
    ['wrong start, then broken off: starts again', [{ corrupt: true, breakAfter: 9000 }], ['bytes=9000-', 'undefined']],
    ['overloaded', [{ status: 503 }, { status: 429, headers: { 'retry-after': '0' } }], ['undefined', 'undefined']],
  ])('%s', async (_, list, ranges) => {
    process.env.HF_HUB_DOWNLOAD_TIMEOUT = '0.5'
    faults(weights, ...list)
    expectWhole((await resolveModel(ID)).folder)
    expect(hub.requests.filter(weights).map(({ range }) => String(range))).toEqual(['undefined', ...ranges])
  })

  test('an overloaded server is asked again only when it wishes', async () => {
    faults(weights, { status: 429, headers: { 'retry-after': '1' } })
    const started = Date.now()
    expectWhole((await resolveModel(ID)).folder)
    expect(Date.now() - started).toBeGreaterThan(950)
  })

  test('slow but steady: never taken for silent', async () => {
    process.env.HF_HUB_DOWNLOAD_TIMEOUT = '0.5'
    faults(weights, { slowParts: 15 })
    expectWhole((await resolveModel(ID)).folder)
    expect(hub.requests.filter(weights)).toHaveLength(1)
  })

  test('any number of breaks, as long as each attempt brings something', async () => {
    faults(weights, ...Array.from({ length: 6 }, () => ({ breakAfter: 20_000 })))
    expectWhole((await resolveModel(ID)).folder)
    expect(hub.requests.filter(weights)).toHaveLength(7)
  })

  test('a blob of the right name that was cut off is fetched again', async () => {
    const blob = path.join(repository(), 'blobs', sha256(WEIGHTS))
    fs.mkdirSync(path.dirname(blob), { recursive: true })
    fs.writeFileSync(blob, WEIGHTS.subarray(0, 1000))
    expectWhole((await resolveModel(ID)).folder)
  })

  test('the first failure ends the transfers next to it, and nothing is written any more', async () => {
    hub.fault = (request) => (weights(request) ? { stallAfter: 1000 } : request.path === 'tokenizer.json' ? { status: 410 } : undefined)
    const started = Date.now()
    expect(await refusal(ID)).toMatchObject({ code: 'ERR_DOWNLOAD' })
    expect(openFiles(home)).toEqual([])
    expect(Date.now() - started).toBeLessThan(5000)
  })

  test('content that stays wrong is refused and not kept', async () => {
    hub.fault = (request) => (weights(request) ? { corrupt: true } : undefined)
    const error = await refusal(ID)
    expect(error.code).toBe('ERR_DOWNLOAD')
    expect(error.message).toContain(sha256(WEIGHTS))
    expect(fs.existsSync(snapshot())).toBe(false)
    expect(fs.existsSync(path.join(repository(), 'refs/main'))).toBe(false)
    expect(blobs().filter((name) => name.startsWith(sha256(WEIGHTS)))).toEqual([])
  })

  test('an abort leaves nothing that looks whole, and the next call goes on', async () => {
    const controller = new AbortController()
    faults(weights, { stallAfter: 200_000 })
    const reason = new Error('enough')
    const refused = refusal(ID, { signal: controller.signal })
    while (!hub.requests.some(weights)) await setTimeout(10)
    await setTimeout(200)
    controller.abort(reason)
    const error = await refused
    expect(error).toMatchObject({ code: 'ERR_ABORTED', cause: reason })
    expect(openFiles(home)).toEqual([])
    expect(fs.existsSync(snapshot())).toBe(false)
    const name = blobs().find((name) => name.startsWith(sha256(WEIGHTS)))!
    expect(name).toMatch(/\.incomplete$/)
    const { size } = fs.statSync(path.join(repository(), 'blobs', name))
    expect(size).toBeGreaterThan(0)
    hub.requests.length = 0
    expectWhole((await resolveModel(ID)).folder)
    expect(hub.requests.filter(weights).map(({ range }) => range)).toEqual([`bytes=${size}-`])
  })

  test('aborted before, and while waiting to ask again', async () => {
    expect(await refusal(ID, { signal: AbortSignal.abort() })).toMatchObject({ code: 'ERR_ABORTED' })
    expect(hub.requests).toEqual([])
    hub.fault = () => ({ status: 429, headers: { 'retry-after': '30' } })
    expect(await refusal(ID, { signal: AbortSignal.timeout(200) })).toMatchObject({ code: 'ERR_ABORTED' })
  })

  test('does not touch what another process is writing', async () => {
    const theirs = `${path.join(repository(), 'blobs', sha256(WEIGHTS))}.0badcafe.incomplete`
    fs.mkdirSync(path.dirname(theirs), { recursive: true })
    fs.writeFileSync(theirs, WEIGHTS.subarray(0, 1000))
    await resolveModel(ID)
    expect(fs.readFileSync(theirs).length).toBe(1000)
    expect(hub.requests.filter(weights).map(({ range }) => range)).toEqual([undefined])
  })

  test('many at once end with one whole copy', async () => {
    const found = await Promise.all(Array.from({ length: 6 }, () => resolveModel(ID)))
    expect(new Set(found.map(({ folder }) => folder)).size).toBe(1)
    expectWhole(snapshot())
    expect(openFiles(home)).toEqual([])
  })

  test("an error of the caller's onProgress comes out as it is", async () => {
    const mine = new Error('mine')
    await expect(resolveModel(ID, { onProgress: () => { throw mine } })).rejects.toBe(mine) // prettier-ignore
  })
})

test.each<[string, Fault[]]>([
  ['everything came', []],
  ['a transfer broke off', [{ breakAfter: 1000 }]],
])('no timer of a request is left running: %s', async (_, list) => {
  const set = jest.spyOn(globalThis, 'setTimeout')
  const clear = jest.spyOn(globalThis, 'clearTimeout')
  process.env.HF_HUB_DOWNLOAD_TIMEOUT = '7.777'
  faults(weights, ...list)
  await resolveModel(ID, { connectTimeout: 8_888 })
  const cleared = new Set<unknown>(clear.mock.calls.map(([timer]) => timer))
  for (const limit of [7_777, 8_888]) {
    const timers = set.mock.results.filter((_, i) => set.mock.calls[i]![1] === limit)
    expect(timers.length).toBeGreaterThan(0)
    expect(timers.filter(({ value }) => !cleared.has(value))).toEqual([])
  }
  jest.restoreAllMocks()
})

describe('refusals of the hub', () => {
  test.each<[string, string, RegExp, () => void, ResolveOptions]>([
    ['an unknown repository', 'ERR_MODEL_NOT_FOUND', /Check the id, and set HF_TOKEN/, () => delete hub.repositories[ID], {}],
    [
      'a private one with a bad token',
      'ERR_MODEL_NOT_FOUND',
      /the token in use/,
      () => (hub.repositories[ID]!.token = 'hf_right'),
      { token: 'hf_wrong' },
    ],
    ['a gated one', 'ERR_DOWNLOAD', /accept the model's terms.*HF_TOKEN/s, () => (hub.repositories[ID]!.gated = true), {}],
    // From a proxy or another hub: a status without the hub's word for it.
    ['401', 'ERR_MODEL_NOT_FOUND', /Check the id, and set HF_TOKEN/, () => (hub.fault = () => ({ status: 401 })), {}],
    ['403', 'ERR_DOWNLOAD', /accept the model's terms.*HF_TOKEN/s, () => (hub.fault = () => ({ status: 403 })), {}],
    ['404', 'ERR_MODEL_NOT_FOUND', /does not exist on the hub/, () => (hub.fault = () => ({ status: 404 })), {}],
    ['410', 'ERR_DOWNLOAD', /410/, () => (hub.fault = () => ({ status: 410 })), {}],
    ['an unknown revision', 'ERR_MODEL_NOT_FOUND', /no revision 'v9'/, () => undefined, { revision: 'v9' }],
    ['silence', 'ERR_DOWNLOAD', /no answer within 0\.2 s/, () => faults(() => true, { stallAfter: -1 }), { connectTimeout: 200 }],
    ['an unknown host', 'ERR_DOWNLOAD', /ENOTFOUND|EAI_AGAIN.*HTTPS_PROXY/s, () => (process.env.HF_ENDPOINT = 'http://hub.invalid'), {}],
    ['a login page', 'ERR_DOWNLOAD', /not JSON/, () => (hub.fault = () => ({ page: '<html>' })), {}],
    ['null', 'ERR_DOWNLOAD', /is not a hub/, () => (hub.fault = () => ({ page: 'null' })), {}],
    ['a bad endpoint', 'ERR_DOWNLOAD', /HF_ENDPOINT/, () => (process.env.HF_ENDPOINT = 'hub'), {}],
    ['a bad proxy', 'ERR_DOWNLOAD', /HTTPS_PROXY/, () => (process.env.HTTP_PROXY = 'http://'), {}],
    [
      'a cache that is no folder',
      'ERR_DOWNLOAD',
      /HF_HOME or the option cacheFolder/,
      () => fs.writeFileSync(path.join(home, 'hub'), ''),
      {},
    ],
  ])('%s', async (_, code, message, spoil, options) => {
    spoil()
    const error = await refusal(ID, options)
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
    expect(error.message).not.toContain('hf_wrong')
  })

  test('asks again as the hub wishes, and succeeds', async () => {
    faults(
      (request) => request.kind === 'info',
      { status: 429, headers: { 'retry-after': '1' } },
      { status: 503, headers: { ratelimit: '"api";r=0;t=0' } },
    )
    const start = Date.now()
    expect(await resolveModel(ID)).toMatchObject({ source: 'hub' })
    expect(Date.now() - start).toBeGreaterThan(950)
    expect(hub.count('info')).toBe(3)
  })
})

test('HTTP_PROXY and NO_PROXY are honoured', async () => {
  const tunnels: string[] = []
  const proxy = createServer().on('connect', (request, socket) => {
    tunnels.push(request.url!)
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
  })
  proxy.on('request', (request, response) => {
    tunnels.push(request.url!)
    response.writeHead(403).end()
  })
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done))
  try {
    process.env.HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    expect(await refusal(ID)).toMatchObject({ code: 'ERR_DOWNLOAD' })
    expect(tunnels.length).toBeGreaterThan(0)
    expect(hub.requests).toEqual([])
    process.env.NO_PROXY = '127.0.0.1'
    expect(await resolveModel(ID)).toMatchObject({ source: 'hub' })
  } finally {
    proxy.closeAllConnections()
    await new Promise((done) => proxy.close(done))
  }
})
