import { setTimeout as sleep } from 'node:timers/promises'
import { isSentorchError, SentorchError, throwIfAborted } from '../base/errors'
import { httpFetch } from '../base/http'
import { isCommit, isEtag, isSafePath, type RemoteFile } from './cache'
import type { HubSettings } from './settings'

const ATTEMPTS = 5
/** Delay before the first retry, in milliseconds; it doubles each time. */
const FIRST_WAIT = 500
const LONGEST_WAIT = 60_000

/** Queries the hub about one repository. Every method rejects with `HubFailure` or ERR_ABORTED. */
export class HubClient {
  readonly #fetch = httpFetch()

  constructor(
    readonly id: string,
    private readonly settings: HubSettings,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** The commit of a revision and the names of its files. `patient`: retry while the hub is overloaded. */
  async info(revision: string, patient: boolean): Promise<{ commit: string; paths: string[] }> {
    const { modelInfo } = await import('@huggingface/hub')
    const info = await this.retrying(patient ? ATTEMPTS : 1, () =>
      this.#ask((fetch) =>
        modelInfo({ name: this.id, revision, additionalFields: ['sha', 'filePaths'], hubUrl: this.settings.endpoint, fetch }),
      ),
    )
    if (typeof info.sha !== 'string' || !isCommit(info.sha)) throw strange(`no commit for revision '${revision}'`)
    return { commit: info.sha, paths: info.filePaths.filter((path) => typeof path === 'string' && isSafePath(path)) }
  }

  /** Lists every file of a commit. */
  async list(commit: string): Promise<RemoteFile[]> {
    const { listFiles } = await import('@huggingface/hub')
    return this.retrying(ATTEMPTS, () =>
      this.#ask(async (fetch) => {
        const files: RemoteFile[] = []
        for await (const entry of listFiles({ repo: this.id, revision: commit, recursive: true, hubUrl: this.settings.endpoint, fetch })) {
          if (entry.type !== 'file' || !isSafePath(entry.path)) continue
          const file = { path: entry.path, size: entry.lfs?.size ?? entry.size, etag: entry.lfs?.oid ?? entry.oid ?? '' }
          if (!isEtag(file.etag) || !Number.isSafeInteger(file.size) || file.size < 0) {
            throw strange(`a listing with ${JSON.stringify(file)}`)
          }
          files.push(file)
        }
        return files
      }),
    )
  }

  /** Opens the content of a file, from the given byte if the server supports ranges. `signal` ends the whole transfer. */
  async open(commit: string, path: string, offset: number, signal: AbortSignal): Promise<Response> {
    const url = `${await this.#endpoint()}/${this.id}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`
    // Without compression, sizes and offsets refer to the content itself.
    const headers: Record<string, string> = { 'accept-encoding': 'identity' }
    if (offset > 0) headers.range = `bytes=${offset}-`
    return this.#send(url, { headers, signal })
  }

  /** Retries temporary failures, up to `attempts` attempts, with growing delays or as long as the hub requests. */
  private async retrying<T>(attempts: number, work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        // An API request that was not answered is not repeated, since the caller has already waited for connectTimeout.
        if (!(error instanceof HubFailure) || !error.retryable || error.facts.kind !== 'status' || attempt >= attempts) throw error
        await this.pause(attempt, error, this.signal)
      }
    }
  }

  async pause(attempt: number, failure: HubFailure, signal: AbortSignal | undefined): Promise<void> {
    const wait = failure.facts.retryAfter ?? FIRST_WAIT * 2 ** (attempt - 1)
    await sleep(Math.min(wait, LONGEST_WAIT), undefined, { signal }).catch(() => throwIfAborted(signal))
  }

  async #endpoint(): Promise<string> {
    return this.settings.endpoint ?? (await import('@huggingface/hub')).HUB_URL
  }

  /** Provides the `fetch` for calls of the hub library, with time limit, token and errors. */
  async #ask<T>(call: (lent: typeof fetch) => Promise<T>): Promise<T> {
    const { connectTimeout } = this.settings
    // Not AbortSignal.timeout: Node 20 may garbage-collect a signal that only AbortSignal.any refers to, and it never fires.
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(new DOMException('late', 'TimeoutError')), connectTimeout)
    const lent = (input: unknown, init: RequestInit = {}) => {
      timer.refresh()
      return this.#send(String(input), { ...init, signal: late.signal })
    }
    try {
      return await call(lent)
    } catch (error) {
      const failure = this.failure(error, `no answer within ${connectTimeout / 1000} s`)
      throw failure instanceof HubFailure || isSentorchError(failure) ? failure : strange((failure as Error).message)
    } finally {
      clearTimeout(timer)
    }
  }

  async #send(url: string, init: RequestInit & { signal: AbortSignal }): Promise<Response> {
    throwIfAborted(this.signal)
    const signal = this.signal ? AbortSignal.any([this.signal, init.signal]) : init.signal
    const headers = new Headers(init.headers)
    // The token is sent only to the hub, not to other pages that a listing points to. (Redirects to another host drop it automatically.)
    const own = new URL(url).origin === new URL(await this.#endpoint()).origin
    if (this.settings.token && own) headers.set('authorization', `Bearer ${this.settings.token}`)
    const response = await this.#fetch(url, { ...init, headers: Object.fromEntries(headers), signal })
    if (response.ok || response.status === 416) return response
    await response.body?.cancel()
    const errorCode = response.headers.get('x-error-code') ?? undefined
    const said = response.headers.get('x-error-message')
    throw new HubFailure(`status ${response.status}${said ? `, ${said}` : ''}`, {
      kind: 'status',
      status: response.status,
      errorCode,
      retryAfter: retryAfter(response.headers),
    })
  }

  /** Converts what a request threw to `HubFailure` or ERR_ABORTED. Errors that do not come from the network are returned unchanged. */
  failure(error: unknown, timeoutMessage: string): unknown {
    throwIfAborted(this.signal)
    if (error instanceof HubFailure) return error
    const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } }
    if (name === 'TimeoutError') return new HubFailure(timeoutMessage, { kind: 'network', cause: error })
    if (name === 'SyntaxError') return strange('a response that is not JSON')
    if (name === 'TypeError' && (message === 'fetch failed' || message === 'terminated')) {
      return new HubFailure(cause?.message || cause?.code || message, { kind: 'network', cause: error })
    }
    return error
  }
}

