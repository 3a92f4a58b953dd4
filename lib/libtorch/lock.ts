import { mkdir, open, readFile, rm, stat, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { throwIfAborted } from '../errors'
import { isAlive } from '../is-alive'

export interface LockOptions {
  signal?: AbortSignal
  /** Called once, when another process holds the lock; with its process id where it is known. */
  onWait?: (pid: number | undefined) => void
  /** Milliseconds between two looks at a lock that another holds. */
  pollMs?: number
  /** A lock whose holder has not refreshed it for so long is taken for abandoned. Defaults to a minute. */
  staleMs?: number
}

interface Holder {
  pid: number
  host: string
}

/**
 * Runs `work` while no other process that uses the same lock file does. `waited` tells it whether another had the lock before.
 * A lock is abandoned when its process on this machine is gone, or when it was not refreshed for a minute (other machines, reused process ids).
 */
export async function withLock<T>(path: string, options: LockOptions, work: (waited: boolean) => Promise<T>): Promise<T> {
  const staleMs = options.staleMs ?? 60_000
  await mkdir(dirname(path), { recursive: true })
  let waited = false
  while (!(await acquire(path))) {
    if (await isStale(path, staleMs)) {
      await removeStale(path, staleMs)
      continue
    }
    if (!waited) options.onWait?.((await holder(path))?.pid)
    waited = true
    throwIfAborted(options.signal)
    await delay(options.pollMs ?? 500)
  }
  const refresh = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), staleMs / 6)
  refresh.unref()
  try {
    return await work(waited)
  } finally {
    clearInterval(refresh)
    await rm(path, { force: true })
  }
}

async function acquire(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx')
    await file.writeFile(JSON.stringify({ pid: process.pid, host: hostname() } satisfies Holder)).finally(() => file.close())
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function isStale(path: string, staleMs: number): Promise<boolean> {
  const info = await stat(path).catch(() => null)
  if (info === null) return false
  if (Date.now() - info.mtimeMs > staleMs) return true
  const held = await holder(path)
  return held !== undefined && held.host === hostname() && !isAlive(held.pid)
}

/**
 * Two processes may find the same lock abandoned, and the slower must not remove the lock that the faster has made since:
 * an abandoned lock is only removed while holding a second one, after another look.
 */
async function removeStale(path: string, staleMs: number): Promise<void> {
  const takeover = `${path}.takeover`
  if (!(await acquire(takeover))) {
    const info = await stat(takeover).catch(() => null)
    if (info !== null && Date.now() - info.mtimeMs > staleMs) await rm(takeover, { force: true })
    await delay(50)
    return
  }
  try {
    if (await isStale(path, staleMs)) await rm(path, { force: true })
  } finally {
    await rm(takeover, { force: true })
  }
}

async function holder(path: string): Promise<Holder | undefined> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as Partial<Holder>
    return typeof value.pid === 'number' && typeof value.host === 'string' ? (value as Holder) : undefined
  } catch {
    return undefined // Being written just now, or removed.
  }
}
