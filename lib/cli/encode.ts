import { readFile } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { SentorchError } from '../base/errors'
import type { Model } from '../api/model'
import type { DeviceOption, DTypeOption } from '../model/load-options'
import { type EncodeOptions } from '../encode/options'
import { POOLING_NAMES, type PoolingName } from '../pooling/poolings'
import { needsRanges, type Precision, PRECISIONS } from '../encode/quantize'
import { downloadMeter } from './encode-progress'
import { encodeInto } from './encode-run'
import { INPUT_FORMATS, inputFormat, openInput } from './input'
import { interruptible } from './interrupt'
import { OUTPUT_FORMATS, outputFormat } from './output'

interface EncodeFlags {
  model: string
  input: string
  output: string
  field?: string
  dtype?: DTypeOption
  device?: DeviceOption
  threads?: number
  batchTokens?: number
  maxLength?: number
  pooling?: PoolingName[]
  normalize?: boolean
  promptName?: string
  truncateDim?: number
  precision?: Precision
  ranges?: string
}

export function register(program: Command): void {
  program
    .command('encode')
    .description('Turn texts into vectors, one row for each text, in the order of the input.')
    .requiredOption('--model <folder|id>', 'folder of a sentence-transformers model, or its id on the hub')
    .requiredOption('--input <file>', `texts: .txt (one a line), .json (array of strings), .jsonl (one object a line), - for stdin`)
    .requiredOption('--output <file>', 'vectors: .npy, .safetensors or .jsonl, - for JSON lines on stdout')
    .option('--field <name>', `.jsonl: name of the text in each object (default: text); with '--input -' it says that stdin is JSON lines`)
    .addOption(
      new Option('--dtype <type>', 'float32 (default) is exact, bfloat16 smaller and on many CPUs faster').choices(['float32', 'bfloat16']),
    )
    .option('--device <device>', 'auto (default), cpu, cuda or cuda:N')
    .option('--threads <n>', 'threads of one operation (default: processors)', positive)
    .option('--batch-tokens <n>', 'tokens of one micro-batch', positive)
    .option('--max-length <n>', `tokens of one text; longer texts are cut (default: the model's)`, positive)
    .option('--pooling <names>', `instead of the model's, separated by commas: ${POOLING_NAMES.join(', ')}`, poolingNames)
    .option('--normalize', 'scale the vectors to unit length')
    .option('--no-normalize', 'leave out the Normalize module of the model')
    .option('--prompt-name <name>', `one of the model's prompts, put before every text`)
    .option('--truncate-dim <n>', 'keep the first n dimensions', positive)
    .addOption(new Option('--precision <type>', 'type of the vectors (default: float32)').choices(PRECISIONS))
    .option('--ranges <file>', 'int8 and uint8: JSON file with [min, max], each an array with one number for each dimension')
    .action((flags: EncodeFlags, command: Command) => encode(flags, command))
}

async function encode(flags: EncodeFlags, command: Command): Promise<void> {
  const { input, output, field, precision = 'float32', ranges } = flags
  const from = inputFormat(input, field) ?? misuse(command, `--input ${input}: the name must end in ${INPUT_FORMATS.join(', ')}, or be -.`)
  const to = outputFormat(output) ?? misuse(command, `--output ${output}: the name must end in ${OUTPUT_FORMATS.join(', ')}, or be -.`)
  if (field !== undefined && from !== '.jsonl') misuse(command, '--field is for .jsonl input.')
  if (needsRanges(precision) && ranges === undefined) {
    misuse(command, `--precision ${precision} needs --ranges: the texts are streamed, so the range of the vectors to come is not known.`)
  }
  if (!needsRanges(precision) && ranges !== undefined) misuse(command, '--ranges is for --precision int8 and uint8.')

  await interruptible(async (signal) => {
    const { stdin, stdout, stderr } = process
    const texts = await openInput(input, { format: from, field: field ?? 'text', stdin, signal })
    const options: EncodeOptions<Precision> = { ...encodeOptions(flags), ...(ranges !== undefined && { ranges: await readRanges(ranges) }) }
    const model = await load(flags, signal, stderr)
    // A write that fails rejects where it was made; this keeps the stream's own event from ending the process.
    stdout.on('error', () => {})
    try {
      await encodeInto(model, { input: texts, output, format: to, options, signal, stdout, stderr })
    } finally {
      await model.dispose()
    }
  })
}

async function load({ model, dtype, device, threads }: EncodeFlags, signal: AbortSignal, stderr: Writable): Promise<Model> {
  // Loaded here, so that the other commands work where a native package of this one does not.
  const { Model } = await import('../api/model.js')
  const meter = downloadMeter(stderr)
  try {
    return await Model.load(model, { dtype, device, threads, signal, onProgress: meter.update })
  } finally {
    meter.stop()
  }
}

function encodeOptions({
  batchTokens,
  maxLength,
  pooling,
  normalize,
  promptName,
  truncateDim,
  precision,
}: EncodeFlags): EncodeOptions<Precision> {
  return { batchTokens, maxLength, pooling, normalize, promptName, truncateDim, precision }
}

/** The pair of arrays; what they hold is checked with the other options against the model. */
async function readRanges(file: string): Promise<[number[], number[]]> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as [number[], number[]]
  } catch (cause) {
    throw new SentorchError('ERR_FILE', `Cannot read ${file} as JSON: ${(cause as Error).message}`, { cause })
  }
}

function positive(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('Expected a whole number of at least 1.')
  return Number(text)
}

function poolingNames(text: string): PoolingName[] {
  return text.split(',').map((name) => {
    const known = POOLING_NAMES.find((pooling) => pooling === name.trim())
    if (known === undefined) throw new InvalidArgumentError(`Expected some of ${POOLING_NAMES.join(', ')}.`)
    return known
  })
}

function misuse(command: Command, message: string): never {
  command.error(`error: ${message}`, { exitCode: 2, code: 'sentorch.misuse' })
}
