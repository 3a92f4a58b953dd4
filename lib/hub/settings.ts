import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { booleanOf, describe, integerIn, invalid, stringOf } from '../base/check'
import { SentorchError, type ErrorCode } from '../base/errors'
import { homeFolder } from '../base/platform'
import { trimEnd } from '../base/text'
import type { HubOptions } from '../model/load-options'

/** The settings from the environment and from the caller's options. */
export interface HubSettings {
  /** If undefined, the default of `@huggingface/hub`. No trailing slash. */
  endpoint: string | undefined
  token: string | undefined
  cacheFolder: string
  offline: boolean
  revision: string
  /** Milliseconds without a response after which the cached copy, if any, is used. */
  connectTimeout: number
  /** Milliseconds without data after which a download is resumed. */
  stallTimeout: number
}

/** Reads the variables of Python's huggingface_hub, at each call. Rejects with ERR_INVALID_ARGUMENT. */
export async function hubSettings(options: HubOptions & { connectTimeout?: number }): Promise<HubSettings> {
  // Each default is computed only if it is needed, since the user may have no home folder.
  const home = () => environment('HF_HOME') ?? join(environment('XDG_CACHE_HOME') ?? join(homeFolder('HF_HOME'), '.cache'), 'huggingface')
  const cache = option(options.cacheFolder, 'cacheFolder', stringOf)
  return {
    endpoint: endpointOf(process.env.HF_ENDPOINT?.trim()),
    token: option(options.token, 'token', tokenOf) ?? (await savedToken(home)),
    cacheFolder: resolve((cache || environment('HF_HUB_CACHE')) ?? environment('HUGGINGFACE_HUB_CACHE') ?? join(home(), 'hub')),
    offline: option(options.offline, 'offline', booleanOf) ?? (isTrue('HF_HUB_OFFLINE') || isTrue('TRANSFORMERS_OFFLINE')),
    revision: revisionOf(options.revision ?? 'main'),
    connectTimeout:
      option(options.connectTimeout, 'connectTimeout', (name, value) => integerIn(name, value, 1, 3_600_000)) ??
      seconds('HF_HUB_ETAG_TIMEOUT', 10),
    stallTimeout: seconds('HF_HUB_DOWNLOAD_TIMEOUT', 10),
  }
}

/** Expands `~` at the start to the home folder. */
export function expandHome(path: string): string {
  return path === '~' || /^~[\\/]/.test(path) ? join(homeFolder('a path without ~'), path.slice(1)) : path
}

function option<T>(value: T | undefined, name: string, check: (name: string, value: unknown) => T): T | undefined {
  return value === undefined ? undefined : check(name, value)
}

function environment(name: string): string | undefined {
  const value = process.env[name]?.trim()
  return value ? expandHome(value) : undefined
}

function isTrue(name: string): boolean {
  return ['1', 'ON', 'YES', 'TRUE'].includes(process.env[name]?.trim().toUpperCase() ?? '')
}

function seconds(name: string, otherwise: number): number {
  const value = Number(process.env[name])
  return 1000 * (value > 0 && value < 3600 ? value : otherwise)
}

function endpointOf(text: string | undefined): string | undefined {
  if (!text) return undefined
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return trimEnd(text, '/')
  throw new SentorchError('ERR_DOWNLOAD', `HF_ENDPOINT is not a valid URL such as https://host, but ${describe(text)}.`)
}

async function savedToken(home: () => string): Promise<string | undefined> {
  if (isTrue('HF_HUB_DISABLE_IMPLICIT_TOKEN')) return undefined
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN']) {
    const value = process.env[name]?.trim()
    if (value) return checkedToken(value, name, 'ERR_DOWNLOAD')
  }
  let path: string
  let text: string
  try {
    path = environment('HF_TOKEN_PATH') ?? join(home(), 'token')
    text = (await readFile(path, 'utf8')).trim()
  } catch {
    return undefined
  }
  return text ? checkedToken(text, path, 'ERR_DOWNLOAD') : undefined
}

function tokenOf(name: string, value: unknown): string {
  return checkedToken(stringOf(name, value).trim(), name, 'ERR_INVALID_ARGUMENT')
}

/** The token is sent in a header and must never appear in a message. */
function checkedToken(token: string, from: string, code: ErrorCode): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new SentorchError(code, `The access token from ${from} is empty or contains characters that are not valid in a token.`, {
    detail: { from },
  })
}

/** A revision becomes a file name below `refs` and must not lead out of that folder. */
function revisionOf(value: unknown): string {
  const revision = stringOf('revision', value)
  const safe = /^[^\s\\:*?"<>|~^\0]+$/.test(revision) && revision.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  if (!safe) throw invalid('revision', 'a branch, a tag or a commit', value)
  return revision
}

/** A repository is `name` or `owner/name`. The hub allows ASCII letters, digits, `-`, `_` and `.` in them. */
const REPOSITORY = /^(?:[A-Za-z0-9_](?:[\w.-]{0,94}[A-Za-z0-9_])?\/)?[A-Za-z0-9_](?:[\w.-]{0,94}[A-Za-z0-9_])?$/

export function isRepositoryId(text: string): boolean {
  return REPOSITORY.test(text) && !text.includes('--') && !text.includes('..') && !text.endsWith('.git')
}

/** True for a path that cannot be a repository id. */
export function looksLikePath(text: string): boolean {
  return /^(?:\.{1,2}(?:\/|$)|\/|~|[A-Za-z]:)/.test(text) || text.includes('\\') || !isRepositoryId(text)
}

/** As in Python, a name without an owner belongs to sentence-transformers, unless it is one of the hub's first models, which have no owner. */
export function repositoryId(text: string): string {
  return text.includes('/') || OWNERLESS.has(text.toLowerCase()) ? text : `sentence-transformers/${text}`
}

/** A family and the suffixes of its names: `bert-base-cased` and so on. */
const OWNERLESS_BY_FAMILY: Record<string, string> = {
  'albert-base': 'v1 v2',
  'albert-large': 'v1 v2',
  'albert-xlarge': 'v1 v2',
  'albert-xxlarge': 'v1 v2',
  'bert-base':
    'cased cased-finetuned-mrpc chinese german-cased german-dbmdz-cased german-dbmdz-uncased multilingual-cased multilingual-uncased uncased',
  'bert-large':
    'cased cased-whole-word-masking cased-whole-word-masking-finetuned-squad uncased uncased-whole-word-masking uncased-whole-word-masking-finetuned-squad',
  camembert: 'base',
  distilbert:
    'base-cased base-cased-distilled-squad base-german-cased base-multilingual-cased base-uncased base-uncased-distilled-squad base-uncased-finetuned-sst-2-english',
  distilroberta: 'base',
  gpt2: 'large medium xl',
  openai: 'gpt',
  roberta: 'base base-openai-detector large large-mnli large-openai-detector',
  t5: '11b 3b base large small',
  'transfo-xl': 'wt103',
  'xlm-clm': 'ende-1024 enfr-1024',
  'xlm-mlm': '100-1280 17-1280 en-2048 ende-1024 enfr-1024 enro-1024 tlm-xnli15-1024 xnli15-1024',
  'xlm-roberta':
    'base large large-finetuned-conll02-dutch large-finetuned-conll02-spanish large-finetuned-conll03-english large-finetuned-conll03-german',
  xlnet: 'base-cased large-cased',
}

const OWNERLESS = new Set([
  'ctrl',
  'distilgpt2',
  'gpt2',
  ...Object.entries(OWNERLESS_BY_FAMILY).flatMap(([family, endings]) => endings.split(' ').map((ending) => `${family}-${ending}`)),
])
