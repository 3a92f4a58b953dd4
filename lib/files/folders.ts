import { rmSync } from 'node:fs'
import { lstat, mkdir, open, readdir, stat, type FileHandle } from 'node:fs/promises'
import { constants } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Addon } from '../../binding'
import { loadAddon } from '../native/addon'

/**
 * Makes a folder and those above it that are missing. As `mkdir` with `recursive`, except that it ends where a file system answers ENOENT for
 * whatever is made in it (/proc): Node's own asks for ever.
 */
export async function makeFolder(folder: string): Promise<void> {
  const path = resolve(folder)
  try {
    await mkdir(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && dirname(path) !== path) {
      await makeFolder(dirname(path))
      await mkdir(path).catch((again: NodeJS.ErrnoException) => {
        // Made by somebody else meanwhile.
        if (again.code !== 'EEXIST') throw again
      })
      return
    }
    // EEXIST, or what systems say of a root or of a folder that is there and may not be written to.
    if (await isFolder(path)) return
    throw error
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

/** Flushes a folder to the disk: only then is a file's new name there after a loss of power. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows does not open folders.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Bytes of all files below a folder, links not followed; null where there is no such folder. What vanishes meanwhile counts nothing. */
export async function folderBytes(folder: string): Promise<number | null> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => null)
  if (entries === null) return null
  let bytes = 0
  for (const entry of entries) {
    if (entry.isFile()) bytes += (await lstat(join(entry.parentPath, entry.name)).catch(() => ({ size: 0 }))).size
  }
  return bytes
}

const paths = new Set<string>()

/** Removes a file or folder when this process or worker ends, unless `keepAtExit` is called first. A kill leaves it. */
export function removeAtExit(path: string): void {
  // One listener for all: Node warns of more than ten.
  if (!process.listeners('exit').includes(removeAll)) process.on('exit', removeAll)
  paths.add(path)
}

export function keepAtExit(path: string): void {
  paths.delete(path)
}

function removeAll(): void {
  for (const path of paths) {
    try {
      // Again where libuv's threads have put another file there meanwhile.
      rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 5 })
    } catch {
      // At the exit there is nobody to tell; whoever writes there next sweeps it.
    }
  }
}

/** A file that is open and, where `isLocked`, locked for as long as the handle is open. */
export interface LockedFile {
  handle: FileHandle
  /** False where the file system does not support locks, or the addon does not load: then another process may use the file unseen. */
  isLocked: boolean
}

/**
 * Opens a file and takes its lock, without waiting. The kernel gives the lock back when its owner closes the file or ends, however it ends: a
 * lock that is free has no owner, in whatever container or on whatever machine that was. Undefined where another has the lock, or has
 * removed the file meanwhile.
 */
export async function openLocked(path: string, flags: 'wx' | 'r+' | 'a+'): Promise<LockedFile | undefined> {
  const handle = await open(path, flags)
  try {
    const errno = addonIfAny()?.lock(handle.fd) ?? constants.errno.ENOSYS
    if (errno !== constants.errno.EAGAIN && (await isAt(path, handle))) return { handle, isLocked: errno === 0 }
  } catch (error) {
    await handle.close()
    throw error
  }
  await handle.close()
  return undefined
}

/** Undefined where the addon does not load; then models do not load either, but libtorch can be installed. */
export function addonIfAny(): Addon | undefined {
  try {
    return loadAddon()
  } catch {
    return undefined
  }
}

async function isAt(path: string, handle: FileHandle): Promise<boolean> {
  const own = await handle.stat({ bigint: true })
  const now = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return now?.ino === own.ino && now.dev === own.dev
}
