import { realpath, stat } from 'node:fs/promises'
import { SentorchError } from '../base/errors'
import { changedFile } from './stamps'

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
