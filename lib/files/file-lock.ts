import { open, stat, type FileHandle } from 'node:fs/promises'
import { constants } from 'node:os'
import type { Addon } from '../../binding'
import { loadAddon } from '../native/addon'

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
