import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { invalid, stringOf } from '../base/check'
import { SentorchError, throwIfAborted } from '../base/errors'
import { expandHome, hubSettings, isRepositoryId, looksLikePath, repositoryId } from './settings'
import { resolveRepository } from './repository'
import type { HubOptions, LoadProgress } from '../model/load-options'
import { recoverFolder } from '../files/staging'

export interface ResolveOptions extends HubOptions {
  /** Called at most every 100 ms and at the end of each file; not called for files from the cache. If it returns a promise, the promise is awaited. */
  onProgress?: (progress: LoadProgress) => unknown
  /** Cancels the call; the promise rejects with ERR_ABORTED. The next call continues partial downloads. */
  signal?: AbortSignal
  /** Milliseconds to wait for a response of the hub before the cached copy, if any, is used. Defaults to `HF_HUB_ETAG_TIMEOUT` (in seconds), or 10,000. */
  connectTimeout?: number
}

export interface ResolvedModel {
  /** Absolute path. */
  folder: string
  /** `cache`: nothing was downloaded; `hub`: at least one file was downloaded. */
  source: 'local' | 'cache' | 'hub'
  /** The id of the repository on the hub, with its owner. */
  id?: string
  commit?: string
}

/**
 * The folder of a model: a local folder if one with that name exists, otherwise a repository on the hub (`owner/name`, or only the name for
 * those of sentence-transformers), downloaded to the cache of Python's huggingface_hub: configuration, tokenizer and safetensors only.
 * Rejects with ERR_MODEL_NOT_FOUND, ERR_DOWNLOAD, ERR_UNSAFE_MODEL (if all weights are pickled), ERR_MODEL_UNSUPPORTED, ERR_MODEL_FORMAT,
 * ERR_ABORTED or ERR_INVALID_ARGUMENT.
 */
export async function resolveModel(where: string, options: ResolveOptions = {}): Promise<ResolvedModel> {
  if (stringOf('where', where) === '' || where.includes('\0')) throw invalid('where', 'a folder or a hub id', where)
  throwIfAborted(options.signal)

  const folder = resolve(expandHome(where))
  let found = await kindOf(folder)
  if (found === ABSENT && (await recoverFolder(folder))) found = 'folder'
  if (found === 'folder') return { folder, source: 'local' }
  if (looksLikePath(where)) throw notFound(where, folder, found)
  const notes = [`local  ${folder} (${found})`]
  return resolveRepository(repositoryId(where), await hubSettings(options), {
    onProgress: options.onProgress,
    signal: options.signal,
    notes,
  })
}

const ABSENT = 'it does not exist'

async function kindOf(path: string): Promise<string> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'a file, not a folder'
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === 'ENOENT' || code === 'ENOTDIR' ? ABSENT : message
  }
}

function notFound(where: string, folder: string, found: string): SentorchError {
  const id = where.replace(/^(?:\.{1,2}\/|~\/|\/)+|\/+$/g, '')
  const hint = isRepositoryId(id)
    ? `For the repository on the hub, pass '${id}' without anything before or after it.`
    : 'The id of a model on the hub is name or owner/name, such as sentence-transformers/all-MiniLM-L6-v2.'
  const meant = found.startsWith('a file') ? 'Pass the folder that contains config.json and the weights.' : `Check the path. ${hint}`
  return new SentorchError('ERR_MODEL_NOT_FOUND', `No model folder at ${folder} (${found}). ${meant}`, { detail: { where, folder } })
}
