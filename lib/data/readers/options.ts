import { booleanOf, integerIn, invalid, knownKeys, oneOf, stringOf } from '../../base/check'
import { keysOf, refusal, takeOptions } from '../../base/arguments'

/**
 * The unit of entity offsets: UTF-16 units (JavaScript, Java), code points (Python), graphemes (what a reader sees as one character)
 * or UTF-8 bytes (Go, Rust). They differ after an emoji; graphemes also after a combining mark, and bytes after any character beyond ASCII.
 */
export const OFFSET_UNITS = ['utf16', 'codePoint', 'grapheme', 'byte'] as const
export type OffsetUnit = (typeof OFFSET_UNITS)[number]

/** Names of the heads for formats that contain a sentence label and entities, but no head names. */
export interface HeadNames {
  /** Head for the label of the sentence (intent, category). `false`: do not read it. Defaults to `intent`. */
  sentence?: string | false
  /** Head for the entities or tags. `false`: do not read them. Defaults to `slots`. */
  tokens?: string | false
}

/** A column, by name or by index from 0; negative indices count from the end. */
export type Column = string | number

export interface LabelColumn {
  column: Column
  /** Separator of a list in the cell, such as several labels or one tag per word. Items are trimmed, and empty ones are dropped. */
  separator?: string
  /** Label names for a column of integers: number i stands for `names[i]`, −1 for no label. Without names, a number becomes a label: `'3'`. */
  names?: readonly string[]
  /** Whether the cell contains JSON, as in Label Studio's CSV export. Defaults to false. */
  json?: boolean
  /** Unit of entity positions. `words`: `[first, last, label]` with the last word inclusive, as in GLiNER's data; requires `words`. Defaults to `characters`. */
  spans?: 'characters' | 'words'
  /** Names of the fields of an entity if they differ from `start`, `end` and `label`: `{ start: 'begin', label: 'type' }`. */
  fields?: SpanFields
}

export interface SpanFields {
  start?: string
  end?: string
  label?: string
}

export interface WordColumn {
  column: Column
  /** As for labels. Required if the cell is a single string. */
  separator?: string
}

/** The columns or fields that make up an example. */
export interface ColumnMapping {
  /** Column of the text. Defaults to `text`, or to the first column if columns have no names; not read by default if `words` is given. */
  text?: Column
  /** Column of the pre-split words. By default, examples have no words. */
  words?: Column | WordColumn
  /** Head → column. If a cell is empty or missing, the example has no label for the head; with `separator`, an empty cell is an empty list. */
  labels: Readonly<Record<string, Column | LabelColumn>>
}

/** The forms of JSON records that are recognised without a mapping. */
const JSON_SHAPES = ['auto', 'sentorch', 'doccano', 'prodigy', 'label-studio', 'spacy', 'gliner', 'setfit'] as const
export type JsonShape = (typeof JSON_SHAPES)[number]

export interface JsonOptions extends Partial<ColumnMapping> {
  /** Form of the records. Defaults to `auto`: detected from the fields of each record. Cannot be combined with `labels`. */
  shape?: JsonShape
  /** For all forms except sentorch's own: the heads that receive the labels. */
  heads?: HeadNames
  /** Unit of entity offsets. Defaults to that of the tool: code points for Prodigy, Label Studio and spaCy, UTF-16 units for all others. */
  offsets?: OffsetUnit
  /** Whether categories are read as lists, for a multi-label head. Defaults to false: more than one category per record is an error. */
  multiLabel?: boolean
}

export interface JsonFileOptions extends JsonOptions {
  /** For a file that contains an object of lists: the names of the lists to read, in this order. */
  split?: string | readonly string[]
  /** Maximum size of the file in bytes; reading it takes several times as much memory. Integer of at least 1. Defaults to 128 MiB. */
  maxBytes?: number
}

export interface ResolvedHeads {
  sentence: string | false
  tokens: string | false
}

export interface ResolvedColumn {
  column: Column
  separator: string | undefined
  names: readonly string[] | undefined
  json: boolean
  spans: 'characters' | 'words'
  fields: SpanFields | undefined
}

export interface ResolvedMapping {
  /** If undefined, the default, which depends on whether columns have names. */
  text: Column | undefined
  words: ResolvedColumn | undefined
  labels: readonly (readonly [head: string, source: ResolvedColumn])[]
}

export interface ResolvedJson {
  /** If undefined, `shape` applies. */
  mapping: ResolvedMapping | undefined
  shape: JsonShape
  heads: ResolvedHeads
  /** If undefined, the unit of the tool. */
  offsets: OffsetUnit | undefined
  multiLabel: boolean
}

export const MAPPING_KEYS = keysOf<ColumnMapping>({ text: 1, words: 1, labels: 1 })
const JSON_KEYS = [...MAPPING_KEYS, ...keysOf<Omit<JsonOptions, keyof ColumnMapping>>({ shape: 1, heads: 1, offsets: 1, multiLabel: 1 })]

export function resolveJson(options: JsonOptions): ResolvedJson {
  options = takeOptions('readJsonl', options, JSON_KEYS)
  return resolveJsonFields(options)
}

/** Default maximum size of a file that is read as a whole: parsed, JSON takes up to ten times as much memory, YAML a hundred times. */
export const JSON_BYTES = 128 * 2 ** 20

