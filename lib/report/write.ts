import { rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { invalid } from '../base/check'
import { SentorchError } from '../base/errors'
import { makeFolder } from '../files/folders'
import { hiddenName } from '../files/staging'
import { reportHtml } from './page'
import type { RunRecord } from './record'

/** Writes `reportHtml(record)` to a file, whose folder is created if necessary. ERR_FILE if that fails; an existing file is then unchanged. */
export async function writeReport(path: string, record: RunRecord): Promise<void> {
  if (typeof path !== 'string' || path === '') throw invalid('path', 'the name of a file', path)
  const page = await reportHtml(record)
  const temporary = hiddenName(path)
  try {
    await makeFolder(dirname(path))
    await writeFile(temporary, page)
    await rename(temporary, path)
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {})
    throw unwritable(path, cause)
  }
}

/** ERR_FILE if a report cannot be written to this path. Creates its folder. */
export async function checkReportPath(path: string): Promise<void> {
  const temporary = hiddenName(path)
  try {
    if ((await stat(path).catch(() => undefined))?.isDirectory()) throw new Error('it is a folder')
    await makeFolder(dirname(path))
    await writeFile(temporary, '')
    await rm(temporary)
  } catch (cause) {
    throw unwritable(path, cause)
  }
}

function unwritable(path: string, cause: unknown): SentorchError {
  const why = (cause as Error).message
  return new SentorchError('ERR_FILE', `The report ${path} cannot be written: ${why}.`, { cause, detail: { file: path } })
}
