import type { EnvHttpProxyAgent } from 'undici'
import { SentorchError } from './errors'

export interface HttpOptions {
  /** PEM certificates trusted instead of Node's own list, for a proxy or an index with a private authority. */
  ca?: string | readonly string[]
}

/**
 * A `fetch` that honours `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` (either case), which Node 20's own does not.
 * Its connections are pooled: make one for a batch of requests. They do not keep the process alive.
 * Rejects as `fetch` does, and with ERR_DOWNLOAD if the address of a proxy is not a valid URL.
 */
export function httpFetch(options: HttpOptions = {}): typeof fetch {
  let opened: Promise<{ fetch: typeof fetch; dispatcher: EnvHttpProxyAgent }> | undefined
  const send = async (input: unknown, init: object = {}) => {
    opened ??= open(options)
    const { fetch: send, dispatcher } = await opened
    return send(input as string, { ...init, dispatcher } as object)
  }
  return send
}

/** undici takes 0.1 s to load, so it is loaded on first use. */
async function open({ ca }: HttpOptions) {
  const undici = await import('undici')
  const trust = ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }
  // An agent works only with the copy of undici that created it; Node's built-in fetch is a different copy and may reject it.
  const send = undici.fetch as unknown as typeof fetch
  try {
    return { fetch: send, dispatcher: new undici.EnvHttpProxyAgent({ connect: trust, requestTls: trust, proxyTls: trust }) }
  } catch (error) {
    throw new SentorchError('ERR_DOWNLOAD', 'HTTPS_PROXY or HTTP_PROXY is not a valid URL. Expected an address such as http://host:port.', {
      cause: error,
    })
  }
}
