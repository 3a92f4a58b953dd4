import { createHash, randomUUID, type Hash } from 'node:crypto'
import { open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { makeFolder } from '../files/folders'
import { isWhole, type RemoteFile } from './cache'
import { HubFailure, type HubClient } from './client'

const ATTEMPTS = 5
/** Age after which an unfinished file counts as abandoned; an active download times out much sooner. */
const ABANDONED_MS = 10 * 60_000

export interface BlobRequest {
  client: HubClient
  commit: string
  file: RemoteFile
  /** Path of the blob. It exists only when the content is complete and its hash is correct. */
  blob: string
  stallTimeout: number
  /** Stops the transfer. The partial content is kept for the next call. */
  signal: AbortSignal
  /** Called with the number of bytes so far; awaited. */
  onBytes: (loaded: number) => unknown
}

/**
 * Downloads one blob. Each process writes to its own file, `ETAG.xxxxxxxx.incomplete`, which is renamed when it is complete: simultaneous
 * downloads of one blob waste bandwidth but are correct. A failed or killed download is continued by the first process that renames its file.
 */
export async function downloadBlob(request: BlobRequest): Promise<void> {
  const { blob, file } = request
  await makeFolder(dirname(blob))
  const path = `${blob}.${randomUUID().slice(0, 8)}.incomplete`
  await adopt(blob, path)
  const handle = await open(path, 'r+').catch(() => open(path, 'wx+'))
  try {
    await fill(handle, request)
    await handle.sync()
  } catch (error) {
    await park(handle, path)
    throw error
  }
  await handle.close()
  try {
    await rename(path, blob)
  } catch (error) {
    await rm(path, { force: true })
    if (!(await isWhole(blob, file.size))) throw error
  }
}

/** Takes over the partial file of an earlier download of this blob, if any. */
async function adopt(blob: string, path: string): Promise<void> {
  const names = await readdir(dirname(blob))
  for (const name of names.filter((name) => name.startsWith(`${basename(blob)}.`) && name.endsWith('.incomplete'))) {
    const left = join(dirname(blob), name)
    const found = await stat(left).catch(() => undefined)
    if (!found?.isFile() || Date.now() - found.mtimeMs < ABANDONED_MS) continue
    const taken = await rename(left, path).then(
      () => true,
      () => false,
    )
    if (taken) return
  }
}

/** Leaves the partial content to the next download. Its time is set back so that it counts as abandoned immediately. */
async function park(handle: FileHandle, path: string): Promise<void> {
  const { size } = await handle.stat()
  await handle.utimes(0, 0).catch(() => undefined)
  await handle.close()
  if (size === 0) await rm(path, { force: true })
}

/** Downloads and verifies the whole content. Network failures are retried as long as each attempt makes progress. */
async function fill(handle: FileHandle, request: BlobRequest): Promise<void> {
  const { file, client } = request
  let mismatches = 0
  let failures = 0
  let content = await existing(handle, file, request.onBytes)
  for (;;) {
    const before = content.loaded
    try {
      if (content.loaded < file.size) await transfer(handle, content, request)
    } catch (error) {
      const failure = client.failure(error, `no data for ${request.stallTimeout / 1000} s`)
      failures = content.loaded > before ? 1 : failures + 1
      if (!(failure instanceof HubFailure) || !failure.retryable || failures >= ATTEMPTS) throw failure
      await client.pause(failures, failure, request.signal)
      continue
    }
    const digest = content.hash.digest('hex')
    if (content.loaded === file.size && digest === file.etag) return
    // Wrong content is useless for this download and for the next.
    content = await restart(handle, file)
    if (++mismatches > 1) {
      throw new HubFailure(`the content of ${file.path} does not match the hub's listing (expected ${file.etag}, received ${digest})`, {
        kind: 'answer',
      })
    }
  }
}

interface Content {
  loaded: number
  hash: Hash
}

async function transfer(
  handle: FileHandle,
  content: Content,
  { client, commit, file, signal, stallTimeout, onBytes }: BlobRequest,
): Promise<void> {
  const stalled = new AbortController()
  const timer = setTimeout(() => stalled.abort(new DOMException('stalled', 'TimeoutError')), stallTimeout)
  try {
    const response = await client.open(commit, file.path, content.loaded, AbortSignal.any([signal, stalled.signal]))
    if (content.loaded > 0 && !continues(response, content.loaded)) Object.assign(content, await restart(handle, file))
    if (!response.ok) {
      await response.body?.cancel()
      throw new HubFailure(`status ${response.status} for ${file.path}`, { kind: 'network' })
    }
    for await (const chunk of response.body ?? []) {
      timer.refresh()
      const bytes = chunk as Uint8Array
      if (content.loaded + bytes.length > file.size)
        throw new HubFailure(`${file.path} is larger than the listed ${file.size} bytes`, { kind: 'answer' })
      await writeAll(handle, bytes, content.loaded)
      content.hash.update(bytes)
      content.loaded += bytes.length
      await onBytes(content.loaded)
    }
    if (content.loaded < file.size)
      throw new HubFailure(`${file.path} ended after ${content.loaded} of ${file.size} bytes`, { kind: 'network' })
  } finally {
    clearTimeout(timer)
  }
}

function continues(response: Response, offset: number): boolean {
  return response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${offset}-`) === true
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten
  }
}

/** Hashes the existing content of the file. */
async function existing(handle: FileHandle, file: RemoteFile, onBytes: BlobRequest['onBytes']): Promise<Content> {
  const { size } = await handle.stat()
  if (size === 0 || size > file.size) return restart(handle, file)
  const content = { loaded: 0, hash: hashOf(file) }
  const buffer = Buffer.alloc(1 << 20)
  while (content.loaded < size) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, content.loaded)
    if (bytesRead === 0) break
    content.hash.update(buffer.subarray(0, bytesRead))
    content.loaded += bytesRead
  }
  await onBytes(content.loaded)
  return content
}

async function restart(handle: FileHandle, file: RemoteFile): Promise<Content> {
  await handle.truncate(0)
  return { loaded: 0, hash: hashOf(file) }
}

/** A large file's blob is named by the sha256 of its content, a small file's by its git object id: the sha1 of a header and the content. */
function hashOf(file: RemoteFile): Hash {
  return file.etag.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${file.size}\0`)
}
