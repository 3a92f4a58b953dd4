import { describe } from '../../check'
import { type JsonFileOptions, resolveJsonFile } from '../../options/readers'
import type { Example } from '../example'
import { type JsonFile, openJson } from './json-file'
import { exampleOfRecord } from './shapes'
import { fromFiles } from './source'
import { field, isFields } from './values'

/**
 * Examples of a JSON file: a list of records as `readJsonl` knows them, or of `[text, label]`; with `split`, an object of such lists
 * (CLINC150: `readJson('data_full.json', { split: ['test', 'oos_test'] })`). The file is read whole.
 * @throws ERR_DATA with file and line.
 */
export function readJson(paths: string | readonly string[], options: JsonFileOptions = {}): AsyncIterable<Example> {
  const { split, ...resolved } = resolveJsonFile(options)
  return fromFiles(paths, async function* (file) {
    const json = await openJson(file)
    for (const { path, records } of listsOf(json, split)) {
      for (const [i, record] of records.entries()) {
        const example = exampleOfRecord(record, resolved, (reason) => json.refuse([...path, i], reason))
        if (example) yield example
      }
    }
  })
}

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
