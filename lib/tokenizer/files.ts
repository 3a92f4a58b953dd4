import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SentorchError } from '../errors'

/** XLM-RoBERTa's `tokenizer.json` has 17 MB; what is far beyond is no tokenizer. */
const MAX_BYTES = 128 * 2 ** 20

export type Json = Record<string, unknown>

/** The text of a regular file, or undefined where there is none. Rejects with ERR_MODEL_FORMAT for other things of that name. */
export async function readText(folder: string, name: string): Promise<string | undefined> {
  const path = join(folder, name)
  let bytes: Buffer
  try {
    const found = await stat(path)
    if (!found.isFile()) throw malformed(path, 'is not a regular file')
    if (found.size > MAX_BYTES) throw malformed(path, `has ${found.size} bytes, more than the ${MAX_BYTES} that a tokenizer may have`)
    bytes = await readFile(path)
  } catch (error) {
    if (error instanceof SentorchError) throw error
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw malformed(path, `cannot be read: ${(error as Error).message}`, error)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw malformed(path, 'is not UTF-8 text', error)
  }
}

/** The object in a JSON file, or undefined where there is no such file. */
export async function readObject(folder: string, name: string): Promise<Json | undefined> {
  const text = await readText(folder, name)
  return text === undefined ? undefined : parseObject(text, join(folder, name))
}

export function parseObject(text: string, path: string): Json {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const pointer = text.startsWith('version https://git-lfs') ? 'is a Git LFS pointer; fetch the file itself with git lfs pull' : undefined
    throw malformed(path, pointer ?? `is not JSON: ${(error as Error).message}`, error)
  }
  if (!isObject(value)) throw malformed(path, 'does not hold a JSON object')
  return value
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function malformed(path: string, what: string, cause?: unknown): SentorchError {
  return new SentorchError('ERR_MODEL_FORMAT', `${path} ${what}.`, { cause, detail: { path } })
}
