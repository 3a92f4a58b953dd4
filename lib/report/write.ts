import { rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SentorchError } from '../base/errors'
import { makeFolder } from '../files/folders'
import { hiddenName } from '../files/staging'
import { reportHtml } from './page'
import type { RunRecord } from './record'

/** Writes `reportHtml(record)` to a file, whose folder is created if necessary. ERR_FILE if that fails; an existing file is then unchanged. */
export async function writeReport(path: string, record: RunRecord): Promise<void> {
  const page = await reportHtml(record)
  const temporary = hiddenName(path)
  try {
    await makeFolder(dirname(path))
    await writeFile(temporary, page)
    await rename(temporary, path)
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {})
    throw new SentorchError('ERR_FILE', `The report ${path} cannot be written: ${(cause as Error).message}.`, {
      cause,
      detail: { file: path },
    })
  }
}
