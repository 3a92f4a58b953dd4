import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { mkdir, readdir, readlink, realpath, rename, rm, rmdir, stat } from 'node:fs/promises'
import { constants } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { SentorchError } from '../base/errors'
import { addonIfAny, keepAtExit, makeFolder, openLocked, removeAtExit, type LockedFile } from './folders'

/** Maximum attempts at an operation that another process can interfere with. */
const ATTEMPTS = 10
/** Upper bound for the time that another process needs for the two renames of a replacement. */
const LOOKS = 500
const LOOK_MS = 10

/**
 * The content that will replace a folder is written to a hidden staging folder next to it, `.NAME.xxxxxxxx.tmp`, which contains
 *
 * - `lock`: locked by the owner. If the lock is free, the process that created the staging folder was killed.
 * - `new`: the new folder, complete before it is moved.
 * - `old`: the previous folder, moved here before `new` takes its name, if the system cannot exchange the two in one step.
 *
 * If the lock is free, `old` and `new` exist and the target does not, then a replacement was interrupted, and `new` is moved to the target.
 * In any other state the staging folder is a leftover and is removed.
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

  /** Creates a staging folder with an empty `new`. `target`: the result of `targetOf`. */
  static async create(target: string): Promise<Staging> {
    await makeFolder(dirname(target))
    for (let attempt = 1; ; attempt++) {
      const path = hiddenName(target)
      // Synchronous: a libuv thread might create the folder after the exit handler has removed everything.
      mkdirSync(path)
      removeAtExit(path)
      try {
        const lock = await openLocked(join(path, 'lock'), 'wx')
        if (lock) return await new Staging(path, target, lock).#begin()
        throw Object.assign(new Error(`${path} was removed while it was being created`), { code: 'ENOENT' })
      } catch (error) {
        await rm(path, { recursive: true, force: true }).catch(() => {})
        keepAtExit(path)
        // ENOENT: another process removed it as a leftover before it was locked.
        if (codeOf(error) !== 'ENOENT' || attempt === ATTEMPTS) throw error
      }
    }
  }

  /** Absolute path of the folder to write to. */
  get fresh(): string {
    return join(this.path, 'new')
  }

  /** Whether the previous folder is kept in here next to the new one, because neither could be moved to the target. */
  get isInterrupted(): boolean {
    return isInterrupted(this.path)
  }

  /**
   * Moves the new folder to the target; the previous one is then in the staging folder. Without `overwrite` only an empty folder is replaced.
   * Synchronous, so that nothing in this process, not even its exit, can happen between two steps.
   */
  place(overwrite: boolean): void {
    for (let attempt = 1; ; attempt++) {
      try {
        return overwrite ? this.#replace(attempt) : renameSync(this.fresh, this.#target)
      } catch (error) {
        if (this.isInterrupted) keepAtExit(this.path)
        // With `overwrite`: another process created the target between two steps.
        if (!overwrite || !isTaken(error) || attempt === ATTEMPTS) throw error
      }
    }
  }

  /** Never rejects: what cannot be removed is left to the next process that writes there. */
  async remove(): Promise<void> {
    // The lock comes first, since Windows cannot remove an open file.
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
    // For any other error of the exchange, two renames either succeed or report the problem.
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

/** The folder that a path refers to. Links are followed, including one whose target does not exist. */
export async function targetOf(folder: string): Promise<string> {
  const path = resolve(folder)
  const real = await realpath(path).catch(() => undefined)
  if (real !== undefined) return real
  const link = await readlink(path).catch(() => undefined)
  if (link !== undefined) return resolve(dirname(path), link)
  return join(await realpath(dirname(path)).catch(() => dirname(path)), basename(path))
}

/**
 * If a replacement of the folder was interrupted, finishes it and returns true. Throws ERR_FILE if that fails.
 */
export async function recoverFolder(folder: string): Promise<boolean> {
  const target = await targetOf(folder)
  for (let look = 0; look < LOOKS; look++) {
    if (await isThere(target)) return false
    const interrupted = newest((await leftoversOf(target)).filter(isInterrupted))
    if (interrupted === undefined) return false
    const lock = await openLocked(join(interrupted, 'lock'), 'r+').catch((error: unknown) => {
      // Another process has finished it in the meantime.
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    })
    if (lock) return finish(interrupted, lock, target)
    // Its owner is still between the two renames.
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
      `The process that was replacing ${target} was killed, and the new folder cannot be moved there from ${join(interrupted, 'new')}: ` +
        `${(cause as Error).message}. Make the parent folder writable, or move the new folder yourself.`,
      { cause, detail: { folder: target } },
    )
  } finally {
    await lock.handle.close()
  }
  await rm(interrupted, { recursive: true, force: true }).catch(() => {})
  return true
}

/** Removes what killed processes have left next to a folder or file. Never rejects: what cannot be removed is tried again the next time. */
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
      // First make sure that it no longer looks like a replacement that must be finished.
      await rename(join(path, 'new'), join(path, 'rubbish'))
    }
    await rm(path, { recursive: true, force: true })
  } finally {
    await lock?.handle.close()
  }
}

/** The owner creates the lock first: an empty folder may still be in creation; without a lock, one with any content is partly removed. */
async function removeLockless(path: string): Promise<void> {
  const names = await readdir(path)
  if (names.length === 0) await rmdir(path)
  else if (!names.includes('lock')) await rm(path, { recursive: true, force: true })
}

/** A new staging name next to the target. */
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

/** The staging folder whose replacement began last: moving `old` into it updated its modification time. */
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
