import { describe } from '../../base/check'
import type { Example } from '../example'
import { noControls, noteControls, type Controls } from './label-studio'
import { resolveJson, resolveJsonFile, type JsonFileOptions, type JsonOptions, type ResolvedJson } from './options'
import { exampleOfRecord, isOfLabelStudio } from './shapes'
import { broken, fromFiles, linesOf, openJson, type Fail, type JsonFile } from './source'
import { field, isFields } from './values'

/**
 * Reads examples from a JSON file: a list of records in a form that `readJsonl` accepts, or of `[text, label]`; with `split`, an object of such
 * lists (CLINC150: `readJson('data_full.json', { split: ['test', 'oos_test'] })`). The file is read into memory, up to `maxBytes`.
 * @throws ERR_DATA with file and line.
 */
export function readJson(paths: string | readonly string[], options: JsonFileOptions = {}): AsyncIterable<Example> {
  const { split, maxBytes, ...resolved } = resolveJsonFile(options)
  return fromFiles(paths, async function* (file, unused) {
    const json = await openJson(file, maxBytes, INSTEAD)
    const context = { options: resolved, unused, controls: noControls() }
    const lists = listsOf(json, split)
    for (const { records } of lists) {
      for (const record of records) if (isOfLabelStudio(record, resolved)) noteControls(record, context.controls)
    }
    for (const { path, records } of lists) {
      for (const [i, record] of records.entries()) {
        const example = exampleOfRecord(record, context, (reason, cause) => json.refuse([...path, i], reason, cause))
        if (example) yield example
      }
    }
  })
}

const INSTEAD = `Write one record per line (jq -c '.[]' file.json > file.jsonl) and use readJsonl, or increase maxBytes if there is enough memory.`

interface Records {
  path: string[]
  records: readonly unknown[]
}

function listsOf(json: JsonFile, split: readonly string[] | undefined): Records[] {
  const { value } = json
  if (split === undefined) {
    if (Array.isArray(value)) return [{ path: [], records: value }]
    const hint = isFields(value) ? ` Select some of its fields with the option split: ${Object.keys(value).slice(0, 20).join(', ')}.` : ''
    throw json.refuse([], `Expected a list of records, received ${describe(value)}.${hint}`)
  }
  if (!isFields(value)) throw json.refuse([], `Expected an object of splits, received ${describe(value)}.`)
  return split.map((name) => {
    const records = field(value, name)
    if (records === undefined) throw json.refuse([], `The split '${name}' does not exist, only ${Object.keys(value).join(', ')}.`)
    if (!Array.isArray(records)) throw json.refuse([name], `Expected a list of records in '${name}', received ${describe(records)}.`)
    return { path: [name], records }
  })
}

/**
 * Reads examples from JSON lines, one record per line; blank lines are skipped. These forms are recognised without options, record by record:
 * - sentorch's own: `{ text, words?, labels: { head: 'label' | true | ['labels or tags'] | [{ start, end, label }] } }`, UTF-16 offsets;
 * - Doccano's exports: `text` (or `data`) with `label`, `labels`, `entities` or `cats`;
 * - Prodigy's: `text` with `spans`, `label`, `accept`, and `answer`: rejected and ignored records and spans are skipped;
 * - Label Studio's, as JSON or JSON_MIN; spaCy's `[text, { entities, cats }]`; GLiNER's `tokenized_text` and `ner`;
 * - `{ text, label: 3, label_text?: 'name' }`, the form of SetFit's data sets.
 *
 * Use `labels: { head: 'field' }` for any other object.
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
      const hint = first && /^\s*[[{]\s*$/.test(text) ? ' The file looks like JSON that spans several lines: read it with readJson.' : ''
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
