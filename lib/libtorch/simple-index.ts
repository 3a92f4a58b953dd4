import { SentorchError, throwIfAborted } from '../base/errors'
import { trimEnd } from '../base/text'
import type { Wheel } from './wheels'

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
export function reason(error: unknown): string {
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
