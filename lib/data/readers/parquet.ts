import type { Compressors, FileMetaData } from 'hyparquet'
import {
  type Column,
  type OffsetChoice,
  type ParquetOptions,
  resolveParquet,
  type ResolvedColumn,
  type ResolvedMapping,
} from '../../options/readers'
import type { SentorchError } from '../../errors'
import type { Example } from '../example'
import { exampleOf } from './mapping'
import { broken, fromFiles, unreadable } from './source'
import { field, isFields } from './values'

/**
 * Examples of Parquet files, one row each, columns by `text`, `words` and `labels`. A column is a string, a boolean, a list of
 * strings, or a list of `{ start, end, label }`; whole numbers need names: those of `labels: { head: { column, names } }`, else those
 * that the `datasets` library wrote into the file. One row group is in memory at a time.
 *
 * `readParquet('conll2003.parquet', { words: 'tokens', labels: { entities: 'ner_tags' } })`
 * @throws ERR_DATA with file and row, from 0.
 */
export function readParquet(paths: string | readonly string[], options: ParquetOptions): AsyncIterable<Example> {
  const { mapping, offsets } = resolveParquet(options)
  return fromFiles(paths, (file) => examplesOf(file, mapping, offsets))
}

async function* examplesOf(file: string, wanted: ResolvedMapping, offsets: OffsetChoice): AsyncGenerator<Example> {
  const { metadata, names, rowsOf } = await openParquet(file)
  const columns = columnsOf(wanted, names, file)
  const mapping = withNames(wanted, metadata)
  let number = 0
  for (const group of metadata.row_groups) {
    for (const values of await rowsOf(columns, number, number + Number(group.num_rows))) {
      const place = `row ${number++}`
      const get = (column: Column) => field(values, String(column))
      yield exampleOf({ get, defaultText: 'text', fail: (reason) => broken(file, place, reason) }, mapping, offsets)
    }
  }
}

interface ParquetFile {
  metadata: FileMetaData
  /** Of the columns. */
  names: string[]
  rowsOf: (columns: string[], start: number, end: number) => Promise<Record<string, unknown>[]>
}

async function openParquet(file: string): Promise<ParquetFile> {
  const [hyparquet, packed] = await Promise.all([import('hyparquet'), import('hyparquet-compressors')])
  const compressors = withEmptyBlocks(packed.compressors)
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const parsers = { stringFromBytes: (bytes: Uint8Array | undefined) => bytes && utf8.decode(bytes) }
  const buffer = await hyparquet.asyncBufferFromFile(file).catch((cause: unknown) => {
    throw unreadable(file, cause)
  })
  const metadata = await hyparquet.parquetMetadataAsync(buffer).catch((cause: unknown) => {
    throw unparsable(file, undefined, cause)
  })
  return {
    metadata,
    names: hyparquet.parquetSchema(metadata).children.map(({ element }) => element.name),
    rowsOf: (columns, rowStart, rowEnd) =>
      hyparquet.parquetReadObjects({ file: buffer, metadata, columns, rowStart, rowEnd, compressors, parsers }).catch((cause: unknown) => {
        throw unparsable(file, `rows ${rowStart}–${rowEnd - 1}`, cause)
      }),
  }
}

/** hyparquet-compressors 1.1.2 refuses an empty LZ4 block, as pyarrow writes for a dictionary without words. */
function withEmptyBlocks(compressors: Compressors): Compressors {
  const entries = Object.entries(compressors)
  return Object.fromEntries(
    entries.map(([codec, unpack]) => [
      codec,
      (input: Uint8Array, length: number) => (length === 0 ? new Uint8Array(0) : unpack(input, length)),
    ]),
  )
}

/** The columns to read, each of which must be there. */
function columnsOf({ text, words, labels }: ResolvedMapping, names: readonly string[], file: string): string[] {
  const first = [text ?? (words ? [] : 'text'), words?.column ?? []].flat()
  const columns = [...new Set([...first, ...labels.map(([, source]) => source.column)].map(String))]
  const lacking = columns.find((column) => !names.includes(column))
  if (lacking !== undefined) throw broken(file, undefined, `There is no column '${lacking}' (there are: ${names.join(', ')}).`)
  return columns
}

/** The names of labels that the `datasets` library keeps in the metadata, for columns without names of their own. */
function withNames(mapping: ResolvedMapping, metadata: FileMetaData): ResolvedMapping {
  const written = metadata.key_value_metadata?.find(({ key }) => key === 'huggingface')?.value
  if (written === undefined) return mapping
  let features: unknown
  try {
    features = at(at(JSON.parse(written), 'info'), 'features')
  } catch {
    return mapping // another tool's field of the same name
  }
  const named = (source: ResolvedColumn): ResolvedColumn => {
    const feature = at(features, String(source.column))
    const names = [feature, at(feature, 'feature')].map((of) => at(of, 'names')).find((list) => Array.isArray(list))
    return { ...source, names: source.names ?? (names as string[] | undefined) }
  }
  return { ...mapping, labels: mapping.labels.map(([head, source]) => [head, named(source)]) }
}

function at(value: unknown, name: string): unknown {
  return isFields(value) ? field(value, name) : undefined
}

function unparsable(file: string, place: string | undefined, cause: unknown): SentorchError {
  const { code, message } = cause as { code?: string; message: string }
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return broken(file, place, 'A text is not UTF-8.', cause)
  return broken(file, place, `It cannot be read as Parquet (${message}).`, cause)
}
