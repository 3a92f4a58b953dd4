import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { refusal } from '../base/arguments'
import { invalid, stringOf } from '../base/check'
import { aborted, SentorchError, throwIfAborted } from '../base/errors'
import { fileError, isOutOfFiles, isSystemError } from '../files/file-errors'
import { otherWeights } from '../files/read'
import { recoverFolder } from '../files/staging'
import type { HubOptions, LoadProgress } from '../model/load-options'
import { bundledFolder } from './bundled'
import { isCommit, isWhole, RepositoryCache, type RemoteFile } from './cache'
import { explain, HubClient, HubFailure } from './client'
import { downloadBlob } from './download'
import { selectFiles } from './select'
import { expandHome, hubSettings, isRepositoryId, looksLikePath, repositoryId, type HubSettings } from './settings'

export interface ResolveOptions extends HubOptions {
  /** Called at most every 100 ms and at the end of each file; not called for files from the cache. If it returns a promise, the promise is awaited. */
  onProgress?: (progress: LoadProgress) => unknown
  /** Cancels the call; the promise rejects with ERR_ABORTED. The next call continues partial downloads. */
  signal?: AbortSignal
  /** Milliseconds to wait for a response of the hub before the cached copy, if any, is used. Defaults to `HF_HUB_ETAG_TIMEOUT` (in seconds), or 10,000. */
  connectTimeout?: number
}

/** Where a model came from. */
export type ModelSource = 'bundled' | 'local' | 'cache' | 'hub'

export interface ResolvedModel {
  /** Absolute path. */
  folder: string
  /** `bundled`: part of the package; `cache`: nothing was downloaded; `hub`: at least one file was downloaded. */
  source: ModelSource
  /** The id of the repository on the hub, with its owner. */
  id?: string
  commit?: string
}

/**
 * The folder of a model: a bundled model (`sentorch:mini`), a local folder if one with that name exists, otherwise a repository on the hub (`owner/name`, or only the name for
 * those of sentence-transformers), downloaded to the cache of Python's huggingface_hub: configuration, tokenizer and safetensors only.
 * Rejects with ERR_MODEL_NOT_FOUND, ERR_DOWNLOAD, ERR_UNSAFE_MODEL (if all weights are pickled), ERR_MODEL_UNSUPPORTED, ERR_MODEL_FORMAT,
 * ERR_ABORTED or ERR_INVALID_ARGUMENT.
 */
