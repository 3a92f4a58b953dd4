import { describe } from '../../base/check'
import { type JsonFileOptions, resolveJsonFile } from './options'
import type { Example } from '../example'
import { type JsonFile, openJson } from './json-file'
import { noControls, noteControls } from './label-studio'
import { exampleOfRecord, isOfLabelStudio } from './shapes'
import { fromFiles } from './source'
import { field, isFields } from './values'

/**
 * Examples of a JSON file: a list of records as `readJsonl` knows them, or of `[text, label]`; with `split`, an object of such lists
 * (CLINC150: `readJson('data_full.json', { split: ['test', 'oos_test'] })`). The file is read whole, up to `maxBytes`.
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

const INSTEAD = `Write one record a line (jq -c '.[]' file.json > file.jsonl) and use readJsonl, or raise maxBytes where memory allows it.`

interface Records {
  path: string[]
  records: readonly unknown[]
}

function listsOf(json: JsonFile, split: readonly string[] | undefined): Records[] {
  const { value } = json
  if (split === undefined) {
    if (Array.isArray(value)) return [{ path: [], records: value }]
    const hint = isFields(value) ? ` Name some of its fields with split: ${Object.keys(value).slice(0, 20).join(', ')}.` : ''
    throw json.refuse([], `Expected a list of records, received ${describe(value)}.${hint}`)
  }
  if (!isFields(value)) throw json.refuse([], `Expected an object of splits, received ${describe(value)}.`)
  return split.map((name) => {
    const records = field(value, name)
    if (records === undefined) throw json.refuse([], `There is no split '${name}' (there are: ${Object.keys(value).join(', ')}).`)
    if (!Array.isArray(records)) throw json.refuse([name], `Expected a list of records in '${name}', received ${describe(records)}.`)
    return { path: [name], records }
  })
}
