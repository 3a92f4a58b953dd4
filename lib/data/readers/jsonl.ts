import { type JsonOptions, resolveJson, type ResolvedJson } from './options'
import type { Example } from '../example'
import { type Controls, noControls, noteControls } from './label-studio'
import { exampleOfRecord, isOfLabelStudio } from './shapes'
import { broken, type Fail, fromFiles, linesOf } from './source'

/**
 * Examples of JSON lines, one record a line, blank lines skipped. Known without options, record by record:
 * - our own: `{ text, words?, labels: { head: 'label' | true | ['labels or tags'] | [{ start, end, label }] } }`, UTF-16 offsets;
 * - Doccano's exports: `text` (or `data`) with `label`, `labels`, `entities` or `cats`;
 * - Prodigy's: `text` with `spans`, `label`, `accept`, and `answer`: the rejected and ignored are left out, records and spans;
 * - Label Studio's, as JSON or JSON_MIN; spaCy's `[text, { entities, cats }]`; GLiNER's `tokenized_text` and `ner`;
 * - `{ text, label: 3, label_text?: 'name' }`, as SetFit's data sets have them.
 *
 * Any other object by `labels: { head: 'field' }`.
 * @throws ERR_DATA with file and line.
 */
export function readJsonl(paths: string | readonly string[], options: JsonOptions = {}): AsyncIterable<Example> {
  const resolved = resolveJson(options)
  return fromFiles(paths, async function* (file, unused) {
    let controls: Controls | undefined
    for await (const { record, fail } of recordsOf(file)) {
      if (isOfLabelStudio(record, resolved)) controls ??= await controlsOf(file, resolved)
      const example = exampleOfRecord(record, { options: resolved, unused, controls: controls ?? noControls() }, fail)
      if (example) yield example
    }
  })
}

async function* recordsOf(file: string): AsyncGenerator<{ record: unknown; fail: Fail }> {
  let first = true
  for await (const { text, number } of linesOf(file)) {
    if (text.trim() === '') continue
    const fail: Fail = (reason, cause) => broken(file, number, reason, cause)
    let record: unknown
    try {
      record = JSON.parse(text)
    } catch (cause) {
      const hint = first && /^\s*[[{]\s*$/.test(text) ? ' The file looks like JSON over many lines: read it with readJson.' : ''
      throw fail(`The line is not JSON (${(cause as Error).message}).${hint}`, cause)
    }
    if (Array.isArray(record) && (record.length === 0 || typeof record[0] === 'object')) {
      throw fail('The line is a JSON array of records, not one record: read the file with readJson.')
    }
    first = false
    yield { record, fail }
  }
}

async function controlsOf(file: string, options: ResolvedJson): Promise<Controls> {
  const controls = noControls()
  for await (const { record } of recordsOf(file)) if (isOfLabelStudio(record, options)) noteControls(record, controls)
  return controls
}
