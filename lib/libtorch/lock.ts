import { readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { throwIfAborted } from '../base/errors'
import { makeFolder, openLocked } from '../files/folders'

export interface LockOptions {
  signal?: AbortSignal
  /** Called once, when another process holds the lock; with its process id where it is known. */
  onWait?: (pid: number | undefined) => void
  /** Milliseconds between two looks at a lock that another holds. */
  pollMs?: number
}

/**
 * Runs `work` while no other process that uses the same lock file does. `waited` tells it whether another had the lock before. A lock whose
 * holder was killed is free. Where locks are not supported (see `LockedFile`), several processes may work at the same time.
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
    // While it is held: whoever opened it before and locks it afterwards sees that it is gone. Windows would keep the name until all have closed it.
    if (process.platform !== 'win32') await rm(path, { force: true }).catch(() => {})
    await handle.close()
  }
}

/** For messages alone: it may be the number of another container. */
async function holder(path: string): Promise<number | undefined> {
  const pid = Number(await readFile(path, 'utf8').catch(() => ''))
  return pid > 0 ? pid : undefined
}
