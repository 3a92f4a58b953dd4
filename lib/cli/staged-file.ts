import { realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SentorchError } from '../base/errors'
import { keepAtExit, removeAtExit } from '../files/exit-cleanup'
import { openLocked, type LockedFile } from '../files/file-lock'
import { hiddenName, sweep } from '../files/staging'
import { syncFolder } from '../files/sync-folder'

/**
 * A file that appears under its name only when it is whole: it is written next to its target, then synced and renamed. An existing target
 * stays as it is until then. When the process ends first, what was written is removed; after a kill the next who writes the file does that.
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

  /** Refuses a target that is no regular file (renaming over a device or a pipe would replace it) and one whose folder does not exist. */
  static async create(target: string): Promise<StagedFile> {
    const path = await realpath(target).catch(() => target)
    const found = await stat(path).catch(() => undefined)
    if (found && !found.isFile()) throw unwritable(target, found.isDirectory() ? 'It is a folder; name a file.' : 'It is no regular file.')
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
    // Another process took it for a leftover before it was locked, and removes it.
    keepAtExit(temporary)
    return StagedFile.create(target)
  }

  /** Appends. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#handle.writeFile(bytes)
  }

  /** Writes over what lies at the start. */
  async writeStart(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += (await this.#handle.write(bytes, at, bytes.length - at, at)).bytesWritten
  }

  /** Rejects only where the file did not take the name. */
  async commit(): Promise<void> {
    await this.#handle.sync()
    // While it is locked: without its lock another process would take it for a leftover.
    await rename(this.#temporary, this.#target)
    keepAtExit(this.#temporary)
    await this.#handle.close().catch(() => {})
    await syncFolder(dirname(this.#target)).catch(() => {})
  }

  /** Removes what was written; nothing happens after `commit`. Never rejects. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {})
    await rm(this.#temporary, { force: true }).catch(() => {})
    keepAtExit(this.#temporary)
  }
}

function unwritable(target: string, reason: string, cause?: unknown): SentorchError {
  return new SentorchError('ERR_FILE', `Cannot write ${target}. ${reason}`, { cause, detail: { file: target } })
}
