import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Model } from '../api/model'
import type { Summary } from '../data/describe'
import { bytesText, examples, interruptible } from './console'
import { addDataFlags, type DataFlags } from './data-formats'
import { print } from './lines'
import { loadModel } from './load'
import { textTable } from './table'

interface InspectFlags extends DataFlags {
  model?: string
  json?: boolean
}

export function register(program: Command): void {
  const command = program
    .command('inspect')
    .description('Describe labelled data (counts, labels, lengths, problems) or a model (layers, heads, sizes).')
    .argument('<data|model>', 'a file or folder of labelled data, the folder of a model, or the id of one on the hub')
    .option('--model <folder|id>', 'data: count lengths in the tokens of this model, and the examples that it cuts')
  addDataFlags(command).option('--json', 'print everything as JSON')
  examples(command, [
    ['data', 'sentorch inspect train.jsonl'],
    ['data, with the tokens of a model', 'sentorch inspect train.conll --model my-model'],
    ['a model', 'sentorch inspect my-model --json'],
  ]) // prettier-ignore
  command.action((what: string, flags: InspectFlags) =>
    interruptible(async (signal) => {
      if (await isModel(what)) await inspectModel(what, flags, signal)
      else await inspectData(what, flags, signal)
    }),
  )
}

/** A folder with a configuration, or something that does not exist and so may be an id on the hub. */
async function isModel(what: string): Promise<boolean> {
  const found = await stat(what).catch(() => undefined)
  if (found === undefined) return !/\.\w+$/.test(what)
  return found.isDirectory() && ['config.json', 'modules.json'].some((name) => existsSync(join(what, name)))
}

async function inspectData(what: string, { model: where, format, reader, json }: InspectFlags, signal: AbortSignal): Promise<void> {
  const { openData } = await import('./data-files.js')
  const data = await openData(what, { format, reader, signal })
  const model = where === undefined ? undefined : await loadModel(where, { signal })
  try {
    const summary = await data.describe({ ...(model && { model, maxLength: model.info.maxLength }), signal })
    await print(json ? JSON.stringify(summary, null, 2) : dataText(summary))
  } finally {
    await model?.dispose()
  }
}

/** Labels that are listed for each head. */
const SHOWN = 12

export function dataText({ name, examples, heads, lengths, truncation, problems, unusedFields = [] }: Summary): string {
  const parts = [`${name}: ${examples.toLocaleString('en-US')} examples`]
  for (const [head, { kind, examples: labelled, labels, scheme }] of Object.entries(heads)) {
    const rest = labels.length > SHOWN ? [[`  … and ${labels.length - SHOWN} more`]] : []
    const rows = [...labels.slice(0, SHOWN).map(({ label, count }) => [`  ${label}`, count.toLocaleString('en-US')]), ...rest]
    const what = kind === 'tags' && scheme !== undefined ? `tags in ${scheme}` : kind
    parts.push(`${head} (${what}): ${labels.length} labels in ${labelled.toLocaleString('en-US')} examples\n${textTable(rows)}`)
  }
  const { unit, min, median, mean, p95, max } = lengths
  const most = Math.max(1, ...lengths.histogram.map(({ count }) => count))
  const bars = lengths.histogram.map(({ from, to, count }) => [
    `  ${from === to ? from : `${from}–${to}`}`,
    count.toLocaleString('en-US'),
    '#'.repeat(Math.ceil((24 * count) / most)).padEnd(24),
  ])
  const cut = truncation ? `\n${truncation.examples.toLocaleString('en-US')} examples are longer than ${truncation.maxLength} tokens` : ''
  parts.push(
    `lengths in ${unit}: ${min} to ${max}, mean ${mean.toFixed(1)}, median ${median}, 95 % at most ${p95}${cut}\n${textTable(bars)}`,
  )
  const found = problems.map(({ kind, head, label, count, examples: which }) => {
    const where = [head, label].filter((each) => each !== undefined).join(': ')
    return `  ${kind}${where && ` (${where})`}: ${count}, for example ${which.slice(0, 3).join(', ')}`
  })
  parts.push(found.length > 0 ? `problems\n${found.join('\n')}` : 'no problems found')
  if (unusedFields.length > 0) parts.push(`fields that were not read: ${unusedFields.map(({ field }) => field).join(', ')}`)
  return parts.join('\n\n')
}

async function inspectModel(what: string, { json }: InspectFlags, signal: AbortSignal): Promise<void> {
  const model = await loadModel(what, { signal })
  try {
    const { info, heads, fingerprint } = model
    await print(json ? JSON.stringify({ ...info, fingerprint, heads }, null, 2) : modelText({ info, heads, fingerprint }))
  } finally {
    await model.dispose()
  }
}

export function modelText({ info, heads, fingerprint }: Pick<Model, 'info' | 'heads' | 'fingerprint'>): string {
  const rows = [
    ['model', info.id ?? info.folder],
    ['type', `${info.modelType}, ${info.layers} layers, vocabulary of ${info.vocabularySize.toLocaleString('en-US')}`],
    ['size', `${info.parameters.toLocaleString('en-US')} parameters, ${bytesText(info.parameterBytes)} in memory (${info.dtype})`],
    ['vectors', `${info.dimension} dimensions, ${info.pooling.join(' + ')} pooling${info.normalizes ? ', unit length' : ''}, compared by ${info.similarity}`],
    ['identity', `fingerprint ${fingerprint}`],
    ['texts', `at most ${info.maxLength} tokens`],
    ...Object.entries(info.prompts).filter(([, text]) => text !== '').map(([name, text]) => ['prompt', `${name}: ${JSON.stringify(text)}`]),
    ...heads.map(({ name, type, labels, hidden, multiLabel }) => [
      `head`,
      `${name}: ${multiLabel ? 'multi-label ' : ''}${type}, ${hidden.length > 0 ? `hidden layers ${hidden.join(', ')}, ` : ''}${labels.length} labels: ${labels.slice(0, SHOWN).join(', ')}${labels.length > SHOWN ? ' …' : ''}`,
    ]),
    ...info.notes.map((note) => ['note', note]),
  ] // prettier-ignore
  return rows.map(([name, text]) => `${name!.padEnd(10)}${text}`).join('\n')
}
