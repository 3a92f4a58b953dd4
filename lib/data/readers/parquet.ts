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
import { broken, fromFiles, unreadable } from './source'
import type { UnusedFields } from './unused'
import { field, isFields } from './values'

export interface ParquetOptions extends ColumnMapping {
  /** For columns of entities. Defaults to UTF-16 units; code points for entities in Label Studio's notation. */
  offsets?: OffsetUnit
  /** Most bytes of the columns that are read, unpacked, in one row group, which is in memory as a whole. Integer of at least 1. Defaults to 256 MiB. */
  maxBytes?: number
}

/** Bytes of a row group, unpacked. */
const GROUP_BYTES = 256 * 2 ** 20

/**
 * Examples of Parquet files, one row each, columns by `text`, `words` and `labels`. A column is a string, a boolean, a list of
 * strings, or a list of `{ start, end, label }`. Whole numbers get names: those of `labels: { head: { column, names } }`, else those
 * that the `datasets` library wrote into the file; −1 then means that the row is not labelled. One row group is in memory at a time, up to `maxBytes`.
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
        `Its columns have ${bytes} bytes unpacked; at most ${maxBytes} (maxBytes) are read, as a row group is in memory as a whole. ` +
          'Write the file with smaller row groups (row_group_size in pyarrow), or raise maxBytes where memory allows it.',
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

/** Bytes of these columns in a row group, unpacked. */
function bytesOf(group: RowGroup, columns: ReadonlySet<string>): number {
  const metadata = group.columns.map(({ meta_data }) => meta_data)
  const wanted = metadata.filter((each) => columns.has(each?.path_in_schema[0] ?? ''))
  return wanted.reduce((sum, each) => sum + Number(each?.total_uncompressed_size ?? 0), 0)
}

/** The columns to read, each of which must be there. */
function columnsIn(mapping: ResolvedMapping, names: readonly string[], file: string): string[] {
  const columns = [...new Set(columnsOf(mapping, 'text').map(String))]
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
    return { ...source, names: source.names ?? namesIn(at(features, String(source.column))) }
  }
  return { ...mapping, labels: mapping.labels.map(([head, source]) => [head, named(source)]) }
}

/** The names of a ClassLabel, also of one in a list: `Sequence`, `List` and `LargeList` hold it under `feature`, the oldest form is a list of it. */
function namesIn(feature: unknown): string[] | undefined {
  const inner = Array.isArray(feature) ? (feature[0] as unknown) : at(feature, 'feature')
  return [feature, inner].map((each) => at(each, 'names')).find((names): names is string[] => Array.isArray(names))
}

function at(value: unknown, name: string): unknown {
  return isFields(value) ? field(value, name) : undefined
}

function unparsable(file: string, place: string | undefined, cause: unknown): SentorchError {
  const { code, message } = cause as { code?: string; message: string }
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return broken(file, place, 'A text is not UTF-8.', cause)
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
