import { realpath, stat } from 'node:fs/promises'
import { SentorchError } from '../base/errors'
import { fileError } from '../files/file-errors'

/**
 * A folder that is being read, and where it lies on the disk: a save that replaces it meanwhile leaves files that are missing or, worse, files of
 * two models that fit together by chance.
 */
export class FolderPlace {
  private constructor(
    private readonly shown: string,
    private readonly real: string,
    private readonly stamp: string | undefined,
  ) {}

  static async of(folder: string): Promise<FolderPlace> {
    // What is not there is the reader's to say.
    const real = await realpath(folder).catch(() => folder)
    return new FolderPlace(folder, real, await placeOf(real))
  }

  /**
   * Runs what reads the folder. Rejects with ERR_FILE where another folder stands in its place at the end, whatever came of the reading, or
   * where one of `files` is not what it was.
   */
  async whileReading<T>(read: () => Promise<T>, files?: { files: readonly string[]; stamps: readonly string[] }): Promise<T> {
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
    files: { files: readonly string[]; stamps: readonly string[] } | undefined,
    cause?: unknown,
  ): Promise<SentorchError | undefined> {
    const moved = this.stamp !== undefined && (await placeOf(this.real)) !== this.stamp
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

async function placeOf(folder: string): Promise<string | undefined> {
  return stat(folder, { bigint: true }).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => undefined,
  )
}

/** Device, inode, size and time of change: another file in the same place, or changed content, gives another stamp. */
export async function stampOf(file: string): Promise<string> {
  const { dev, ino, size, mtimeNs } = await stat(file, { bigint: true }).catch((error: unknown) => {
    throw fileError(file, error)
  })
  return [dev, ino, size, mtimeNs].join(':')
}

/** The first of the files that is gone, or is not the one that the model was loaded from; undefined where all are. */
export async function changedFile({ files, stamps }: { files: readonly string[]; stamps: readonly string[] }): Promise<string | undefined> {
  const now = await Promise.all(files.map((file) => stampOf(file).catch(() => undefined)))
  return files.find((_, i) => now[i] !== stamps[i])
}

/** Weights whose bytes are needed again cannot be had: the model was loaded from a file that is another now. */
export function changed(file: string): SentorchError {
  return new SentorchError(
    'ERR_MODEL_FORMAT',
    `${file} was changed or removed after the model was loaded from it, and its bytes are needed again. Load the model anew.`,
    { detail: { file } },
  )
}
