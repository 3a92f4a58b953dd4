import type { Writable } from 'node:stream'
import type { Embeddings } from '../encode/embeddings'
import { aborted } from '../base/errors'
import type { EncodeOptions, StreamOptions } from '../encode/options'
import type { Precision, VectorOf } from '../encode/quantize'
import { closingLine, encodeMeter } from './encode-progress'
import type { TextInput } from './input'
import { type OutputFormat, openWriter } from './output'

type Vectors = Embeddings<VectorOf<Precision>>

/** What the command needs of a model. */
export interface StreamingEncoder {
  encode(texts: readonly string[], options: EncodeOptions<Precision>): Promise<Vectors>
  encodeStream(texts: AsyncIterable<string>, options: StreamOptions<Precision>): AsyncIterable<Vectors>
}

export interface EncodeJob {
  input: TextInput
  output: string
  format: OutputFormat
  options: EncodeOptions<Precision>
  signal: AbortSignal
  stdout: Writable
  stderr: Writable
}

/**
 * Encodes every text of the input into the output. The output file appears only when it is whole: an abort, which rejects with
 * ERR_ABORTED, and any other failure leave nothing of it. A reader of stdout that went away ends the work in silence.
 */
export async function encodeInto(
  model: StreamingEncoder,
  { input, output, format, options, signal, stdout, stderr }: EncodeJob,
): Promise<void> {
  // Checks the options and gives the dimension, before a file is made.
  const { dimension } = await model.encode([], { ...options, signal })
  const writer = await openWriter(output, format, { dimension, precision: options.precision ?? 'float32' }, stdout)
  const meter = encodeMeter(stderr, input)
  const start = performance.now()
  let texts = 0
  let tokens = 0
  try {
    const onProgress: EncodeOptions['onProgress'] = (progress) => {
      tokens = progress.tokens
      meter.update(progress)
    }
    for await (const rows of model.encodeStream(input, { ...options, signal, onProgress })) {
      await writer.write(rows)
      texts += rows.length
    }
    if (signal.aborted) throw aborted(signal)
    await writer.finish()
  } catch (error) {
    await writer.discard()
    if (output === '-' && (error as NodeJS.ErrnoException).code === 'EPIPE') return
    throw signal.aborted ? aborted(signal) : error
  } finally {
    meter.stop()
  }
  stderr.write(`${closingLine({ texts, tokens, milliseconds: performance.now() - start })}\n`)
}
