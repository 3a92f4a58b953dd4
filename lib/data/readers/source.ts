import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { invalid } from '../../check'
import { type Line, readLines } from '../../lines'
import { isSentorchError, SentorchError } from '../../errors'
import type { Example } from '../example'

/** Makes the refusal of one record; the place is known to whoever made the function. */
export type Fail = (reason: string) => SentorchError

/** A refusal of what a file holds: at a line of it, at a named place (`row 7`), or as a whole. */
export function broken(file: string, place: number | string | undefined, reason: string, cause?: unknown): SentorchError {
  const where = typeof place === 'number' ? `${file}:${place}` : place === undefined ? file : `${file}, ${place}`
  const detail = typeof place === 'number' ? { file, line: place } : place === undefined ? { file } : { file, place }
  return new SentorchError('ERR_DATA', `${where}: ${reason}`, { cause, detail })
}

/** Examples of the files one after another. Each loop over the result opens the files anew. */
export function fromFiles(
  paths: string | readonly string[],
  read: (file: string) => AsyncIterable<Example> | Iterable<Example>,
): AsyncIterable<Example> {
  const files = typeof paths === 'string' ? [paths] : paths
  if (!Array.isArray(files) || files.length === 0 || files.some((file) => typeof file !== 'string' || file === '')) {
    throw invalid('paths', 'the path of a file, or a list of paths', paths)
  }
  return {
    async *[Symbol.asyncIterator]() {
      for (const file of files as string[]) yield* read(file)
    },
  }
}

/** The lines of a UTF-8 file, LF or CRLF, without a byte order mark, read as they are asked for. */
export async function* linesOf(file: string): AsyncGenerator<Line> {
  try {
    yield* readLines(createReadStream(file), file)
  } catch (cause) {
    if (isSentorchError(cause)) throw new SentorchError('ERR_DATA', cause.message, { cause, detail: cause.detail })
    throw unreadable(file, cause)
  }
}

/** A whole UTF-8 file, for formats that have no records by line. */
export async function textOf(file: string): Promise<string> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw unreadable(file, cause)
  })
  if (!isUtf8(bytes)) throw broken(file, firstBrokenLine(bytes), 'The line is not UTF-8. Convert the file, for example with iconv.')
  return bytes.toString('utf8').replace(/^\uFEFF/, '')
}

/** What keeps a file from being opened, in our words. */
export function unreadable(file: string, cause: unknown): SentorchError {
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return broken(file, undefined, 'There is no such file.', cause)
  if (code === 'EISDIR') return broken(file, undefined, 'It is a folder; name a file.', cause)
  return broken(file, undefined, `It cannot be read (${code ?? (cause as Error).message}).`, cause)
}

function firstBrokenLine(bytes: Buffer): number {
  let line = 1
  let start = 0
  for (let end; (end = bytes.indexOf(0x0a, start)) >= 0 && isUtf8(bytes.subarray(start, end)); start = end + 1) line++
  return line
}
