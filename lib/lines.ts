import { isUtf8 } from 'node:buffer'
import { SentorchError } from './errors'

/** Longest line; a file without line ends is found out before it fills the memory. */
const MAX_LINE_BYTES = 256 * 2 ** 20

export interface Line {
  text: string
  /** From 1. */
  number: number
}

/**
 * The lines of UTF-8 bytes, ended by LF or CRLF (and by nothing else: U+2028 or a lone CR stay in their line). A byte order mark at
 * the start is dropped; the last line may lack its end. Takes the next chunk only when the lines of the last were taken.
 * `where` names the source in refusals: of bytes that are not UTF-8 and of lines over `maxBytes`.
 */
export async function* readLines(chunks: AsyncIterable<Uint8Array>, where: string, maxBytes = MAX_LINE_BYTES): AsyncGenerator<Line> {
  let number = 1
  let pieces: Uint8Array[] = []
  let size = 0

  function add(piece: Uint8Array): void {
    pieces.push(piece)
    size += piece.length
    if (size > maxBytes) throw wrong(where, number, `The line is longer than ${maxBytes} bytes.`)
  }

  function take(): Line {
    let bytes = Buffer.concat(pieces)
    pieces = []
    size = 0
    if (!isUtf8(bytes)) throw wrong(where, number, 'The line is not UTF-8. Convert the file, for example with iconv.')
    if (bytes.at(-1) === 0x0d) bytes = bytes.subarray(0, -1)
    const text = bytes.toString('utf8')
    return { text: number === 1 && text.startsWith('\uFEFF') ? text.slice(1) : text, number: number++ }
  }

  for await (const chunk of chunks) {
    let start = 0
    for (let end; (end = chunk.indexOf(0x0a, start)) >= 0; start = end + 1) {
      add(chunk.subarray(start, end))
      yield take()
    }
    if (start < chunk.length) add(chunk.subarray(start))
  }
  if (size === 0) return
  const last = take()
  if (last.number > 1 || last.text !== '') yield last
}

/** A refusal of what a file holds, at a line of it. */
export function wrong(where: string, line: number, reason: string): SentorchError {
  return new SentorchError('ERR_FILE', `${where}:${line}: ${reason}`, { detail: { file: where, line } })
}
