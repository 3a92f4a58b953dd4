import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Writable } from 'node:stream'
import { aborted } from '../base/errors'
import type { PredictOptions } from '../predict/options'
import { examples, interruptible, misuse } from './console'
import { INPUT_FORMATS, inputFormat, openInput, type TextInput } from './input'
import { isClosedPipe, openLines, type LineWriter } from './lines'
import { addModelFlags, loadModel, type ModelFlags } from './load'
import { closingLine, encodeMeter } from './meters'
import { finite, positive } from './values'

type ReadingFlags = Pick<
  PredictOptions,
  'heads' | 'topK' | 'threshold' | 'rejectBelow' | 'aggregation' | 'constrained' | 'words' | 'maxLength' | 'batchTokens'
>

interface PredictFlags extends ModelFlags, ReadingFlags {
  input: string
  output: string
  field?: string
}

export function register(program: Command): void {
  const command = program
    .command('predict')
    .description('Classify texts and find entities with the heads of a model, one JSON line per text.')
  addModelFlags(command)
    .option('--input <file>', 'texts: .txt (one per line), .json (array of strings), .jsonl (one object per line), - for stdin', '-')
    .option('--output <file>', 'predictions: .jsonl, - for stdout', '-')
    .option('--field <name>', `.jsonl: field that contains the text (default: text); with '--input -', read stdin as JSON lines`)
    .option('--heads <names>', 'heads to run, separated by commas (default: all)', (text) => text.split(','))
    .option('--top-k <n>', 'classification: add the n most probable labels', positive)
    .option('--threshold <p>', 'multi-label: probability from which on a label applies (default: 0.5)', share)
    .option('--reject-below <p>', 'classification: no label below this probability', share)
    .addOption(new Option('--aggregation <name>', 'entities: how sub-words become words').choices(['first', 'average', 'max', 'none']))
    .option('--constrained', 'entities: only sequences of tags that the scheme allows')
    .option('--words', 'entities: add the label of each word')
    .option('--max-length <n>', "maximum tokens per text (default: the model's limit)", positive)
    .option('--batch-tokens <n>', 'maximum tokens per micro-batch', positive)
  examples(command, [
    ['texts from a pipe', `echo 'play some jazz in Berlin' | sentorch predict --model my-model`],
    ['a file, with the three most probable labels', 'sentorch predict --model my-model --input texts.jsonl --field body --top-k 3 --output predictions.jsonl'],
    ['entities of the first text, with jq', `sentorch predict --model my-model --input texts.txt | head -1 | jq .slots.entities`],
  ]) // prettier-ignore
  command.action((flags: PredictFlags, command: Command) => predict(flags, command))
}

function share(text: string): number {
  const value = finite(text)
  if (value < 0 || value > 1) throw new InvalidArgumentError('Expected a number from 0 to 1.')
  return value
}

async function predict(flags: PredictFlags, command: Command): Promise<void> {
  const { input, output, field, model: where, dtype, device, threads, ...options } = flags
  const format =
    inputFormat(input, field) ?? misuse(command, `--input ${input}: the name must end in ${INPUT_FORMATS.join(', ')}, or be -.`)
  if (output !== '-' && !/\.(jsonl|ndjson)$/i.test(output)) misuse(command, `--output ${output}: the name must end in .jsonl, or be -.`)
  if (field !== undefined && format !== '.jsonl') misuse(command, '--field applies only to .jsonl input.')
  await interruptible(async (signal) => {
    const texts = await openInput(input, { format, field: field ?? 'text', stdin: process.stdin, signal })
    const model = await loadModel(where, { dtype, device, threads, signal })
    try {
      // Checks the options before any file is created.
      await model.predict([], { ...options, signal })
      const lines = await openLines(output, process.stdout)
      await predictInto(model, { texts, lines, options, signal, stderr: process.stderr })
    } finally {
      await model.dispose()
    }
  })
}

/** The part of a model that the command uses. */
export interface Predictor {
  predict(texts: readonly string[], options: PredictOptions): Promise<readonly object[]>
}

export interface PredictJob {
  texts: TextInput
  lines: LineWriter
  options: ReadingFlags
  signal: AbortSignal
  stderr: Writable
}

/** Texts that are predicted together. */
const BATCH = 256

/** Writes one line per text. An abort or any other failure leaves no file; if the reader of stdout closes it, the command just stops. */
export async function predictInto(model: Predictor, { texts, lines, options, signal, stderr }: PredictJob): Promise<void> {
  const meter = encodeMeter(stderr, texts)
  const start = performance.now()
  const total = { texts: 0, tokens: 0, cut: 0 }
  try {
    for await (const batch of batches(texts)) {
      const onProgress: PredictOptions['onProgress'] = ({ tokens }) => void (tokensOfBatch = tokens)
      let tokensOfBatch = 0
      const predictions = await model.predict(batch, { ...options, signal, onProgress })
      await lines.write(predictions.map((prediction) => `${JSON.stringify(prediction)}\n`).join(''))
      total.texts += batch.length
      total.tokens += tokensOfBatch
      total.cut += predictions.filter((prediction) => 'truncated' in prediction).length
      meter.update({ texts: total.texts, totalTexts: total.texts, tokens: total.tokens })
    }
    if (signal.aborted) throw aborted(signal)
    await lines.finish()
  } catch (error) {
    await lines.discard()
    if (isClosedPipe(error)) return
    throw signal.aborted ? aborted(signal) : error
  } finally {
    meter.stop()
  }
  const cut = total.cut > 0 ? `; ${total.cut.toLocaleString('en-US')} of them were cut to the maximum length` : ''
  stderr.write(`${closingLine({ ...total, milliseconds: performance.now() - start })}${cut}\n`)
}

async function* batches(texts: AsyncIterable<string>): AsyncGenerator<string[]> {
  let batch: string[] = []
  for await (const text of texts) {
    batch.push(text)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
