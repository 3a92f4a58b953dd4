import { realpath, stat } from 'node:fs/promises'
import { SentorchError } from '../base/errors'
import { fileError } from '../files/file-errors'

/**
 * Detects a change of a model folder while it is read: a save that replaces the folder causes missing files or, worse, a mixture of files of
 * two models that happen to fit together.
 */
export class FolderIdentity {
  private constructor(
    private readonly shown: string,
    private readonly real: string,
    private readonly identity: string | undefined,
  ) {}

  static async of(folder: string): Promise<FolderIdentity> {
    // The reader reports a missing folder.
    const real = await realpath(folder).catch(() => folder)
    return new FolderIdentity(folder, real, await folderIdentity(real))
  }

  /**
   * Runs `read`. Rejects with ERR_FILE if the folder was replaced in the meantime, even if `read` failed with another error, or if one of
   * `files` has changed.
   */
  async whileReading<T>(read: () => Promise<T>, files?: { files: readonly string[]; identities: readonly string[] }): Promise<T> {
    let result: T
    try {
      result = await read()
    } catch (error) {
      throw (await this.#change(files, error)) ?? error
    }
    const change = await this.#change(files)
    if (change) throw change
    return result
  }

  async #change(
    files: { files: readonly string[]; identities: readonly string[] } | undefined,
    cause?: unknown,
  ): Promise<SentorchError | undefined> {
    const moved = this.identity !== undefined && (await folderIdentity(this.real)) !== this.identity
    const file = moved ? this.shown : files && (await changedFile(files))
    if (file === undefined) return undefined
    return new SentorchError(
      'ERR_FILE',
      `${file} was ${moved ? 'replaced' : 'changed'} while the model was loaded from it. Load it again.`,
      {
        cause,
        detail: { file },
      },
    )
  }
}

async function folderIdentity(folder: string): Promise<string | undefined> {
  return stat(folder, { bigint: true }).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => undefined,
  )
}

/** Device, inode, size and modification time. A different file at the same path, or changed content, has a different identity. */
export async function identityOf(file: string): Promise<string> {
  const { dev, ino, size, mtimeNs } = await stat(file, { bigint: true }).catch((error: unknown) => {
    throw fileError(file, error)
  })
  return [dev, ino, size, mtimeNs].join(':')
}

/** The first file that is missing or differs from the one that the model was loaded from; undefined if there is none. */
export async function changedFile({
  files,
  identities,
}: {
  files: readonly string[]
  identities: readonly string[]
}): Promise<string | undefined> {
  const now = await Promise.all(files.map((file) => identityOf(file).catch(() => undefined)))
  return files.find((_, i) => now[i] !== identities[i])
}

/** An error for weights that are needed again but whose file has changed since the model was loaded. */
export function changed(file: string): SentorchError {
  return new SentorchError(
    'ERR_MODEL_FORMAT',
    `${file} was changed or removed after the model was loaded from it, and its bytes are needed again. Load the model again.`,
    { detail: { file } },
  )
}
