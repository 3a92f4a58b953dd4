import { readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { throwIfAborted } from '../base/errors'
import { makeFolder, openLocked } from '../files/folders'

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
