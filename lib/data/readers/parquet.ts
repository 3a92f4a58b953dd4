import type { Compressors, FileMetaData, RowGroup } from 'hyparquet'
import { takeOptions } from '../../base/arguments'
import { invalid } from '../../base/check'
import type { SentorchError } from '../../base/errors'
import type { Example } from '../example'
import { columnsOf, exampleOf } from './mapping'
import {
  maxBytesOf,
  mappedColumns,
  MAPPING_KEYS,
  resolveMapping,
  unitOf,
  type Column,
  type ColumnMapping,
  type OffsetUnit,
  type ResolvedColumn,
  type ResolvedMapping,
} from './options'
import { broken, fromFiles, unreadable, type UnusedFields } from './source'
import { field, isFields } from './values'

export interface ParquetOptions extends ColumnMapping {
  /** Unit of offsets in columns of entities. Defaults to UTF-16 units, or to code points for entities in Label Studio's notation. */
  offsets?: OffsetUnit
  /** Maximum uncompressed bytes of the selected columns per row group, which is held in memory as a whole. Integer of at least 1. Defaults to 256 MiB. */
  maxBytes?: number
}

/** Default maximum of uncompressed bytes per row group. */
const GROUP_BYTES = 256 * 2 ** 20

/**
 * Reads examples from Parquet files, one per row, from the columns `text`, `words` and `labels`. A column is a string, a boolean, a list of
 * strings, or a list of `{ start, end, label }`. Integers are converted to names: those of `labels: { head: { column, names } }`, or those that
 * the `datasets` library wrote into the file; −1 means that the row has no label. One row group is in memory at a time, up to `maxBytes`.
 *
 * `readParquet('conll2003.parquet', { words: 'tokens', labels: { entities: 'ner_tags' } })`
 * @throws ERR_DATA with file and row, from 0.
 */
export function readParquet(paths: string | readonly string[], options: ParquetOptions): AsyncIterable<Example> {
  const resolved = resolveParquet(options)
  return fromFiles(paths, (file, unused) => examplesOf(file, resolved, unused))
}

async function* examplesOf(file: string, options: ResolvedParquet, unused: UnusedFields): AsyncGenerator<Example> {
  const { mapping: wanted, offsets, maxBytes } = options
  const { metadata, names, rowsOf } = await openParquet(file)
  const columns = columnsIn(wanted, names, file)
  const used = new Set(columns)
  const mapping = withNames(wanted, metadata)
  let number = 0
  for (const [i, group] of metadata.row_groups.entries()) {
    const bytes = bytesOf(group, used)
    if (bytes > maxBytes) {
      throw broken(
        file,
        `row group ${i}`,
        `The selected columns have ${bytes} uncompressed bytes; the limit is ${maxBytes} (maxBytes), since a row group is held in memory as a whole. ` +
          'Write the file with smaller row groups (row_group_size in pyarrow), or increase maxBytes if there is enough memory.',
      )
    }
    for (const values of await rowsOf(columns, number, number + Number(group.num_rows))) {
      const place = `row ${number++}`
      unused.note(names, used)
      const get = (column: Column) => field(values, String(column))
      yield exampleOf({ get, defaultText: 'text', fail: (reason, cause) => broken(file, place, reason, cause) }, mapping, offsets)
    }
  }
}

interface ParquetFile {
  metadata: FileMetaData
  /** The names of the columns. */
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

/** hyparquet-compressors 1.1.2 rejects an empty LZ4 block, which pyarrow writes for a dictionary without words. */
function withEmptyBlocks(compressors: Compressors): Compressors {
  const entries = Object.entries(compressors)
  return Object.fromEntries(
    entries.map(([codec, unpack]) => [
      codec,
      (input: Uint8Array, length: number) => (length === 0 ? new Uint8Array(0) : unpack(input, length)),
    ]),
  )
}

/** Uncompressed bytes of these columns in a row group. */
function bytesOf(group: RowGroup, columns: ReadonlySet<string>): number {
  const metadata = group.columns.map(({ meta_data }) => meta_data)
  const wanted = metadata.filter((each) => columns.has(each?.path_in_schema[0] ?? ''))
  return wanted.reduce((sum, each) => sum + Number(each?.total_uncompressed_size ?? 0), 0)
}

/** The columns to read. Throws if one of them does not exist. */
function columnsIn(mapping: ResolvedMapping, names: readonly string[], file: string): string[] {
  const columns = [...new Set(columnsOf(mapping, 'text').map(String))]
  const lacking = columns.find((column) => !names.includes(column))
  if (lacking !== undefined) throw broken(file, undefined, `The column '${lacking}' does not exist, only ${names.join(', ')}.`)
  return columns
}

/** The label names that the `datasets` library stores in the metadata, for columns without given names. */
function withNames(mapping: ResolvedMapping, metadata: FileMetaData): ResolvedMapping {
  const written = metadata.key_value_metadata?.find(({ key }) => key === 'huggingface')?.value
  if (written === undefined) return mapping
  let features: unknown
  try {
    features = at(at(JSON.parse(written), 'info'), 'features')
  } catch {
    return mapping // a field of the same name from another tool
  }
  const named = (source: ResolvedColumn): ResolvedColumn => {
    return { ...source, names: source.names ?? namesIn(at(features, String(source.column))) }
  }
  return { ...mapping, labels: mapping.labels.map(([head, source]) => [head, named(source)]) }
}

/** The names of a ClassLabel or of a list of them: `Sequence`, `List` and `LargeList` store it under `feature`; the oldest form is a list of it. */
function namesIn(feature: unknown): string[] | undefined {
  const inner = Array.isArray(feature) ? (feature[0] as unknown) : at(feature, 'feature')
  return [feature, inner].map((each) => at(each, 'names')).find((names): names is string[] => Array.isArray(names))
}

function at(value: unknown, name: string): unknown {
  return isFields(value) ? field(value, name) : undefined
}

function unparsable(file: string, place: string | undefined, cause: unknown): SentorchError {
  const { code, message } = cause as { code?: string; message: string }
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return broken(file, place, 'A text is not valid UTF-8.', cause)
  return broken(file, place, `It cannot be read as Parquet (${message}).`, cause)
}

export interface ResolvedParquet {
  mapping: ResolvedMapping
  offsets: OffsetUnit | undefined
  maxBytes: number
}

export function resolveParquet(options: ParquetOptions): ResolvedParquet {
  options = takeOptions('readParquet', options, [...MAPPING_KEYS, 'offsets', 'maxBytes'])
  const { offsets, maxBytes } = options
  const mapping = resolveMapping(options)
  const numbered = mappedColumns(mapping).find((column) => typeof column === 'number')
  if (numbered !== undefined) throw invalid('a column', 'its name, as every column of Parquet has one', numbered)
  return { mapping, offsets: unitOf(offsets), maxBytes: maxBytesOf(maxBytes, GROUP_BYTES) }
}
