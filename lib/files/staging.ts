import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { mkdir, readdir, readlink, realpath, rename, rm, rmdir, stat } from 'node:fs/promises'
import { constants } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { SentorchError } from '../base/errors'
import { addonIfAny, keepAtExit, makeFolder, openLocked, removeAtExit, type LockedFile } from './folders'

/** Attempts at something that another process can interrupt between two steps. */
const ATTEMPTS = 10
/** Another process needs less than this, in all, for the two renames of a replacement. */
const LOOKS = 500
const LOOK_MS = 10

/**
 * A folder that is about to replace another is written in a hidden folder next to it, `.NAME.xxxxxxxx.tmp`, which holds
 *
 * - `lock`: locked by its owner. A staging folder whose lock is free was left by a process that was killed.
 * - `new`: the folder to be, whole before it moves.
 * - `old`: what is replaced moves here before `new` takes its name, where the system cannot exchange the two in one step.
 *
 * The rule for one whose lock is free: with `old` and `new` in it, and nothing under the name, it is a replacement that was interrupted, and
 * `new` gets the name. Anything else is rubbish.
 */
export class Staging {
  readonly path: string
  readonly #target: string
  readonly #lock: LockedFile

  private constructor(path: string, target: string, lock: LockedFile) {
    this.path = path
    this.#target = target
    this.#lock = lock
  }

  /** Makes one with an empty `new`. `target`: as `targetOf` gives it. */
  static async create(target: string): Promise<Staging> {
    await makeFolder(dirname(target))
    for (let attempt = 1; ; attempt++) {
      const path = hiddenName(target)
      // Not by a thread of libuv's, which might make it after the exit has removed everything.
      mkdirSync(path)
      removeAtExit(path)
      try {
        const lock = await openLocked(join(path, 'lock'), 'wx')
        if (lock) return await new Staging(path, target, lock).#begin()
        throw Object.assign(new Error(`${path} was removed while it was made`), { code: 'ENOENT' })
      } catch (error) {
        await rm(path, { recursive: true, force: true }).catch(() => {})
        keepAtExit(path)
        // ENOENT: another process took it for a leftover before it was locked.
        if (codeOf(error) !== 'ENOENT' || attempt === ATTEMPTS) throw error
      }
    }
  }

  /** Absolute; where the folder is written. */
  get fresh(): string {
    return join(this.path, 'new')
  }

  /** Whether what had the name lies in here with its successor, because neither could be given the name. */
  get isInterrupted(): boolean {
    return isInterrupted(this.path)
  }

  /**
   * Gives the folder its name; what had it before is then in here. Without `overwrite` only an empty folder is replaced. Synchronous, so that
   * nothing of this process comes between two steps, not even its end.
   */
  place(overwrite: boolean): void {
    for (let attempt = 1; ; attempt++) {
      try {
        return overwrite ? this.#replace(attempt) : renameSync(this.fresh, this.#target)
      } catch (error) {
        if (this.isInterrupted) keepAtExit(this.path)
        // With `overwrite`: another process took the name between two of our steps.
        if (!overwrite || !isTaken(error) || attempt === ATTEMPTS) throw error
      }
    }
  }

  /** Never rejects: what cannot be removed is swept by the next who writes there. */
  async remove(): Promise<void> {
    // First, since Windows does not remove what is open.
    await this.#lock.handle.close().catch(() => {})
    if (!this.isInterrupted) await rm(this.path, { recursive: true, force: true, maxRetries: 3 }).catch(() => {})
    keepAtExit(this.path)
  }

