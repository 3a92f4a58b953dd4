import { setTimeout as sleep } from 'node:timers/promises'
import { isSentorchError, SentorchError, throwIfAborted } from '../base/errors'
import { httpFetch } from '../base/http'
import { isCommit, isEtag, isSafePath, type RemoteFile } from './cache'
import type { HubSettings } from './settings'

const ATTEMPTS = 5
/** Before asking again, in milliseconds; the wait doubles each time. */
const FIRST_WAIT = 500
const LONGEST_WAIT = 60_000

/** The hub's answers about one repository. Every method rejects with `HubFailure`, or ERR_ABORTED. */
export class HubClient {
  readonly #fetch = httpFetch()

  constructor(
    readonly id: string,
    private readonly settings: HubSettings,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** The commit of a revision and the names of its files. `patient`: waits and asks again when the hub is overloaded. */
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

  /** Every file of a commit. */
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

  /** Opens the content of a file, from that byte on where the server can. `signal` ends the whole transfer. */
  async open(commit: string, path: string, offset: number, signal: AbortSignal): Promise<Response> {
    const url = `${await this.#endpoint()}/${this.id}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`
    // Sizes and offsets are those of the content itself.
    const headers: Record<string, string> = { 'accept-encoding': 'identity' }
    if (offset > 0) headers.range = `bytes=${offset}-`
    return this.#send(url, { headers, signal })
  }

  /** Runs again what failed in passing, `attempts` times in all, waiting longer each time or as long as the hub asks. */
  private async retrying<T>(attempts: number, work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        // An API request without an answer is not repeated: its caller has waited for connectTimeout already.
        if (!(error instanceof HubFailure) || !error.passing || error.facts.kind !== 'status' || attempt >= attempts) throw error
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

  /** Lends a library call a `fetch` with our time limit per request, token and errors. */
  async #ask<T>(call: (lent: typeof fetch) => Promise<T>): Promise<T> {
    const { connectTimeout } = this.settings
    // Not AbortSignal.timeout: Node 20 may collect one that only AbortSignal.any refers to, and it never fires.
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
    // The token is for the hub: not for a page that a listing points to. (Redirects to another host drop it by themselves.)
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

  /** Whatever a request threw, as `HubFailure` or ERR_ABORTED; errors that are not the network's pass through. */
  failure(error: unknown, timeoutMessage: string): unknown {
    throwIfAborted(this.signal)
    if (error instanceof HubFailure) return error
    const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } }
    if (name === 'TimeoutError') return new HubFailure(timeoutMessage, { kind: 'network', cause: error })
    if (name === 'SyntaxError') return strange('no JSON')
    if (name === 'TypeError' && (message === 'fetch failed' || message === 'terminated')) {
      return new HubFailure(cause?.message || cause?.code || message, { kind: 'network', cause: error })
    }
    return error
  }
}

function strange(what: string): HubFailure {
  return new HubFailure(`the address answered like no hub: ${what}`, { kind: 'answer' })
}

/** `Retry-After` in seconds, or the seconds until the hub's rate limit starts anew. */
function retryAfter(headers: Headers): number | undefined {
  const seconds = headers.get('retry-after') ?? headers.get('ratelimit')?.match(/\bt=(\d+)/)?.[1]
  return seconds !== undefined && /^\d+$/.test(seconds) ? Number(seconds) * 1000 : undefined
}

export interface FailureFacts {
  /** `network`: no answer came, or it broke off; `status`: the hub said no; `answer`: it said something that is no answer of a hub. */
  kind: 'network' | 'status' | 'answer'
  status?: number
  /** The hub's own word for it: `RepoNotFound`, `RevisionNotFound`, `EntryNotFound`, `GatedRepo`. */
  errorCode?: string
  /** Milliseconds that the hub asks to wait. */
  retryAfter?: number
  cause?: unknown
}

/** Something went wrong between us and the hub; what it means to the caller is decided where the cache is known. */
export class HubFailure extends Error {
  constructor(
    message: string,
    readonly facts: FailureFacts,
  ) {
    super(message, { cause: facts.cause })
  }

  /** Whether asking again may help. */
  get passing(): boolean {
    const { kind, status = 0 } = this.facts
    return kind === 'network' || (kind === 'status' && (status === 408 || status === 429 || status >= 500))
  }

  /** A revision that the hub does not know is an error even when some old copy lies in the cache; the rest may be the connection's or the token's fault. */
  get allowsCache(): boolean {
    return this.facts.errorCode !== 'RevisionNotFound'
  }
}

/** The error for the user. `notes`: where else was looked. */
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
    return make('ERR_MODEL_NOT_FOUND', `The hub's repository ${name} has no revision '${settings.revision}'.`, 'Check the option revision.')
  }
  if (errorCode === 'GatedRepo' || (status === 403 && errorCode !== 'RepoNotFound')) {
    const how = authorised ? 'The token in use has no access: ' : ''
    return make(
      'ERR_DOWNLOAD',
      `The hub does not let you read ${name} (${failure.message}).`,
      `${how}accept the model's terms on its page, then set HF_TOKEN (or the option token) to a token that may read it.`,
    )
  }
  if (status === 401 || errorCode === 'RepoNotFound' || (status === 404 && errorCode !== 'EntryNotFound')) {
    const token = authorised
      ? 'that the token in use is valid and may read it'
      : 'set HF_TOKEN (or the option token) if it is private or gated'
    return make(
      'ERR_MODEL_NOT_FOUND',
      `The hub has no repository ${name}, or does not show it to you (${failure.message}).`,
      `Check the id, and ${token}.`,
    )
  }
  if (status === 429) {
    return make('ERR_DOWNLOAD', `The hub turned ${name} away: too many requests.`, 'Wait a little; a token (HF_TOKEN) has a higher limit.')
  }
  return make(
    'ERR_DOWNLOAD',
    `Could not fetch ${name} from the hub: ${failure.message}`,
    `Check the network, HTTPS_PROXY and HF_ENDPOINT${settings.endpoint ? ` (${settings.endpoint})` : ''}, or load from a folder or a cache that holds the model.`,
  )
}
