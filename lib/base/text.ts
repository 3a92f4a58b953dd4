import { isUtf8 } from 'node:buffer'
import { SentorchError } from './errors'

/** Longest line; a file without line ends is found out before it fills the memory. */
const MAX_LINE_BYTES = 256 * 2 ** 20

export interface Line {
  text: string
  /** From 1. */
  number: number
}

/** If a file has CR but not LF in this many first bytes, its lines end with CR (old Mac). */
const SEEN_BYTES = 2 ** 20

const LF = 0x0a
const CR = 0x0d

/**
 * The lines of UTF-8 bytes, ended by LF or CRLF, or by CR in a file that has no LF. Nothing else does: U+2028, U+2029, NEL, VT, FF,
 * and a CR between LFs stay in theirs. A byte order mark at the start is dropped; the last line may lack its end. Takes the next chunk only
 * when the lines of the last were taken. `where` names the source in refusals: of bytes that are not UTF-8, of lines over `maxBytes`, of an
 * LF where lines end with CR.
 */
export async function* readLines(chunks: AsyncIterable<Uint8Array>, where: string, maxBytes = MAX_LINE_BYTES): AsyncGenerator<Line> {
  let number = 1
  let pieces: Uint8Array[] = []
  let size = 0
  let end: number | undefined
  let hasCr = false

  function add(piece: Uint8Array): void {
    pieces.push(piece)
    size += piece.length
    if (size > maxBytes) throw wrong(where, number, `The line is longer than ${maxBytes} bytes.`)
    if (end === CR && piece.includes(LF)) {
      throw wrong(where, number, 'The lines before end with CR, this one holds LF. Give all lines the same end, LF for example.')
    }
  }

  function take(): Line {
    let bytes = Buffer.concat(pieces)
    pieces = []
    size = 0
    if (!isUtf8(bytes)) throw wrong(where, number, 'The line is not UTF-8. Convert the file, for example with iconv.')
    if (bytes.at(-1) === CR) bytes = bytes.subarray(0, -1)
    const text = bytes.toString('utf8')
    return { text: number === 1 && text.startsWith('\uFEFF') ? text.slice(1) : text, number: number++ }
  }

  function* linesOf(chunk: Uint8Array, by: number): Generator<Line> {
    let start = 0
    for (let at; (at = chunk.indexOf(by, start)) >= 0; start = at + 1) {
      add(chunk.subarray(start, at))
      yield take()
    }
    if (start < chunk.length) add(chunk.subarray(start))
  }

  /** Once it is known that lines end with CR: what was taken in before. */
  function* again(): Generator<Line> {
    const held = Buffer.concat(pieces)
    pieces = []
    size = 0
    yield* linesOf(held, CR)
  }

  for await (const chunk of chunks) {
    if (end === undefined && chunk.includes(LF)) end = LF
    if (end === undefined && !hasCr) hasCr = chunk.includes(CR)
    yield* linesOf(chunk, end ?? LF)
    if (end === undefined && hasCr && size >= SEEN_BYTES) {
      end = CR
      yield* again()
    }
  }
  if (end === undefined) yield* again()
  if (size === 0) return
  const last = take()
  if (last.number > 1 || last.text !== '') yield last
}

/** A refusal of what a file holds, at a line of it. */
export function wrong(where: string, line: number, reason: string): SentorchError {
  return new SentorchError('ERR_FILE', `${where}:${line}: ${reason}`, { detail: { file: where, line } })
}

/**
 * Trimming of given characters in linear time. An expression such as `/[ \t]+$/` tries each space inside the text as the start of the end, and
 * reads the whole run from there again.
 */
export function trimEnd(text: string, characters: string): string {
  let end = text.length
  while (end > 0 && characters.includes(text[end - 1]!)) end--
  return text.slice(0, end)
}

/** As `trimEnd`, at both ends. */
export function trim(text: string, characters: string): string {
  let start = 0
  while (start < text.length && characters.includes(text[start]!)) start++
  return trimEnd(text.slice(start), characters)
}

/** A folder's path without `./` and `/` at its start and `/` at its end. */
export function trimPath(path: string): string {
  let start = 0
  while (path[start] === '/' || path.startsWith('./', start)) start += path[start] === '/' ? 1 : 2
  return trimEnd(path.slice(start), '/')
}

/** A name from a file, safe to print: cut, and quoted where it holds anything unusual. */
export function printable(name: string): string {
  const short = name.length > 120 ? `${name.slice(0, 120)}…` : name
  return /^[\w.\-/…]+$/.test(short) ? short : JSON.stringify(short)
}
