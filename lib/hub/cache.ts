import { randomUUID } from 'node:crypto'
import type { Stats } from 'node:fs'
import { copyFile, link, lstat, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { makeFolder } from '../files/folders'
import { unlessOutOfFiles } from '../files/file-errors'
import { selectFiles } from './select'

/** One file of a repository at a commit, as the hub lists it. */
export interface RemoteFile {
  path: string
  /** Bytes of the content. */
  size: number
  /** Name of the blob: the content's sha256 for a large file, its git object id otherwise. */
  etag: string
}

const COMMIT = /^[0-9a-f]{40}$/
export const isCommit = (text: string): boolean => COMMIT.test(text)
export const isEtag = (text: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)

/** The hub's paths are `/`-separated and relative; nothing else may be joined to a folder of ours. */
export function isSafePath(path: string): boolean {
  return !/[\\\0:]/.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

/**
 * One repository in the cache that Python's huggingface_hub keeps too: `models--owner--name/` with `blobs/ETAG` (contents, put in place when
 * whole), `snapshots/COMMIT/PATH` (relative links to blobs), `refs/REVISION` (a commit) and `.no_exist/COMMIT/PATH` (known to be absent).
 * Python's `trees/COMMIT.json` (listing of the commit) is read, not written: it would tell Python that a snapshot without the files that we
 * leave out is broken.
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

  /** Best effort: a cache that cannot be written to is still good for reading. */
  async writeRef(revision: string, commit: string): Promise<void> {
    if (revision === commit || (await this.readRef(revision)) === commit) return
    await writeWhole(join(this.folder, 'refs', revision), commit).catch(() => undefined)
  }

  /** Best effort. Tells a later call without a network that the file is absent from the repository, not from the cache alone. */
  async markAbsent(commit: string, path: string): Promise<void> {
    await writeWhole(join(this.folder, '.no_exist', commit, path), '').catch(() => undefined)
  }

  async read(commit: string, path: string): Promise<string | undefined> {
    return readText(join(this.snapshot(commit), path))
  }

  async has(commit: string, path: string, size?: number): Promise<boolean> {
    return isWhole(join(this.snapshot(commit), path), size)
  }

  /** The commit's listing where Python left one. */
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

  /** What the snapshot lacks for loading, as far as can be told from the cache alone; `files` is the commit's listing where it is known. */
  async lacking(commit: string, files?: Iterable<string>): Promise<string[]> {
    const listing = await this.listing(commit)
    const sizes = new Map(listing?.map((file) => [file.path, file.size]))
    const known = files ?? (listing && sizes.keys())
    const names = known ? [...known] : await this.#cachedFiles(commit)
    if (names.length === 0) return ['everything']
    const { files: wanted, missing } = await selectFiles(names, (path) => this.read(commit, path))
    const lacking = missing.map(({ path }) => path)
    for (const path of wanted) if (!(await this.has(commit, path, sizes.get(path)))) lacking.push(path)
    // Without modules.json the pooling is guessed: it must be known that there is none.
    if (!known && !names.includes('modules.json') && !(await exists(join(this.folder, '.no_exist', commit, 'modules.json')))) {
      lacking.push('modules.json')
    }
    return lacking
  }

  /** Makes `snapshots/COMMIT/PATH` lead to the blob. Two processes may do so at once. */
  async link(commit: string, file: RemoteFile): Promise<void> {
    const blob = this.blob(file.etag)
    const pointer = join(this.snapshot(commit), file.path)
    if (await isWhole(pointer, file.size)) return
    await makeFolder(dirname(pointer))
    const staged = temporary(pointer)
    try {
      // Windows gives symbolic links to few users: a hard link does as well, a copy costs its size.
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

/** Whether a regular file is there, behind links if need be, and of that size where one is given. */
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

/** What cannot be read is fetched again, except where it is this process that cannot open any more files. */
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
