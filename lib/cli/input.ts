import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { addAbortSignal, type Readable } from 'node:stream'
import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser'
import { describe } from '../base/check'
import { SentorchError } from '../base/errors'
import { unlessTooDeep } from '../files/file-errors'
import { readLines, wrong } from '../base/text'

export const INPUT_FORMATS = ['.txt', '.json', '.jsonl'] as const
export type InputFormat = (typeof INPUT_FORMATS)[number]

/** A `.json` file is held in memory as a whole, in several copies. */
const MAX_JSON_BYTES = 128 * 2 ** 20

/** The format that a file's name implies, or undefined. `-` means lines of text, or JSON lines if a field is named. */
export function inputFormat(path: string, field?: string): InputFormat | undefined {
  if (path === '-') return field === undefined ? '.txt' : '.jsonl'
  const extension = extname(path).toLowerCase()
  return INPUT_FORMATS.find((format) => format === extension)
}

/** The texts of a file, in order, read on demand. Iterate once. */
export interface TextInput extends AsyncIterable<string> {
  /** Approximate number of bytes whose texts have been returned. */
  readonly bytesRead: number
  /** Undefined if the input has no size, as with a pipe. */
  readonly bytesTotal: number | undefined
}

export interface InputOptions {
  format: InputFormat
  /** For JSON lines: the field of each object that contains the text. */
  field: string
  /** The stream that `-` stands for. */
  stdin: Readable
  /** Stops reading, even while stdin has no data. */
  signal?: AbortSignal
}

/**
 * Opens a file of texts, which must exist and must not be a folder:
 * `.txt`: one text per line, including empty lines; `.json`: an array of strings (read as a whole, up to 128 MiB);
 * `.jsonl`: one object per line, blank lines skipped. Errors name the file and the line.
 */
export async function openInput(path: string, { format, field, stdin, signal }: InputOptions): Promise<TextInput> {
  const name = path === '-' ? 'stdin' : path
  const size = path === '-' ? undefined : await sizeOf(path)
  if (format === '.json' && (size ?? 0) > MAX_JSON_BYTES) {
    const reason = `It has ${size} bytes. A .json file is read as a whole, so at most ${MAX_JSON_BYTES} bytes are accepted.`
    throw unreadable(path, `${reason} Convert it to a .jsonl file: jq -c '.[] | { text: . }' file.json > file.jsonl`)
  }
  const progress = { bytesRead: 0, bytesTotal: size }

  async function* chunks(): AsyncGenerator<Uint8Array> {
    const stream = path === '-' ? stdin : createReadStream(path)
    if (signal) addAbortSignal(signal, stream)
    for await (const chunk of stream) {
      progress.bytesRead += (chunk as Uint8Array).length
      yield chunk as Uint8Array
    }
  }

  async function* texts(): AsyncGenerator<string> {
    if (format === '.txt') for await (const { text } of readLines(chunks(), name)) yield text
    else if (format === '.jsonl') yield* jsonLines(readLines(chunks(), name), name, field)
    else {
      const array = stringArray(await readFile(path, { signal }), name)
      for (const [i, text] of array.entries()) {
        progress.bytesRead = Math.round(((size ?? 0) * (i + 1)) / array.length)
        yield text
      }
    }
  }

  const iterator = texts()
  return Object.assign(progress, { [Symbol.asyncIterator]: () => iterator })
}

async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(path, cause.code === 'ENOENT' ? 'The file does not exist.' : `It cannot be read (${cause.code}).`, cause)
  })
  if (found.isDirectory()) throw unreadable(path, 'It is a folder, not a file.')
  return found.isFile() ? found.size : undefined
}

async function* jsonLines(lines: AsyncIterable<{ text: string; number: number }>, where: string, field: string): AsyncGenerator<string> {
  for await (const { text, number } of lines) {
    if (text.trim() === '') continue
    let row: unknown
    try {
      row = JSON.parse(text)
    } catch (cause) {
      throw wrong(where, number, `The line is not JSON (${(cause as Error).message}).`)
    }
    if (typeof row !== 'object' || row === null || Array.isArray(row))
      throw wrong(where, number, `Expected an object, received ${describe(row)}.`)
    const value = Object.hasOwn(row, field) ? (row as Record<string, unknown>)[field] : undefined
    if (value === undefined) {
      throw wrong(
        where,
        number,
        `The object has no field '${field}', only ${Object.keys(row).join(', ')}. Pass the name of the field with --field.`,
      )
    }
    if (typeof value !== 'string') throw wrong(where, number, `Expected a string in field '${field}', received ${describe(value)}.`)
    yield value
  }
}

function stringArray(bytes: Buffer, where: string): string[] {
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '')
  if (text.trim() === '') return []
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw jsonError(text, where, cause as Error)
  }
  if (!Array.isArray(value)) throw wrong(where, 1, `Expected an array of strings, received ${describe(value)}.`)
  const i = value.findIndex((item) => typeof item !== 'string')
  if (i >= 0)
    throw wrong(where, lineAt(text, elementAt(text, i)?.offset ?? 0), `Expected a string at index ${i}, received ${describe(value[i])}.`)
  return value as string[]
}

/** `JSON.parse` is fast, but its message does not name the line; the slower parser runs only after it has failed. */
function jsonError(text: string, where: string, cause: Error): SentorchError {
  const errors: ParseError[] = []
  unlessTooDeep(() => parseTree(text, errors, { disallowComments: true, allowTrailingComma: false }))
  const first = errors[0]
  return first === undefined
    ? wrong(where, 1, cause.message)
    : wrong(where, lineAt(text, first.offset), `The file is not JSON (${printParseErrorCode(first.error)}).`)
}

function elementAt(text: string, index: number): Node | undefined {
  return unlessTooDeep(() => parseTree(text))?.children?.[index]
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}

function unreadable(path: string, reason: string, cause?: unknown): SentorchError {
  return new SentorchError('ERR_FILE', `Cannot read ${path}. ${reason}`, { cause, detail: { file: path } })
}
