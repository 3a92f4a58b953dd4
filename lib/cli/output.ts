import { extname } from 'node:path'
import type { Writable } from 'node:stream'
import type { Precision } from '../encode/quantize'
import { openVectorFile, type VectorShape, type VectorWriter } from '../encode/vector-file'
import { StagedFile } from '../files/staged-file'

export const OUTPUT_FORMATS = ['.npy', '.jsonl', '.safetensors'] as const
export type OutputFormat = (typeof OUTPUT_FORMATS)[number]

/** The format that a file's name implies, or undefined. `-`, the standard output, means JSON lines. */
export function outputFormat(path: string): OutputFormat | undefined {
  if (path === '-') return '.jsonl'
  const extension = extname(path).toLowerCase()
  return OUTPUT_FORMATS.find((format) => format === extension)
}

/** Writes rows as they arrive. A file appears under its name only when it is complete. */
export async function openWriter(path: string, format: OutputFormat, shape: VectorShape, stdout: Writable): Promise<VectorWriter> {
  if (path === '-') return jsonLinesWriter((text) => writeText(stdout, text), shape.precision)
  if (format !== '.jsonl') return openVectorFile(path, format, shape)
  const file = await StagedFile.create(path)
  const end = { finish: () => file.commit(), discard: () => file.discard() }
  return jsonLinesWriter((text) => file.write(Buffer.from(text)), shape.precision, end)
}

/** One array per line; row i is the vector of text i. Nine significant digits represent every float32 exactly. */
function jsonLinesWriter(
  append: (text: string) => Promise<void>,
  precision: Precision,
  end: Pick<VectorWriter, 'finish' | 'discard'> = { finish: async () => {}, discard: async () => {} },
): VectorWriter {
  const digits = precision === 'float32' ? (x: number) => Number(x.toPrecision(9)) : (x: number) => x
  return {
    async write(rows) {
      let text = ''
      for (const row of rows) text += `[${Array.from(row, digits).join(',')}]\n`
      await append(text)
    },
    ...end,
  }
}

/** Resolves when the stream has accepted the text, so that a slow reader slows down the writer. */
export function writeText(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => stream.write(text, (error) => (error ? reject(error) : resolve())))
}
