import { isUtf8 } from 'node:buffer'
import { SentorchError } from './errors'

/** Longest line accepted by default. It detects a file without line ends before the file fills the memory. */
const MAX_LINE_BYTES = 256 * 2 ** 20

export interface Line {
  text: string
  /** Number of the line, from 1. */
  number: number
}

/** If this many first bytes of a file contain CR but not LF, its lines end with CR (as on old Macs). */
const SEEN_BYTES = 2 ** 20

const LF = 0x0a
const CR = 0x0d

/**
 * The lines of UTF-8 bytes. LF and CRLF end a line, and so does CR in a file without LF; other characters do not: U+2028, U+2029, NEL, VT, FF
 * and a CR between LFs are part of their line. A byte order mark at the start is dropped; the last line may lack its line end. The next chunk is
 * read only when all lines of the last one have been consumed. `where` names the source in error messages: for bytes that are not UTF-8,
 * for lines over `maxBytes`, and for an LF in a file whose lines end with CR.
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
      throw wrong(
        where,
        number,
        'The lines before this one end with CR, but this one contains LF. Use the same line end throughout, for example LF.',
      )
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

  /** Once it is known that lines end with CR, splits what was read before. */
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

/** An error about the content of a file, with the number of the line. */
export function wrong(where: string, line: number, reason: string): SentorchError {
  return new SentorchError('ERR_FILE', `${where}:${line}: ${reason}`, { detail: { file: where, line } })
}

/**
 * Trims given characters in linear time. A regular expression such as `/[ \t]+$/` is quadratic: it tries to match at each space inside the
 * text and reads the whole run again from there.
 */
export function trimEnd(text: string, characters: string): string {
  let end = text.length
  while (end > 0 && characters.includes(text[end - 1]!)) end--
  return text.slice(0, end)
}

/** As `trimEnd`, on both sides. */
export function trim(text: string, characters: string): string {
  let start = 0
  while (start < text.length && characters.includes(text[start]!)) start++
  return trimEnd(text.slice(start), characters)
}

/** A path without `./` and `/` at its start and `/` at its end. */
export function trimPath(path: string): string {
  let start = 0
  while (path[start] === '/' || path.startsWith('./', start)) start += path[start] === '/' ? 1 : 2
  return trimEnd(path.slice(start), '/')
}

/** A name from a file in printable form: cut if it is long, and quoted if it contains unusual characters. */
export function printable(name: string): string {
  const short = name.length > 120 ? `${name.slice(0, 120)}…` : name
  return /^[\w.\-/…]+$/.test(short) ? short : JSON.stringify(short)
}