export function resolveJsonFile(options: JsonFileOptions): ResolvedJson & { split: readonly string[] | undefined; maxBytes: number } {
  options = takeOptions('readJson', options, [...JSON_KEYS, 'split', 'maxBytes'])
  const { split, maxBytes, ...rest } = options
  const splits = typeof split === 'string' ? [split] : split
  if (splits !== undefined && (!Array.isArray(splits) || splits.length === 0)) throw invalid('split', 'a name or a list of names', split)
  return {
    ...resolveJsonFields(rest),
    split: splits?.map((name, i) => stringOf(`split[${i}]`, name)),
    maxBytes: maxBytesOf(maxBytes, JSON_BYTES),
  }
}

export function maxBytesOf(value: number | undefined, fallback: number): number {
  return value === undefined ? fallback : integerIn('maxBytes', value, 1, Number.MAX_SAFE_INTEGER)
}

export function unitOf(offsets: OffsetUnit | undefined): OffsetUnit | undefined {
  return offsets === undefined ? undefined : oneOf('offsets', offsets, OFFSET_UNITS)
}

function resolveJsonFields(options: JsonOptions): ResolvedJson {
  const { labels, shape = 'auto', heads, offsets, multiLabel = false } = options
  if (labels === undefined && (options.text !== undefined || options.words !== undefined)) {
    throw refusal(`'text' and 'words' require 'labels'. Pass 'labels' too, which may be {}.`)
  }
  if (labels !== undefined && (options.shape !== undefined || heads !== undefined)) {
    throw refusal(`'labels' names the fields of the records, so it cannot be combined with 'shape' or 'heads'.`)
  }
  return {
    mapping: labels === undefined ? undefined : resolveMapping({ text: options.text, words: options.words, labels }),
    shape: oneOf('shape', shape, JSON_SHAPES),
    heads: resolveHeads(heads),
    offsets: unitOf(offsets),
    multiLabel: booleanOf('multiLabel', multiLabel),
  }
}

export function mappedColumns({ text, words, labels }: ResolvedMapping): Column[] {
  return [text ?? [], words?.column ?? [], labels.map(([, source]) => source.column)].flat()
}

/** The defaults `intent` and `slots` follow the data sets SNIPS and ATIS. */
export function resolveHeads(heads: HeadNames = {}): ResolvedHeads {
  knownKeys('heads', heads, keysOf<HeadNames>({ sentence: 1, tokens: 1 }))
  const { sentence = 'intent', tokens = 'slots' } = heads
  const name = (key: string, value: unknown) => (value === false ? false : stringOf(`heads.${key}`, value))
  const resolved: ResolvedHeads = { sentence: name('sentence', sentence), tokens: name('tokens', tokens) }
  if (resolved.sentence !== false && resolved.sentence === resolved.tokens) {
    throw refusal(`heads.sentence and heads.tokens are both '${resolved.sentence}'. Use different names.`)
  }
  return resolved
}

export function resolveMapping({ text, words, labels }: ColumnMapping): ResolvedMapping {
  const mapping = {
    text: text === undefined ? undefined : columnOf('text', text),
    words: words === undefined ? undefined : sourceOf('words', words, ['column', 'separator']),
    labels: entriesOf(labels).map(([head, source]) => [head, sourceOf(`labels.${head}`, source, LABEL_KEYS)] as const),
  }
  const [inWords] = mapping.labels.find(([, { spans }]) => spans === 'words') ?? []
  if (inWords !== undefined && words === undefined) throw refusal(`labels.${inWords} contains word positions, which require 'words'.`)
  return mapping
}

const LABEL_KEYS = keysOf<LabelColumn>({ column: 1, separator: 1, names: 1, json: 1, spans: 1, fields: 1 })

function sourceOf(name: string, source: Column | LabelColumn, keys: readonly string[]): ResolvedColumn {
  if (typeof source !== 'object') return sourceAt(columnOf(name, source))
  knownKeys(name, source, keys)
  const { column, separator, names, json = false, spans = 'characters', fields } = source
  if (separator !== undefined && stringOf(`${name}.separator`, separator) === '') throw invalid(`${name}.separator`, 'characters', '')
  if (names !== undefined && (!Array.isArray(names) || names.some((label) => typeof label !== 'string'))) {
    throw invalid(`${name}.names`, 'a list of strings', names)
  }
  if (fields !== undefined) {
    knownKeys(`${name}.fields`, fields, keysOf<SpanFields>({ start: 1, end: 1, label: 1 }))
    for (const [key, field] of Object.entries(fields)) stringOf(`${name}.fields.${key}`, field)
  }
  return {
    column: columnOf(`${name}.column`, column),
    separator,
    names,
    json: booleanOf(`${name}.json`, json),
    spans: oneOf(`${name}.spans`, spans, ['characters', 'words'] as const),
    fields,
  }
}

/** A column with default settings. */
export function sourceAt(column: Column): ResolvedColumn {
  return { column, separator: undefined, names: undefined, json: false, spans: 'characters', fields: undefined }
}

function columnOf(name: string, value: unknown): Column {
  if (typeof value === 'string' && value !== '') return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw invalid(name, 'the name or the index of a column', value)
}

export function entriesOf<T>(labels: Readonly<Record<string, T>>): [string, T][] {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) throw invalid('labels', 'an object of head → column', labels)
  return Object.entries(labels)
}
