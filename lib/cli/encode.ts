import { InvalidArgumentError, Option, type Command } from 'commander'
import { readFile } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { aborted, SentorchError } from '../base/errors'
import type { Embeddings } from '../encode/embeddings'
import type { EncodeOptions, StreamOptions } from '../encode/options'
import { TRUNCATIONS, type Truncation } from '../encode/truncation'
import { needsRanges, PRECISIONS, type Precision, type VectorOf } from '../encode/quantize'
import { POOLING_NAMES, type PoolingName } from '../pooling/poolings'
import { examples, interruptible, misuse } from './console'
import { INPUT_FORMATS, inputFormat, openInput, type TextInput } from './input'
import { addModelFlags, loadModel, type ModelFlags } from './load'
import { closingLine, encodeMeter } from './meters'
import { openWriter, OUTPUT_FORMATS, outputFormat, type OutputFormat } from './output'
import { positive } from './values'

interface EncodeFlags extends ModelFlags {
  input: string
  output: string
  field?: string
  batchTokens?: number
  maxLength?: number
  truncation?: Truncation
  pooling?: PoolingName[]
  normalize?: boolean
  promptName?: string
  truncateDim?: number
  precision?: Precision
  ranges?: string
}

export function register(program: Command): void {
  const command = program.command('encode').description('Compute the vectors of texts, one row per text, in the order of the input.')
  addModelFlags(command)
    .requiredOption('--input <file>', `texts: .txt (one per line), .json (array of strings), .jsonl (one object per line), - for stdin`)
    .requiredOption('--output <file>', 'vectors: .npy, .safetensors or .jsonl, - for JSON lines on stdout')
    .option(
      '--field <name>',
      `.jsonl: field of each object that contains the text (default: text); with '--input -', read stdin as JSON lines`,
    )
    .option('--batch-tokens <n>', 'maximum tokens per micro-batch', positive)
    .option('--max-length <n>', `maximum tokens per text; longer texts are cut (default: the model's limit)`, positive)
    .addOption(
      new Option('--truncation <what>', 'for texts with more tokens: cut them (default), stop with an error, or combine windows').choices(
        TRUNCATIONS,
      ),
    )
    .option('--pooling <names>', `poolings to use instead of the model's, separated by commas: ${POOLING_NAMES.join(', ')}`, poolingNames)
    .option('--normalize', 'scale the vectors to unit length')
    .option('--no-normalize', "skip the model's Normalize module")
    .option('--prompt-name <name>', `name of one of the model's prompts, which is prepended to every text`)
    .option('--truncate-dim <n>', 'keep the first n dimensions', positive)
    .addOption(new Option('--precision <type>', 'type of the vectors (default: float32)').choices(PRECISIONS))
    .option('--ranges <file>', 'for int8 and uint8: JSON file with [min, max], two arrays with one number per dimension')
  examples(command, [
    ['vectors for NumPy', 'sentorch encode --model sentence-transformers/all-MiniLM-L6-v2 --input texts.txt --output vectors.npy'],
    ['from a pipe', 'cat texts.jsonl | sentorch encode --model my-model --input - --field body --output - > vectors.jsonl'],
  ]) // prettier-ignore
  command.action((flags: EncodeFlags, command: Command) => encode(flags, command))
}

async function encode(flags: EncodeFlags, command: Command): Promise<void> {
  const { input, output, field, precision = 'float32', ranges } = flags
  const from = inputFormat(input, field) ?? misuse(command, `--input ${input}: the name must end in ${INPUT_FORMATS.join(', ')}, or be -.`)
  const to = outputFormat(output) ?? misuse(command, `--output ${output}: the name must end in ${OUTPUT_FORMATS.join(', ')}, or be -.`)
  if (field !== undefined && from !== '.jsonl') misuse(command, '--field applies only to .jsonl input.')
  if (needsRanges(precision) && ranges === undefined) {
    misuse(command, `--precision ${precision} needs --ranges: texts are streamed, so the range of later vectors is unknown.`)
  }
  if (!needsRanges(precision) && ranges !== undefined) misuse(command, '--ranges applies only to --precision int8 and uint8.')

  await interruptible(async (signal) => {
    const { stdin, stdout, stderr } = process
    const texts = await openInput(input, { format: from, field: field ?? 'text', stdin, signal })
    const options: EncodeOptions<Precision> = { ...encodeOptions(flags), ...(ranges !== undefined && { ranges: await readRanges(ranges) }) }
    const { model: where, dtype, device, threads } = flags
    const model = await loadModel(where, { dtype, device, threads, signal })
    // A failed write rejects where it was made; this listener keeps the stream's 'error' event from ending the process.
    stdout.on('error', () => {})
    try {
      await encodeInto(model, { input: texts, output, format: to, options, signal, stdout, stderr })
    } finally {
      await model.dispose()
    }
  })
}

function encodeOptions({
  batchTokens,
  maxLength,
  truncation,
  pooling,
  normalize,
  promptName,
  truncateDim,
  precision,
}: EncodeFlags): EncodeOptions<Precision> {
  return { batchTokens, maxLength, truncation, pooling, normalize, promptName, truncateDim, precision }
}

/** Reads the two arrays. Their content is checked against the model, together with the other options. */
async function readRanges(file: string): Promise<[number[], number[]]> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as [number[], number[]]
  } catch (cause) {
    throw new SentorchError('ERR_FILE', `Cannot read ${file} as JSON: ${(cause as Error).message}`, { cause })
  }
}

function poolingNames(text: string): PoolingName[] {
  return text.split(',').map((name) => {
    const known = POOLING_NAMES.find((pooling) => pooling === name.trim())
    if (known === undefined) throw new InvalidArgumentError(`Expected one or more of ${POOLING_NAMES.join(', ')}.`)
    return known
  })
}

type Vectors = Embeddings<VectorOf<Precision>>

/** The part of a model that the command uses. */
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
 * Encodes every text of the input into the output. The output file appears only when it is complete: an abort, which rejects with
 * ERR_ABORTED, or any other failure leaves no file. If the reader of stdout closes it, the command stops without an error.
 */
export async function encodeInto(
  model: StreamingEncoder,
  { input, output, format, options, signal, stdout, stderr }: EncodeJob,
): Promise<void> {
  // Checks the options and gives the dimension before any file is created.
  const { dimension, source } = await model.encode([], { ...options, signal })
  const writer = await openWriter(output, format, { dimension, precision: options.precision ?? 'float32', source }, stdout)
  const meter = encodeMeter(stderr, input)
  const start = performance.now()
  let texts = 0
  let tokens = 0
  let truncated = 0
  try {
    const onProgress: EncodeOptions['onProgress'] = (progress) => {
      tokens = progress.tokens
      meter.update(progress)
    }
    for await (const rows of model.encodeStream(input, { ...options, signal, onProgress })) {
      await writer.write(rows)
      texts += rows.length
      truncated += rows.truncated
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
  if (truncated > 0) stderr.write(`${truncationLine(truncated, texts)}\n`)
}

/** What the user should know if vectors stand for the beginnings of texts only. */
function truncationLine(truncated: number, texts: number): string {
  const counted = `${truncated.toLocaleString('en-US')} of ${texts.toLocaleString('en-US')} texts`
  return `${counted} had more tokens than the limit and ${truncated === 1 ? 'was' : 'were'} cut. Use --truncation windows to include all of their tokens, or raise --max-length.`
}
