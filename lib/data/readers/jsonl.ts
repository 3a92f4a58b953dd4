import { type JsonOptions, resolveJson } from '../../options/readers'
import type { Example } from '../example'
import { exampleOfRecord } from './shapes'
import { broken, fromFiles, linesOf } from './source'

/**
 * Examples of JSON lines, one object a line, blank lines skipped. Known without options, record by record:
 * - our own: `{ text, words?, labels: { head: 'label' | true | ['labels or tags'] | [{ start, end, label }] } }`, UTF-16 offsets;
 * - Doccano's exports: `text` with `label`, `labels`, `entities` or `cats`;
 * - Prodigy's: `text` with `spans`, `label`, `accept`, and `answer`: the rejected and ignored are left out.
 *
 * Any other object by `labels: { head: 'field' }`.
 * @throws ERR_DATA with file and line.
 */
export function readJsonl(paths: string | readonly string[], options: JsonOptions = {}): AsyncIterable<Example> {
  const resolved = resolveJson(options)
  return fromFiles(paths, async function* (file) {
    for await (const { text, number } of linesOf(file)) {
      if (text.trim() === '') continue
      const fail = (reason: string) => broken(file, number, reason)
      let record: unknown
      try {
        record = JSON.parse(text)
      } catch (cause) {
        throw fail(`The line is not JSON (${(cause as Error).message}).`)
      }
      const example = exampleOfRecord(record, resolved, fail)
      if (example) yield example
    }
  })
}
