import { createServer, request as forward, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'

export interface IndexFaults {
  /** Index pages as HTML; without it, JSON. */
  html?: boolean
  /** Sends whole files, whatever range is requested. */
  noRanges?: boolean
  /** Number of range requests at the start that end after `breakAt` bytes. */
  breaks?: number
  breakAt?: number
  /** Number of range requests at the start whose bytes are wrong from the middle on. */
  corrupt?: number
  /** Files lie on another host, behind a redirect. */
  redirect?: boolean
  /** The index points at files on another host. */
  elsewhere?: boolean
  /** `user:password` that the index asks for, and its host for files; the other host refuses it. */
  auth?: string
  /** Answer of range requests. */
  status?: number
  /** Pretended length of every file. */
  length?: number
  /** Range requests hang after their first bytes. */
  stall?: boolean
}

/** A Python package index on loopback, with the faults that the installer must handle. */
export class SimpleIndex {
  readonly requests: { url: string; range?: string; authorization?: string }[] = []
  #servers: Server[] = []
  #broken = 0
  #corrupted = 0

  constructor(
    private readonly archives: ReadonlyMap<string, Buffer>,
    private readonly faults: IndexFaults = {},
  ) {}

  async start(): Promise<this> {
    for (let i = 0; i < 2; i++) this.#servers.push(await listen(createServer((request, response) => this.#answer(request, response, i))))
    return this
  }

  /** For PIP_INDEX_URL. */
  get url(): string {
    const { auth } = this.faults
    return `http://${auth ? `${auth}@` : ''}127.0.0.1:${port(this.#servers[0]!)}/simple`
  }

  get rangeRequests(): number {
    return this.requests.filter(({ range }) => range).length
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map(closeServer))
  }

  #answer(request: IncomingMessage, response: ServerResponse, host: number): void {
    const { authorization, range } = request.headers
    const url = request.url!
    this.requests.push({ url, range, authorization })
    const { auth, redirect } = this.faults
    const expected = auth && `Basic ${Buffer.from(auth).toString('base64')}`
    if (host === 0 && expected && authorization !== expected) return void response.writeHead(401).end()
    if (host === 1 && authorization) return void response.writeHead(400, 'credentials went to another host').end()

    const page = /^\/simple\/([^/]+)\/$/.exec(url)
    if (page) return this.#page(page[1]!, response)
    const archive = this.archives.get(url.split('/').at(-1)!)
    if (!archive) return void response.writeHead(404).end()
    if (redirect && host === 0) return void response.writeHead(302, { location: `http://127.0.0.1:${port(this.#servers[1]!)}${url}` }).end()
    this.#file(archive, range, response)
  }

  #page(project: string, response: ServerResponse): void {
    const files = [...this.archives.keys()].filter((file) => file.startsWith(`${project.replaceAll('-', '_')}-`))
    if (files.length === 0) return void response.writeHead(404).end()
    const base = this.faults.elsewhere ? `http://127.0.0.1:${port(this.#servers[1]!)}/` : '../../'
    const urls = ['other-1.0-py3-none-any.whl', ...files].map((file) => `${base}files/a%20b/${file}`)
    if (this.faults.html) {
      const links = urls.map((url) => `<a data-x="1" href="${url}#sha256=00&amp;x">${url.split('/').at(-1)}</a><br>`)
      return void response.writeHead(200, { 'content-type': 'text/html' }).end(`<!DOCTYPE html><body>${links.join('\n')}</body>`)
    }
    const type = 'application/vnd.pypi.simple.v1+json'
    response
      .writeHead(200, { 'content-type': type })
      .end(JSON.stringify({ files: urls.map((url) => ({ url, filename: 'not looked at' })) }))
  }

  #file(archive: Buffer, range: string | undefined, response: ServerResponse): void {
    const { noRanges, status, length = archive.length, breaks = 0, breakAt = 0, corrupt = 0, stall } = this.faults
    if (status) return void response.writeHead(status).end()
    const match = /^bytes=(\d+)-(\d+)$/.exec(range ?? '')
    if (noRanges || !match) return void response.writeHead(200, { 'content-length': archive.length }).end(archive)
    const [start, end] = [Number(match[1]), Number(match[2]) + 1]
    const body = Buffer.from(archive.subarray(start, end))
    // Only long answers: the directory at the end must be readable, or nothing is known to be wanted.
    if (body.length > 1_200_000 && this.#corrupted < corrupt) {
      this.#corrupted++
      body.fill(0, body.length >> 1, (body.length >> 1) + 50_000)
    }
    response.writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${length}`, 'content-length': body.length })
    if (stall) return void response.write(body.subarray(0, 10))
    if (this.#broken >= breaks || body.length <= breakAt) return void response.end(body)
    this.#broken++
    response.write(body.subarray(0, breakAt), () => setTimeout(() => response.destroy(), 20))
  }
}

/** A proxy on loopback, for tunnels and plain requests. */
export class Proxy {
  readonly asked: string[] = []
  #server!: Server

  async start(): Promise<this> {
    const server = createServer((request, response) => {
      this.asked.push(request.url!)
      request.pipe(
        forward(request.url!, { method: request.method, headers: request.headers }, (answer) => {
          response.writeHead(answer.statusCode!, answer.headers)
          answer.pipe(response)
        }),
      )
    })
    server.on('connect', (request, client) => {
      this.asked.push(request.url!)
      const { hostname, port } = new URL(`http://${request.url!}`)
      const upstream = connect(Number(port), hostname, () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n')
        upstream.pipe(client)
        client.pipe(upstream)
      })
      upstream.on('error', () => client.destroy())
      client.on('error', () => upstream.destroy())
    })
    this.#server = await listen(server)
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${port(this.#server)}`
  }

  async close(): Promise<void> {
    await closeServer(this.#server)
  }
}

async function listen(server: Server): Promise<Server> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return server
}

function port(server: Server): number {
  return (server.address() as AddressInfo).port
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
}
