import { randomBytes } from 'node:crypto'
import { unlinkSync } from 'node:fs'
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { SentorchError } from '../errors'
import { syncFolder } from '../sync-folder'

/**
 * A file that appears under its name only when it is whole: it is written beside its target, then synced and renamed.
 * An existing target stays as it is until then. When the process ends first, what was written is removed.
 */
export class StagedFile {
  readonly #target: string
  readonly #temporary: string
  readonly #handle: FileHandle
  readonly #onExit = (): void => {
    try {
      unlinkSync(this.#temporary)
    } catch {
      // Gone already, or the file system is: nothing is left to do at exit.
    }
  }

  private constructor(target: string, temporary: string, handle: FileHandle) {
    this.#target = target
    this.#temporary = temporary
    this.#handle = handle
    process.once('exit', this.#onExit)
  }

  /** Refuses a target that is no regular file (renaming over a device or a pipe would replace it) and one whose folder does not exist. */
  static async create(target: string): Promise<StagedFile> {
    const path = await realpath(target).catch(() => target)
    const found = await stat(path).catch(() => undefined)
    if (found && !found.isFile()) throw unwritable(target, found.isDirectory() ? 'It is a folder; name a file.' : 'It is no regular file.')
    const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`)
    const handle = await open(temporary, 'wx').catch((cause: NodeJS.ErrnoException) => {
      throw unwritable(
        target,
        cause.code === 'ENOENT' ? 'Its folder does not exist.' : `Its folder cannot be written to (${cause.code}).`,
        cause,
      )
    })
    return new StagedFile(path, temporary, handle)
  }

  /** Appends. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#handle.writeFile(bytes)
  }

  /** Writes over what lies at the start. */
  async writeStart(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += (await this.#handle.write(bytes, at, bytes.length - at, at)).bytesWritten
  }

  async commit(): Promise<void> {
    await this.#handle.sync()
    await this.#handle.close()
    await rename(this.#temporary, this.#target)
    process.removeListener('exit', this.#onExit)
    await syncFolder(dirname(this.#target))
  }

  /** Removes what was written; nothing happens after `commit`. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {})
    await rm(this.#temporary, { force: true })
    process.removeListener('exit', this.#onExit)
  }
}

function unwritable(target: string, reason: string, cause?: unknown): SentorchError {
  return new SentorchError('ERR_FILE', `Cannot write ${target}. ${reason}`, { cause, detail: { file: target } })
}
