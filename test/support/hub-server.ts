import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HostedRepository {
  /** Branch or tag → commit. */
  revisions: Record<string, string>
  /** Contents at every commit. */
  files: Record<string, string | Buffer>
  /** Visible only with this token. */
  token?: string
  /** Listed for everyone, readable by nobody. */
  gated?: boolean
}

/** What a request is about to ask for. */
export interface HubRequest {
  kind: 'info' | 'tree' | 'resolve' | 'cdn'
  method: string
  /** The file, or the revision. */
  path: string
  range: string | undefined
  authorization: string | undefined
  /** Host and port that were asked. */
  host: string
}

/** What goes wrong with an answer. */
export interface Fault {
  status?: number
  headers?: Record<string, string>
  /** Number of bytes of the body after which the connection ends. */
  breakAfter?: number
  /** Number of bytes of the body after which the connection stalls; −1: before any response. */
  stallAfter?: number
  /** Number of parts in which the body is sent, 0.1 s apart. */
  slowParts?: number
  /** One byte is wrong. */
  corrupt?: boolean
  /** Sends the whole content, whatever range is requested. */
  ignoreRange?: boolean
  /** Another body than the right one; with `headers`. */
  page?: string
}

/** Large files live elsewhere, as on the hub; here that begins at 1 kB. */
const LFS_FROM = 1024
const PAGE = 4

/** The part of the hub's API that a download uses, on loopback, with configurable faults. The `cdn` is another origin. */
export class HubServer {
  readonly requests: HubRequest[] = []
  /** Looked at for each request, in order; a fault is used up when it is returned. */
  fault: (request: HubRequest) => Fault | undefined = () => undefined
  #servers: Server[] = []

  constructor(readonly repositories: Record<string, HostedRepository>) {}

