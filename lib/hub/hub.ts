import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { invalid, stringOf } from '../base/check'
import { SentorchError, throwIfAborted } from '../base/errors'
import { expandHome, hubSettings, isRepositoryId, looksLikePath, repositoryId } from './settings'
import { resolveRepository } from './repository'
import type { HubOptions, LoadProgress } from '../model/load-options'
import { recoverFolder } from '../files/staging'

export interface ResolveOptions extends HubOptions {
  /** Called at most every 100 ms, and once at the end of each file; not called for what is in the cache. A promise that it gives is awaited. */
  onProgress?: (progress: LoadProgress) => unknown
  /** Gives up; the promise rejects with ERR_ABORTED, and what was downloaded so far is continued by the next call. */
  signal?: AbortSignal
  /** Milliseconds to wait for the hub's answer before its cached copy is used, if any. Defaults to `HF_HUB_ETAG_TIMEOUT` (seconds), else 10,000. */
  connectTimeout?: number
}

export interface ResolvedModel {
  /** Absolute. */
  folder: string
  /** `cache`: everything was there already; `hub`: something was downloaded. */
  source: 'local' | 'cache' | 'hub'
  /** The repository on the hub, with its owner. */
  id?: string
  commit?: string
}

/**
 * The folder of a model: a folder of this machine where there is one by that name, else a repository of the hub (`owner/name`, or a bare name of
 * sentence-transformers), downloaded into the cache that Python's huggingface_hub uses: configuration, tokenizer and safetensors only.
 * Rejects ERR_MODEL_NOT_FOUND, ERR_DOWNLOAD, ERR_UNSAFE_MODEL (weights only as pickle), ERR_MODEL_UNSUPPORTED, ERR_MODEL_FORMAT, ERR_ABORTED,
 * ERR_INVALID_ARGUMENT.
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

const ABSENT = 'no such folder'

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
    ? `For the hub's repository, write '${id}' without anything before or after it.`
    : 'A model of the hub is named name or owner/name, as in sentence-transformers/all-MiniLM-L6-v2.'
  const meant = found.startsWith('a file') ? 'Give the folder that holds config.json and the weights.' : `Check the path. ${hint}`
  return new SentorchError('ERR_MODEL_NOT_FOUND', `No model folder at ${folder} (${found}). ${meant}`, { detail: { where, folder } })
}
