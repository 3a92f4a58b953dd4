import { stat } from 'node:fs/promises'
import { SentorchError } from '../base/errors'
import { fileError } from '../files/file-errors'

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
