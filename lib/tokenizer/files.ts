import { join } from 'node:path'
import { SentorchError } from '../base/errors'
import { isObject } from '../files/fields'
import { joinPath, openRegular, readExactly, resolveFile, type ModelRoot } from '../files/read'
import { jsonProblem } from '../files/file-errors'

/** XLM-RoBERTa's `tokenizer.json` has 17 MB; a much larger file is not a tokenizer. */
const MAX_BYTES = 128 * 2 ** 20

export type Json = Record<string, unknown>

/** The folder of a tokenizer's files: `path` inside the model ('' is the model folder). */
export interface TokenizerFolder {
  root: ModelRoot
  path: string
}

/** The name of a file in messages, or of the folder if `name` is omitted. */
export function shown({ root, path }: TokenizerFolder, name = ''): string {
  return join(root.shown, path, name)
}

/** Whether the file exists. Rejects with ERR_UNSAFE_MODEL if it lies outside the model folder. */
export async function hasFile({ root, path }: TokenizerFolder, name: string): Promise<boolean> {
  return (await resolveFile(root, joinPath(path, name))) !== undefined
}

/**
 * The text of a file, or undefined if it does not exist. Rejects with ERR_MODEL_FORMAT if it is not UTF-8 text, and with ERR_UNSAFE_MODEL if
 * it is not a regular file or lies outside the model folder.
 */
export async function readText(folder: TokenizerFolder, name: string): Promise<string | undefined> {
  const path = shown(folder, name)
  const file = await resolveFile(folder.root, joinPath(folder.path, name))
  if (file === undefined) return undefined
  const { handle, size } = await openRegular(file, path)
  let bytes: Buffer
  try {
    if (size > MAX_BYTES) throw malformed(path, `has ${size} bytes; the limit for a tokenizer file is ${MAX_BYTES}`)
    bytes = await readExactly(handle, 0, size, path)
  } finally {
    await handle.close()
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw malformed(path, 'is not UTF-8 text', error)
  }
}

/** The object in a JSON file, or undefined if the file does not exist. */
export async function readObject(folder: TokenizerFolder, name: string): Promise<Json | undefined> {
  const text = await readText(folder, name)
  return text === undefined ? undefined : parseObject(text, shown(folder, name))
}

export function parseObject(text: string, path: string): Json {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const pointer = text.startsWith('version https://git-lfs')
      ? 'is a Git LFS pointer; download the file itself with git lfs pull'
      : undefined
    throw malformed(path, pointer ?? `is not JSON: ${jsonProblem(error)}`)
  }
  if (!isObject(value)) throw malformed(path, 'does not contain a JSON object')
  return value
}

export function malformed(path: string, what: string, cause?: unknown): SentorchError {
  return new SentorchError('ERR_MODEL_FORMAT', `${path} ${what}.`, { cause, detail: { path } })
}