  async start(): Promise<this> {
    for (let i = 0; i < 2; i++) {
      const server = createServer((request, response) => this.#answer(request, response))
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
      this.#servers.push(server)
    }
    return this
  }

  get url(): string {
    return this.#origin(0)
  }

  get cdnUrl(): string {
    return this.#origin(1)
  }

  #origin(index: number): string {
    return `http://127.0.0.1:${(this.#servers[index]!.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    }
  }

  count(kind: HubRequest['kind'], path?: string): number {
    return this.requests.filter((request) => request.kind === kind && (path === undefined || request.path === path)).length
  }

  #answer(message: IncomingMessage, response: ServerResponse): void {
    const url = new URL(message.url!, this.url)
    const parts = decodeURIComponent(url.pathname).match(
      /^\/(?:api\/models\/(?<id>[^/]+\/[^/]+|[^/]+)\/(?<api>revision|tree)\/(?<revision>.+)|cdn\/(?<cdnId>[^/]+\/[^/]+)\/(?<cdn>.+)|(?<fileId>[^/]+\/[^/]+)\/resolve\/(?<commit>[^/]+)\/(?<path>.+))$/,
    )?.groups
    if (!parts) return end(response, 404, {}, 'no such page')
    const id = parts.id ?? parts.fileId ?? parts.cdnId!
    const kind = parts.api === 'revision' ? 'info' : parts.api === 'tree' ? 'tree' : parts.cdn ? 'cdn' : 'resolve'
    const request: HubRequest = {
      kind,
      method: message.method!,
      path: parts.cdn ?? parts.path ?? parts.revision!,
      range: message.headers.range,
      authorization: message.headers.authorization,
      host: message.headers.host!,
    }
    this.requests.push(request)
    const fault = this.fault(request) ?? {}
    if (fault.stallAfter === -1) return
    if (fault.page !== undefined) return end(response, 200, fault.headers ?? {}, fault.page)
    if (fault.status) return end(response, fault.status, fault.headers ?? {}, JSON.stringify({ error: 'ordered' }))

    const repository = this.repositories[id]
    const known = repository !== undefined && (!repository.token || message.headers.authorization === `Bearer ${repository.token}`)
    if (kind !== 'cdn' && !known) {
      const status = message.headers.authorization ? 404 : 401
      return end(
        response,
        status,
        { 'x-error-code': 'RepoNotFound', 'x-error-message': 'Repository not found' },
        '{"error":"Repository not found"}',
      )
    }
    if (repository!.gated && kind === 'resolve') return end(response, 403, { 'x-error-code': 'GatedRepo' }, '{"error":"gated"}')
    const { revisions, files } = repository!
    if (kind === 'cdn') return send(message, response, Buffer.from(files[parts.cdn!]!), {}, fault)

    const commits = Object.values(revisions)
    const asked = parts.revision ?? parts.commit!
    const commit = revisions[asked] ?? (commits.includes(asked) ? asked : undefined)
    if (!commit) return end(response, 404, { 'x-error-code': 'RevisionNotFound' }, '{"error":"Invalid rev id"}')
    if (kind === 'info') {
      const siblings = Object.keys(files).map((rfilename) => ({ rfilename }))
      return json(response, { _id: '1', id, sha: commit, private: false, downloads: 1, likes: 0, tags: [], siblings })
    }
    if (kind === 'tree') {
      const from = Number(url.searchParams.get('cursor') ?? 0)
      const entries = Object.entries(files).map(([path, content]) => treeEntry(path, Buffer.from(content)))
      url.searchParams.set('cursor', String(from + PAGE))
      const next = { link: `<${this.url}${url.pathname}${url.search}>; rel="next"` }
      return json(response, entries.slice(from, from + PAGE), from + PAGE < entries.length ? next : {})
    }
    const content = files[parts.path!]
    if (content === undefined) return end(response, 404, { 'x-error-code': 'EntryNotFound', 'x-repo-commit': commit }, 'Entry not found')
    const bytes = Buffer.from(content)
    const headers = { 'x-repo-commit': commit, 'accept-ranges': 'bytes' }
    if (bytes.length < LFS_FROM) return send(message, response, bytes, { ...headers, etag: `"${gitOid(bytes)}"` }, fault)
    end(response, 302, {
      ...headers,
      location: `${this.cdnUrl}/cdn/${id}/${parts.path!}`,
      'x-linked-size': String(bytes.length),
      'x-linked-etag': `"${sha256(bytes)}"`,
    })
  }
}

export const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')

export function gitOid(bytes: Buffer | string): string {
  return createHash('sha1')
    .update(`blob ${Buffer.from(bytes).length}\0`)
    .update(bytes)
    .digest('hex')
}

function treeEntry(path: string, bytes: Buffer): object {
  if (bytes.length < LFS_FROM) return { type: 'file', path, size: bytes.length, oid: gitOid(bytes) }
  return {
    type: 'file',
    path,
    size: bytes.length,
    oid: gitOid('pointer'),
    lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 134 },
  }
}

function json(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
  end(response, 200, { 'content-type': 'application/json', ...headers }, JSON.stringify(value))
}

function end(response: ServerResponse, status: number, headers: Record<string, string>, body = ''): void {
  response.writeHead(status, headers).end(body)
}

function send(message: IncomingMessage, response: ServerResponse, bytes: Buffer, headers: Record<string, string>, fault: Fault): void {
  const from = fault.ignoreRange ? 0 : Number(message.headers.range?.match(/^bytes=(\d+)-/)?.[1] ?? 0)
  if (from > 0 && from >= bytes.length) return end(response, 416, {})
  const ranged = from > 0 || (message.headers.range !== undefined && !fault.ignoreRange)
  const body = Buffer.from(bytes.subarray(from))
  if (fault.corrupt) body[0] = body[0]! ^ 1
  response.writeHead(ranged ? 206 : 200, {
    ...headers,
    'content-length': String(body.length),
    ...(ranged ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
  })
  if (message.method === 'HEAD') return void response.end()
  if (fault.slowParts !== undefined) return drip(response, body, Math.ceil(body.length / fault.slowParts))
  const cut = fault.breakAfter ?? fault.stallAfter
  if (cut === undefined) return void response.end(body)
  response.write(body.subarray(0, cut), () => {
    if (fault.breakAfter !== undefined) setTimeout(() => response.destroy(), 20)
  })
}

function drip(response: ServerResponse, body: Buffer, bytes: number): void {
  if (body.length <= bytes) return void response.end(body)
  response.write(body.subarray(0, bytes))
  setTimeout(() => drip(response, body.subarray(bytes), bytes), 100)
}
