import { SentorchError } from '../base/errors'
import type { HubSettings } from './settings'

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
