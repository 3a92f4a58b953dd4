import { rmSync } from 'node:fs'
import { lstat, mkdir, open, readdir, readFile, rm, stat, type FileHandle } from 'node:fs/promises'
import { constants } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Addon } from '../../binding'
import { throwIfAborted } from '../base/errors'
import { loadAddon } from '../native/addon'

/**
 * Creates a folder and its missing parents. Like `mkdir` with `recursive`, except that it fails on a file system that answers ENOENT to every
 * attempt (/proc), where Node's own function never returns.
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
        // Another process has created it in the meantime.
        if (again.code !== 'EEXIST') throw again
      })
      return
    }
    // EEXIST, or the error for a root folder or an existing folder that is not writable.
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

/** Flushes a folder to the disk. Only then does a new file name in it survive a power failure. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open folders.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Total bytes of the files below a folder, without following links; null if the folder does not exist. Files that disappear meanwhile count as 0. */
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

/** Removes a file or folder when this process or worker ends, unless `keepAtExit` is called first. Nothing is removed if the process is killed. */
export function removeAtExit(path: string): void {
  // One listener for all paths: Node warns about more than ten.
  if (!process.listeners('exit').includes(removeAll)) process.on('exit', removeAll)
  paths.add(path)
}

export function keepAtExit(path: string): void {
  paths.delete(path)
}

function removeAll(): void {
  for (const path of paths) {
    try {
      // Repeated if a libuv thread has created another file there in the meantime.
      rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 5 })
    } catch {
      // Errors cannot be reported during exit; the next process that writes there removes the leftovers.
    }
  }
}

/** An open file that, if `isLocked`, stays locked until the handle is closed. */
export interface LockedFile {
  handle: FileHandle
  /** False if the file system does not support locks or the addon cannot be loaded. Then another process may use the file at the same time. */
  isLocked: boolean
}

/**
 * Opens a file and takes its lock without waiting. The kernel releases the lock when its owner closes the file or ends in any way, so a free
 * lock has no owner, whatever container or machine the owner ran on. Returns undefined if another process holds the lock or has removed the
 * file in the meantime.
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

/** Undefined if the addon cannot be loaded. Models cannot be loaded then either, but libtorch can still be installed. */
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

export interface LockOptions {
  signal?: AbortSignal
  /** Called once if another process holds the lock, with its process id if known. */
  onWait?: (pid: number | undefined) => void
  /** Milliseconds between two attempts to take a lock. */
  pollMs?: number
}

/**
 * Runs `work` while holding a lock file. `waited` tells it whether another process held the lock before. The lock of a killed process is free.
 * If the file system does not support locks (see `LockedFile`), several processes may work at the same time.
 */
export async function withLock<T>(path: string, options: LockOptions, work: (waited: boolean) => Promise<T>): Promise<T> {
  await makeFolder(dirname(path))
  let waited = false
  let lock = await openLocked(path, 'a+')
  while (!lock) {
    if (!waited) options.onWait?.(await holder(path))
    waited = true
    throwIfAborted(options.signal)
    await delay(options.pollMs ?? 500, undefined, { signal: options.signal }).catch(() => throwIfAborted(options.signal))
    lock = await openLocked(path, 'a+')
  }
  const { handle } = lock
  try {
    await handle.truncate()
    await handle.writeFile(`${process.pid}\n`)
    return await work(waited)
  } finally {
    // Removed while it is held: a process that has opened it and locks it later sees that it is gone. On Windows the name would remain until all handles are closed.
    if (process.platform !== 'win32') await rm(path, { force: true }).catch(() => {})
    await handle.close()
  }
}

/** Only for messages: the process id may belong to another container. */
async function holder(path: string): Promise<number | undefined> {
  const pid = Number(await readFile(path, 'utf8').catch(() => ''))
  return pid > 0 ? pid : undefined
}
