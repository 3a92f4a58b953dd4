import { stat } from 'node:fs/promises'
import type { Command } from 'commander'
import type { Model } from '../api/model'
import { isSentorchError, SentorchError } from '../base/errors'
import type { Embeddings } from '../encode/embeddings'
import { examples, interruptible, misuse } from './console'
import { INPUT_FORMATS, inputFormat, openInput } from './input'
import { print } from './lines'
import { addModelFlags, loadModel, type ModelFlags } from './load'
import { linesOfStdin } from './similarity'
import { scoreText, textTable } from './table'
import { positive } from './values'

interface SearchFlags extends ModelFlags {
  topK: number
  field?: string
  rebuild?: boolean
  json?: boolean
}

export function register(program: Command): void {
  const command = program
    .command('search')
    .description('Find the texts of a file that are most similar to a query. Their vectors are kept in a file next to it.')
    .argument('<corpus>', 'texts: .txt (one per line), .json (array of strings), .jsonl (one object per line)')
    .argument('[query]', 'text to search for; without it, one per line of stdin')
  addModelFlags(command)
    .option('--top-k <n>', 'results per query', positive, 5)
    .option('--field <name>', '.jsonl: field of each object that contains the text (default: text)')
    .option('--rebuild', 'compute the vectors of the corpus again')
    .option('--json', 'print one JSON line per query')
  examples(command, [
    ['one query', `sentorch search --model my-model notes.txt 'how do I reset my password'`],
    ['many queries', 'sentorch search --model my-model --json notes.jsonl --field body < queries.txt > hits.jsonl'],
  ]) // prettier-ignore
  command.action((corpus: string, query: string | undefined, flags: SearchFlags, command: Command) => search(corpus, query, flags, command))
}

async function search(corpus: string, query: string | undefined, flags: SearchFlags, command: Command): Promise<void> {
  const { model: where, dtype, device, threads, topK, field, json } = flags
  const format = corpus === '-' ? undefined : inputFormat(corpus)
  if (format === undefined) misuse(command, `${corpus}: the name must end in ${INPUT_FORMATS.join(', ')}.`)
  if (field !== undefined && format !== '.jsonl') misuse(command, '--field applies only to a .jsonl corpus.')
  await interruptible(async (signal) => {
    const texts: string[] = []
    for await (const text of await openInput(corpus, { format, field: field ?? 'text', stdin: process.stdin, signal })) texts.push(text)
    const queries = query === undefined ? await linesOfStdin() : [query]
    const model = await loadModel(where, { dtype, device, threads, signal })
    try {
      const vectors = await corpusVectors(model, { corpus, texts, rebuild: flags.rebuild ?? false, signal })
      const found = await model.search(await model.encodeQuery(queries, { signal }), vectors, { topK, signal })
      const results = found.map((hits, i) => ({ query: queries[i]!, hits: hits.map((hit) => ({ ...hit, text: texts[hit.index]! })) }))
      await print(json ? results.map((result) => JSON.stringify(result)).join('\n') : resultsText(results))
    } finally {
      await model.dispose()
    }
  })
}

interface Corpus {
  corpus: string
  texts: readonly string[]
  rebuild: boolean
  signal: AbortSignal
}

/**
 * The vectors of the corpus: those in the file next to it, or new ones, which are stored there. A file that is older than the corpus is replaced;
 * one that another model has computed is refused.
 */
async function corpusVectors(model: Model, { corpus, texts, rebuild, signal }: Corpus): Promise<Embeddings> {
  const file = `${corpus}.vectors.safetensors`
  const { Embeddings } = await import('../encode/embeddings.js')
  if (!rebuild && (await isNewer(file, corpus))) {
    const stored = await Embeddings.load(file)
    if (stored.fingerprint !== model.fingerprint) {
      const message = `${file} has vectors of another model (fingerprint ${stored.fingerprint ?? 'unknown'}; this model's is ${model.fingerprint}). Pass --rebuild to compute them again.`
      throw new SentorchError('ERR_MODEL_MISMATCH', message, { detail: { file } })
    }
    if (stored.length === texts.length) return stored
  }
  const vectors = await model.encodeDocument(texts, { signal })
  await vectors.save(file).catch((error: unknown) => {
    // The search works in a folder that cannot be written to as well.
    if (!isSentorchError(error) || error.code !== 'ERR_FILE') throw error
    process.stderr.write(`Note: the vectors were not stored. ${error.message}\n`)
  })
  return vectors
}

async function isNewer(file: string, corpus: string): Promise<boolean> {
  const [stored, source] = await Promise.all([stat(file).catch(() => undefined), stat(corpus)])
  return stored !== undefined && stored.mtimeMs >= source.mtimeMs
}

interface Result {
  query: string
  hits: { index: number; score: number; text: string }[]
}

/** Score, line and text of each hit, under the query if there are several. */
export function resultsText(results: readonly Result[]): string {
  return results
    .map(({ query, hits }) => {
      const ranked = hits.map(({ index, score }) => [scoreText(score), String(index + 1)])
      const lines = textTable(ranked).split('\n').map((line, i) => (hits[i] ? `${line}  ${hits[i].text}` : 'nothing found')) // prettier-ignore
      return results.length === 1 ? lines.join('\n') : `${query}\n${lines.join('\n')}\n`
    })
    .join('\n')
}
