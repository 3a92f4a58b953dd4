import path from 'node:path'
import type { Example } from '../../lib/data/example'
import { collect } from './collect'
import { folderOf } from './scratch'

type Reader<O> = (path: string, options?: O) => AsyncIterable<Example>

/** The examples that a reader returns for a file with this content. */
export async function readText<O>(read: Reader<O>, name: string, content: string | Buffer, options?: O): Promise<Example[]> {
  return collect(read(path.join(folderOf({ [name]: content }), name), options))
}

/** Expects a reader to reject a file with this content: ERR_DATA with the file's name, the line and this message. */
export async function expectBroken(result: Promise<unknown>, place: string, message: RegExp): Promise<void> {
  const error = await result.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  expect(error).toMatchObject({ name: 'SentorchError', code: 'ERR_DATA' })
  const text = (error as Error).message
  expect(text).toContain(`${path.sep}${place}: `)
  expect(text.slice(text.indexOf(`${place}: `) + place.length + 2)).toMatch(message)
}
