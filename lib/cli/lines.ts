import type { Writable } from 'node:stream'
import { StagedFile } from '../files/staged-file'
import { writeText } from './output'

/** Where a command writes lines: a file that appears when it is complete, or stdout. */
export interface LineWriter {
  write(text: string): Promise<void>
  finish(): Promise<void>
  discard(): Promise<void>
}

export async function openLines(path: string, stdout: Writable): Promise<LineWriter> {
  if (path === '-') {
    // A failed write rejects where it was made; this listener keeps the stream's 'error' event from ending the process.
    stdout.on('error', () => {})
    return { write: (text) => writeText(stdout, text), finish: async () => {}, discard: async () => {} }
  }
  const file = await StagedFile.create(path)
  return { write: (text) => file.write(Buffer.from(text)), finish: () => file.commit(), discard: () => file.discard() }
}

/** Writes a result to stdout. A reader that closes the pipe, such as `head`, is not an error. */
export async function print(text: string): Promise<void> {
  process.stdout.on('error', () => {})
  await writeText(process.stdout, text.endsWith('\n') ? text : `${text}\n`).catch((error: unknown) => {
    if (!isClosedPipe(error)) throw error
  })
}

export function isClosedPipe(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'EPIPE'
}
