import { stat } from 'node:fs/promises'
import { SentorchError } from '../errors'

/** What a file's place in a folder tells apart from the file that was there before. */
export async function stampOf(file: string): Promise<string> {
  const { dev, ino, size, mtimeNs } = await stat(file, { bigint: true })
  return [dev, ino, size, mtimeNs].join(':')
}

/**
 * Weights are read from their files again when they are saved as stored, or when training begins. ERR_MODEL_FORMAT where one of the files
 * is gone or is not the one that the model was loaded from.
 */
export async function refuseChanged({ files, stamps }: { files: readonly string[]; stamps: readonly string[] }): Promise<void> {
  for (const [i, file] of files.entries()) {
    if ((await stampOf(file).catch(() => undefined)) === stamps[i]) continue
    throw new SentorchError(
      'ERR_MODEL_FORMAT',
      `${file} was changed or removed after the model was loaded from it, and its bytes are needed again. Load the model anew.`,
      { detail: { file } },
    )
  }
}
