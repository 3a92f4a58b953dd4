import { randomUUID } from 'node:crypto'
import type { Stats } from 'node:fs'
import { copyFile, link, lstat, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { makeFolder } from '../files/folders'
import { unlessOutOfFiles } from '../files/file-errors'
import { selectFiles } from './select'

/** One file of a repository at a commit, as listed by the hub. */
export interface RemoteFile {
  path: string
  /** Size of the content in bytes. */
  size: number
  /** Name of the blob: the sha256 of the content for a large file, otherwise its git object id. */
  etag: string
}

const COMMIT = /^[0-9a-f]{40}$/
export const isCommit = (text: string): boolean => COMMIT.test(text)
export const isEtag = (text: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)

/** The hub's paths are `/`-separated and relative; anything else must not be joined to a local folder. */
export function isSafePath(path: string): boolean {
  return !/[\\\0:]/.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

/**
 * One repository in the cache format of Python's huggingface_hub: `models--owner--name/` with `blobs/ETAG` (contents, moved there when
 * complete), `snapshots/COMMIT/PATH` (relative links to blobs), `refs/REVISION` (a commit) and `.no_exist/COMMIT/PATH` (known to be absent).
 * Python's `trees/COMMIT.json` (the listing of a commit) is read but not written: Python would consider a snapshot without the files that
 * sentorch does not download as broken.
 */
export class RepositoryCache {
  readonly folder: string

  constructor(root: string, id: string) {
    this.folder = join(root, `models--${id.split('/').join('--')}`)
  }

  snapshot(commit: string): string {
    return join(this.folder, 'snapshots', commit)
  }

  blob(etag: string): string {
    return join(this.folder, 'blobs', etag)
  }

  async readRef(revision: string): Promise<string | undefined> {
    if (isCommit(revision)) return revision
    const commit = (await readText(join(this.folder, 'refs', revision)))?.trim()
    return commit !== undefined && isCommit(commit) ? commit : undefined
  }

  /** Best effort: a cache that is not writable can still be read. */
  async writeRef(revision: string, commit: string): Promise<void> {
    if (revision === commit || (await this.readRef(revision)) === commit) return
    await writeWhole(join(this.folder, 'refs', revision), commit).catch(() => undefined)
  }

  /** Best effort. Records for later offline calls that the file does not exist in the repository, as opposed to not being in the cache. */
  async markAbsent(commit: string, path: string): Promise<void> {
    await writeWhole(join(this.folder, '.no_exist', commit, path), '').catch(() => undefined)
  }

  async read(commit: string, path: string): Promise<string | undefined> {
    return readText(join(this.snapshot(commit), path))
  }

  async has(commit: string, path: string, size?: number): Promise<boolean> {
    return isWhole(join(this.snapshot(commit), path), size)
  }

  /** The listing of the commit, if Python has written one. */
  async listing(commit: string): Promise<RemoteFile[] | undefined> {
    const text = await readText(join(this.folder, 'trees', `${commit}.json`))
    try {
      const tree = JSON.parse(text ?? 'null') as Tree | null
      if (tree?.format_version !== 1) return undefined
      return Object.entries(tree.files).map(([path, file]) => ({
        path,
        size: file.lfs_size ?? file.size,
        etag: file.lfs_sha256 ?? file.blob_id,
      }))
    } catch {
      return undefined
    }
  }

  /** The files that the snapshot lacks for loading, as far as the cache can tell. `files`: the listing of the commit, if known. */
  async lacking(commit: string, files?: Iterable<string>): Promise<string[]> {
    const listing = await this.listing(commit)
    const sizes = new Map(listing?.map((file) => [file.path, file.size]))
    const known = files ?? (listing && sizes.keys())
    const names = known ? [...known] : await this.#cachedFiles(commit)
    if (names.length === 0) return ['everything']
    const { files: wanted, missing } = await selectFiles(names, (path) => this.read(commit, path))
    const lacking = missing.map(({ path }) => path)
    for (const path of wanted) if (!(await this.has(commit, path, sizes.get(path)))) lacking.push(path)
    // Without modules.json, mean pooling is assumed, so it must be known that the repository has none.
    if (!known && !names.includes('modules.json') && !(await exists(join(this.folder, '.no_exist', commit, 'modules.json')))) {
      lacking.push('modules.json')
    }
    return lacking
  }

  /** Links `snapshots/COMMIT/PATH` to the blob, also if it exists with `replace`: it may be a copy. Two processes may do this at the same time. */
  async link(commit: string, file: RemoteFile, replace = false): Promise<void> {
    const blob = this.blob(file.etag)
    const pointer = join(this.snapshot(commit), file.path)
    if (!replace && (await isWhole(pointer, file.size))) return
    await makeFolder(dirname(pointer))
    const staged = temporary(pointer)
    try {
      // On Windows few users may create symbolic links: a hard link is equivalent, and a copy costs disk space.
      await symlink(relative(dirname(pointer), blob), staged)
        .catch(() => link(blob, staged))
        .catch(() => copyFile(blob, staged))
      await rename(staged, pointer)
    } catch (error) {
      await rm(staged, { force: true })
      if (!(await isWhole(pointer, file.size))) throw error
    }
  }

  async #cachedFiles(commit: string): Promise<string[]> {
    const root = this.snapshot(commit)
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(unlessOutOfFiles(root, []))
    const files = entries.filter((entry) => !entry.isDirectory())
    return files.map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
  }
}

interface Tree {
  format_version: number
  files: Record<string, { size: number; blob_id: string; lfs_size?: number; lfs_sha256?: string }>
}

/** Whether a regular file exists, possibly through links, and has the given size, if any. */
export async function isWhole(path: string, size?: number): Promise<boolean> {
  const found: Stats | undefined = await stat(path).catch(() => undefined)
  return found !== undefined && found.isFile() && (size === undefined || found.size === size)
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

/** Unreadable files are downloaded again, unless the process has too many open files. */
async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(unlessOutOfFiles(path, undefined))
}

const temporary = (path: string) => `${path}.${randomUUID().slice(0, 8)}.tmp`

async function writeWhole(path: string, text: string): Promise<void> {
  await makeFolder(dirname(path))
  const staged = temporary(path)
  try {
    await writeFile(staged, text)
    await rename(staged, path)
  } catch (error) {
    await rm(staged, { force: true })
    throw error
  }
}
