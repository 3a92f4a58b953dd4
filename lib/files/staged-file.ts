import { realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SentorchError } from '../base/errors'
import { keepAtExit, openLocked, removeAtExit, syncFolder, type LockedFile } from './folders'
import { hiddenName, sweep } from './staging'

/**
 * A file that appears under its name only when it is complete: it is written next to its target, flushed and renamed. Until then an existing
 * target is unchanged. If the process ends first, the partial file is removed; after a kill, the next writer of the same file removes it.
 */
export class StagedFile {
  readonly #target: string
  readonly #temporary: string
  readonly #handle: LockedFile['handle']

  private constructor(target: string, temporary: string, { handle }: LockedFile) {
    this.#target = target
    this.#temporary = temporary
    this.#handle = handle
  }

  /** Rejects a target that is not a regular file (a rename would replace a device or a pipe), and one whose folder does not exist. */
  static async create(target: string): Promise<StagedFile> {
    const path = await realpath(target).catch(() => target)
    const found = await stat(path).catch(() => undefined)
    if (found && !found.isFile())
      throw unwritable(target, found.isDirectory() ? 'It is a folder, not a file.' : 'It is not a regular file.')
    await sweep(path)
    const temporary = hiddenName(path)
    removeAtExit(temporary)
    const file = await openLocked(temporary, 'wx').catch((cause: NodeJS.ErrnoException) => {
      keepAtExit(temporary)
      throw unwritable(
        target,
        cause.code === 'ENOENT' ? 'Its folder does not exist.' : `Its folder cannot be written to (${cause.code}).`,
        cause,
      )
    })
    if (file) return new StagedFile(path, temporary, file)
    // Another process mistook it for a leftover before it was locked, and removes it.
    keepAtExit(temporary)
    return StagedFile.create(target)
  }

  /** Appends bytes. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#handle.writeFile(bytes)
  }

  /** Overwrites bytes at the start. */
  async writeStart(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += (await this.#handle.write(bytes, at, bytes.length - at, at)).bytesWritten
  }

  /** Rejects only if the file did not get its name. */
  async commit(): Promise<void> {
    await this.#handle.sync()
    // The rename happens under the lock: otherwise another process would take the file for a leftover.
    await rename(this.#temporary, this.#target)
    keepAtExit(this.#temporary)
    await this.#handle.close().catch(() => {})
    await syncFolder(dirname(this.#target)).catch(() => {})
  }

  /** Removes what was written. Does nothing after `commit`. Never rejects. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {})
    await rm(this.#temporary, { force: true }).catch(() => {})
    keepAtExit(this.#temporary)
  }
}

function unwritable(target: string, reason: string, cause?: unknown): SentorchError {
  return new SentorchError('ERR_FILE', `Cannot write ${target}. ${reason}`, { cause, detail: { file: target } })
}