function strange(what: string): HubFailure {
  return new HubFailure(`the server is not a hub: it sent ${what}`, { kind: 'answer' })
}

/** The delay of `Retry-After` in seconds, or the seconds until the hub's rate limit resets. */
function retryAfter(headers: Headers): number | undefined {
  const seconds = headers.get('retry-after') ?? headers.get('ratelimit')?.match(/\bt=(\d+)/)?.[1]
  return seconds !== undefined && /^\d+$/.test(seconds) ? Number(seconds) * 1000 : undefined
}

export interface FailureFacts {
  /** `network`: no response, or it was interrupted; `status`: the hub returned an error status; `answer`: the response is not valid for a hub. */
  kind: 'network' | 'status' | 'answer'
  status?: number
  /** The hub's error code: `RepoNotFound`, `RevisionNotFound`, `EntryNotFound`, `GatedRepo`. */
  errorCode?: string
  /** Milliseconds that the hub asks to wait. */
  retryAfter?: number
  cause?: unknown
}

/** A failed request to the hub. The code that knows the cache decides what it means for the caller. */
export class HubFailure extends Error {
  constructor(
    message: string,
    readonly facts: FailureFacts,
  ) {
    super(message, { cause: facts.cause })
  }

  /** Whether a retry may help. */
  get retryable(): boolean {
    const { kind, status = 0 } = this.facts
    return kind === 'network' || (kind === 'status' && (status === 408 || status === 429 || status >= 500))
  }

  /** An unknown revision is an error even if the cache contains an older copy. Other failures may be caused by the connection or the token. */
  get allowsCache(): boolean {
    return this.facts.errorCode !== 'RevisionNotFound'
  }
}

/** Creates the error for the user. `notes`: the other locations that were searched. */
export function explain(failure: HubFailure, id: string, settings: HubSettings, notes: string[]): SentorchError {
  const { status, errorCode } = failure.facts
  const name = `'${id}'`
  const authorised = settings.token !== undefined
  const make = (code: 'ERR_MODEL_NOT_FOUND' | 'ERR_DOWNLOAD', what: string, remedy: string) =>
    new SentorchError(code, [what, ...notes.map((note) => `  ${note}`), remedy].join('\n'), {
      cause: failure,
      detail: { id, revision: settings.revision, status, errorCode },
    })

  if (errorCode === 'RevisionNotFound') {
    return make(
      'ERR_MODEL_NOT_FOUND',
      `The repository ${name} on the hub has no revision '${settings.revision}'.`,
      'Check the option revision.',
    )
  }
  if (errorCode === 'GatedRepo' || (status === 403 && errorCode !== 'RepoNotFound')) {
    const how = authorised ? 'The token in use has no access: ' : ''
    return make(
      'ERR_DOWNLOAD',
      `The hub denied access to ${name} (${failure.message}).`,
      `${how}accept the model's terms on its page, then set HF_TOKEN (or the option token) to a token with read access.`,
    )
  }
  if (status === 401 || errorCode === 'RepoNotFound' || (status === 404 && errorCode !== 'EntryNotFound')) {
    const token = authorised
      ? 'that the token in use is valid and has read access'
      : 'set HF_TOKEN (or the option token) if it is private or gated'
    return make(
      'ERR_MODEL_NOT_FOUND',
      `The repository ${name} does not exist on the hub, or you have no access to it (${failure.message}).`,
      `Check the id, and ${token}.`,
    )
  }
  if (status === 429) {
    return make(
      'ERR_DOWNLOAD',
      `The hub rejected the request for ${name}: too many requests.`,
      'Wait and try again; requests with a token (HF_TOKEN) have a higher limit.',
    )
  }
  return make(
    'ERR_DOWNLOAD',
    `Could not download ${name} from the hub: ${failure.message}`,
    `Check the network, HTTPS_PROXY and HF_ENDPOINT${settings.endpoint ? ` (${settings.endpoint})` : ''}, or load the model from a folder or a cache.`,
  )
}
