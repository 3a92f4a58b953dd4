import { extname } from 'node:path'
import { type RasaOptions, resolveRasa } from './options'
import type { Example } from '../example'
import { readRasaJson } from './rasa-json'
import { readRasaYaml } from './rasa-yaml'
import { broken, fromFiles } from './source'

/**
 * Examples of Rasa's training data, by the file's name: `.json` (`rasa_nlu_data` with its `common_examples`) or `.yml` and `.yaml`
 * (`nlu:` with `[text](entity)` and `[text]{"entity": …}`). Synonyms, lookup tables, regular expressions and features are left out, so
 * are roles, groups and the values of synonyms. Entities may touch; overlapping ones are refused. Files are read whole, up to `maxBytes`.
 * @throws ERR_DATA with file and line.
 */
export function readRasa(paths: string | readonly string[], options: RasaOptions = {}): AsyncIterable<Example> {
  const { heads, offsets, maxBytes } = resolveRasa(options)
  return fromFiles(paths, (file) => {
    const extension = extname(file).toLowerCase()
    if (extension === '.json') return readRasaJson(file, heads, offsets, maxBytes.json)
    if (extension === '.yml' || extension === '.yaml') return readRasaYaml(file, heads, maxBytes.yaml)
    throw broken(file, undefined, `Rasa's data is read from .json, .yml and .yaml files. Other forms: rasa data convert nlu.`)
  })
}