export async function resolveModel(where: string, options: ResolveOptions = {}): Promise<ResolvedModel> {
  if (stringOf('where', where) === '' || where.includes('\0')) throw invalid('where', 'a folder or a hub id', where)
  throwIfAborted(options.signal)

  const bundled = bundledFolder(where)
  if (bundled !== undefined) return { folder: bundled, source: 'bundled' }
  const folder = resolve(expandHome(where))
  let found = await kindOf(folder)
  if (found === ABSENT && (await recoverFolder(folder))) found = 'folder'
  if (found === 'folder') return { folder, source: 'local' }
  if (looksLikePath(where)) throw notFound(where, folder, found)
  const notes = [`local  ${folder} (${found})`]
  return resolveRepository(repositoryId(where), await hubSettings(options), {
    force: options.forceDownload,
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

export interface RepositoryOptions {
  onProgress?: ((progress: LoadProgress) => unknown) | undefined
  signal?: AbortSignal | undefined
  /** Download what is in the cache too. */
  force?: boolean | undefined
  /** Notes for the errors: the other locations that were searched. */
  notes?: string[]
}

export interface ResolvedRepository {
  folder: string
  source: 'cache' | 'hub'
  id: string
  commit: string
}

const CONCURRENCY = 4
const PROGRESS_MS = 100

/**
 * The snapshot folder of a model on the hub, complete for loading. A complete commit in the cache needs no request, a branch or tag needs
 * one. If the hub does not respond, the cached copy is used. With `force` the cache is only written.
 */
export async function resolveRepository(id: string, settings: HubSettings, options: RepositoryOptions = {}): Promise<ResolvedRepository> {
  const cache = new RepositoryCache(settings.cacheFolder, id)
  const client = new HubClient(id, settings, options.signal)
  const notes = options.notes ?? []
  const force = options.force ?? false
  if (force && settings.offline) {
    throw refusal(`'forceDownload' requires the hub, but offline mode is on (the option offline, or HF_HUB_OFFLINE). Turn off one of them.`)
  }
  const { commit: found, note } = await cachedCommit(cache, settings.revision)
  const cached = force ? undefined : found
  const fromCache = (commit: string): ResolvedRepository => ({ folder: cache.snapshot(commit), source: 'cache', id, commit })

  if (cached && (settings.offline || isCommit(settings.revision))) return fromCache(cached)
  if (settings.offline) throw notCached(id, settings, [...notes, note])
  try {
    let commit = settings.revision
    if (!isCommit(commit)) {
      const info = await client.info(commit, cached === undefined).catch((error: unknown) => {
        if (cached && error instanceof HubFailure && error.allowsCache) return undefined
        throw error
      })
      if (!info) return fromCache(cached!)
      commit = info.commit
      if (!force && (await cache.lacking(commit, info.paths)).length === 0) {
        await cache.writeRef(settings.revision, commit)
        return fromCache(commit)
      }
    }
    const downloaded = await fetchSnapshot(cache, client, commit, settings, options)
    // Written last, so that a revision never points to an incomplete snapshot.
    await cache.writeRef(settings.revision, commit)
    return { ...fromCache(commit), source: downloaded ? 'hub' : 'cache' }
  } catch (error) {
    if (options.signal?.aborted) throw aborted(options.signal)
    if (error instanceof HubFailure) throw explain(error, id, settings, [...notes, note])
    if (isOutOfFiles(error)) throw fileError(`A file of the cache ${settings.cacheFolder}`, error)
    throw isSystemError(error) ? unwritable(error, id, settings) : error
  }
}

/** The commit that the cache contains completely for this revision, or a note that says what was found instead. */
async function cachedCommit(cache: RepositoryCache, revision: string): Promise<{ commit?: string; note: string }> {
  const commit = await cache.readRef(revision)
  if (commit === undefined) return { note: `cache  ${cache.folder} (nothing for revision '${revision}')` }
  const lacking = await cache.lacking(commit)
  if (lacking.length === 0) return { commit, note: `cache  ${cache.snapshot(commit)}` }
  return { note: `cache  ${cache.snapshot(commit)} (incomplete: ${lacking.join(', ')} missing)` }
}

/** Downloads what the snapshot lacks. True if anything was downloaded. */
async function fetchSnapshot(
  cache: RepositoryCache,
  client: HubClient,
  commit: string,
  settings: HubSettings,
  { onProgress, signal, force = false }: RepositoryOptions,
): Promise<boolean> {
  const listing = (await cache.listing(commit)) ?? (await client.list(commit))
  const byPath = new Map(listing.map((file) => [file.path, file]))
  const report = throttled(onProgress)
  const stop = new AbortController()
  const ended = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
  const fetched = new Set<string>()

  const fetchFile = async (file: RemoteFile) => {
    const blob = cache.blob(file.etag)
    if (fetched.has(file.etag) || (!force && (await isWhole(blob, file.size)))) return
    fetched.add(file.etag)
    const progress = (loaded: number) => ({ stage: 'download' as const, file: file.path, loaded, total: file.size })
    // The end of a file is reported once, when it is verified and has its final name.
    const onBytes = (loaded: number) => (loaded < file.size ? report(progress(loaded), false) : undefined)
    await downloadBlob({ client, commit, file, blob, stallTimeout: settings.stallTimeout, signal: ended, onBytes })
    await report(progress(file.size), true)
  }
  const readText = async (path: string) => {
    const file = byPath.get(path)
    if (!file) return undefined
    await fetchFile(file)
    return readFile(cache.blob(file.etag), 'utf8')
  }

  const { files, missing } = await selectFiles(byPath.keys(), readText)
  if (missing.length > 0) throw unusable(client.id, commit, missing)
  const wanted = files.map((path) => byPath.get(path)!)
  const queue = [...new Map(wanted.map((file) => [file.etag, file])).values()].sort((a, b) => a.size - b.size)
  const workers = Array.from({ length: CONCURRENCY }, async () => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      throwIfAborted(ended)
      await fetchFile(file)
    }
  })
  const failed = (error: unknown) => {
    stop.abort()
    throw error
  }
  try {
    await Promise.all(workers.map((worker) => worker.catch(failed)))
  } finally {
    // The caller learns of the first failure only when no download is still writing.
    await Promise.allSettled(workers)
  }

  // Links are created last: a snapshot contains all of its files, or after a failure no new ones.
  for (const file of wanted) await cache.link(commit, file, force)
  if (!byPath.has('modules.json')) await cache.markAbsent(commit, 'modules.json')
  return fetched.size > 0
}

/** Limits calls to one per 100 ms, except for those that must not be skipped. */
function throttled(onProgress: RepositoryOptions['onProgress']) {
  let last = -Infinity
  return (progress: LoadProgress, always: boolean): unknown => {
    const now = performance.now()
    if (!onProgress || (!always && now - last < PROGRESS_MS)) return
    last = now
    return onProgress(progress)
  }
}

function unusable(id: string, commit: string, missing: Awaited<ReturnType<typeof selectFiles>>['missing']): SentorchError {
  const names = missing.map(({ path }) => path)
  const detail = { id, commit, missing: names }
  const pickle = missing.flatMap((file) => file.pickle)
  if (pickle.length > 0) {
    return new SentorchError(
      'ERR_UNSAFE_MODEL',
      `The repository '${id}' on the hub contains only pickled weights (${list(pickle)}). They were not downloaded, since a pickle can run arbitrary code.\n` +
        'Use a revision or another repository with safetensors, or convert it once if you trust it: in Python, ' +
        `SentenceTransformer('${id}').save_pretrained('folder'), then load that folder.`,
      { detail: { ...detail, pickle } },
    )
  }
  const others = missing.flatMap((file) => file.others)
  const advice = otherWeights(others, id)
  if (advice !== undefined || names.every((name) => name.endsWith('.safetensors'))) {
    return new SentorchError(
      'ERR_MODEL_UNSUPPORTED',
      `The repository '${id}' on the hub has no ${list(names)}. ${advice ?? 'Weights are read from model.safetensors or from the shards in its index.'}`,
      { detail: { ...detail, others } },
    )
  }
  return new SentorchError(
    'ERR_MODEL_FORMAT',
    `The repository '${id}' on the hub is not a sentence encoder: commit ${commit} has no ${list(names)}.`,
    { detail },
  )
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ')
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown
}

function notCached(id: string, settings: HubSettings, notes: string[]): SentorchError {
  return new SentorchError(
    'ERR_MODEL_NOT_FOUND',
    [
      `'${id}' (revision '${settings.revision}') is not in the cache, and offline mode is on. Searched`,
      ...notes.map((note) => `  ${note}`),
      'Load it once with network access, point HF_HOME or the option cacheFolder to a cache that contains it, or turn off offline mode (HF_HUB_OFFLINE, the option offline).',
    ].join('\n'),
    { detail: { id, revision: settings.revision } },
  )
}

function unwritable(error: NodeJS.ErrnoException, id: string, settings: HubSettings): SentorchError {
  const remedy = error.code === 'ENOSPC' || error.code === 'EDQUOT' ? 'Free disk space' : 'Make the folder writable'
  return new SentorchError(
    'ERR_DOWNLOAD',
    `Could not store '${id}' in the cache ${settings.cacheFolder}: ${error.message}\n${remedy}, or choose another cache with HF_HOME or the option cacheFolder.`,
    { cause: error, detail: { id, path: error.path, errno: error.code } },
  )
}