  async #begin(): Promise<this> {
    try {
      await mkdir(this.fresh)
      return this
    } catch (error) {
      await this.remove()
      throw error
    }
  }

  #replace(attempt: number): void {
    const { ENOENT, ENOSYS } = constants.errno
    const errno = addonIfAny()?.exchange(this.fresh, this.#target) ?? ENOSYS
    if (errno === 0) return
    // Whatever else is wrong with the exchange, two renames either work or tell.
    const old = join(this.path, 'old')
    const hadOne = errno !== ENOENT && moveIfThere(this.#target, old)
    try {
      renameSync(this.fresh, this.#target)
    } catch (error) {
      if (hadOne) renameSync(old, isTaken(error) ? join(this.path, `replaced-${attempt}`) : this.#target)
      throw error
    }
  }
}

/** The folder that a path means: links are followed, also one that leads to nothing. */
export async function targetOf(folder: string): Promise<string> {
  const path = resolve(folder)
  const real = await realpath(path).catch(() => undefined)
  if (real !== undefined) return real
  const link = await readlink(path).catch(() => undefined)
  if (link !== undefined) return resolve(dirname(path), link)
  return join(await realpath(dirname(path)).catch(() => dirname(path)), basename(path))
}

/**
 * Where a replacement of the folder was interrupted, its new content gets the name. True where that was done. ERR_FILE where it cannot be.
 */
export async function recoverFolder(folder: string): Promise<boolean> {
  const target = await targetOf(folder)
  for (let look = 0; look < LOOKS; look++) {
    if (await isThere(target)) return false
    const interrupted = newest((await leftoversOf(target)).filter(isInterrupted))
    if (interrupted === undefined) return false
    const lock = await openLocked(join(interrupted, 'lock'), 'r+').catch((error: unknown) => {
      // Another process has finished it meanwhile.
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    })
    if (lock) return finish(interrupted, lock, target)
    // Its owner is between two renames at this moment.
    await delay(LOOK_MS)
  }
  return false
}

async function finish(interrupted: string, lock: LockedFile, target: string): Promise<true> {
  try {
    await rename(join(interrupted, 'new'), target)
  } catch (cause) {
    if (await isThere(target)) return true
    throw new SentorchError(
      'ERR_FILE',
      `${target} was being replaced when its process was killed, and the new folder cannot be moved there from ${join(interrupted, 'new')}: ` +
        `${(cause as Error).message}. Make the folder around it writable, or move it yourself.`,
      { cause, detail: { folder: target } },
    )
  } finally {
    await lock.handle.close()
  }
  await rm(interrupted, { recursive: true, force: true }).catch(() => {})
  return true
}

/** Removes what processes that were killed have left next to a folder or file. Never rejects: what stays is swept the next time. */
export async function sweep(target: string): Promise<void> {
  for (const path of await leftoversOf(target)) await sweepOne(path, target).catch(() => {})
}

async function sweepOne(path: string, target: string): Promise<void> {
  const isFolder = (await stat(path)).isDirectory()
  const lock = await openLocked(isFolder ? join(path, 'lock') : path, 'r+').catch(async (error: NodeJS.ErrnoException) => {
    if (isFolder && error.code === 'ENOENT') await removeLockless(path)
    return undefined
  })
  try {
    if (!lock?.isLocked) return
    if (isInterrupted(path)) {
      if (!(await isThere(target))) return
      // First of all it must no longer look like a replacement that is to be finished.
      await rename(join(path, 'new'), join(path, 'rubbish'))
    }
    await rm(path, { recursive: true, force: true })
  } finally {
    await lock?.handle.close()
  }
}

/** Its owner makes the lock before anything else: an empty one may be in the making, one with anything else in it is half removed. */
async function removeLockless(path: string): Promise<void> {
  const names = await readdir(path)
  if (names.length === 0) await rmdir(path)
  else if (!names.includes('lock')) await rm(path, { recursive: true, force: true })
}

/** A new name next to the target for what is to become it. */
export function hiddenName(target: string): string {
  return join(dirname(target), `.${basename(target)}.${randomBytes(4).toString('hex')}.tmp`)
}

async function leftoversOf(target: string): Promise<string[]> {
  const names = await readdir(dirname(target)).catch(() => [])
  const start = `.${basename(target)}.`
  return names
    .filter((name) => name.startsWith(start) && /^[0-9a-f]{8}\.tmp$/.test(name.slice(start.length)))
    .map((name) => join(dirname(target), name))
}

function isInterrupted(path: string): boolean {
  return existsSync(join(path, 'old')) && existsSync(join(path, 'new'))
}

/** The one whose replacement began last: moving `old` into it changed it. */
function newest(paths: readonly string[]): string | undefined {
  const changed = (path: string) => statSync(path, { bigint: true, throwIfNoEntry: false })?.mtimeNs ?? 0n
  return paths.length < 2 ? paths[0] : paths.reduce((a, b) => (changed(b) > changed(a) ? b : a))
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

function moveIfThere(from: string, to: string): boolean {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

function isTaken(error: unknown): boolean {
  return ['ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '')
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
