import { booleanOf, integerIn, invalid, knownKeys, oneOf, stringOf } from '../../base/check'
import { keysOf, refusal, takeOptions } from '../../base/arguments'

/**
 * What the offsets of entities count: UTF-16 units (JavaScript, Java), code points (Python), graphemes (what a reader sees as one character)
 * or bytes of UTF-8 (Go, Rust). They differ after an emoji, graphemes also after a combining mark, bytes after any letter beyond ASCII.
 */
export const OFFSET_UNITS = ['utf16', 'codePoint', 'grapheme', 'byte'] as const
export type OffsetUnit = (typeof OFFSET_UNITS)[number]

/** Which heads are fed by formats that know a label of the sentence and entities in it, but no names of heads. */
export interface HeadNames {
  /** Head for the label of the sentence (intent, category). `false`: not read. Defaults to `intent`. */
  sentence?: string | false
  /** Head for the entities or tags. `false`: not read. Defaults to `slots`. */
  tokens?: string | false
}

/** A column by its name, or by its place from 0; negative places count from the end. */
export type Column = string | number

export interface LabelColumn {
  column: Column
  /** The cell is a list: pieces between these characters, trimmed, empty ones dropped. Several labels at once, or one tag a word. */
  separator?: string
  /** Labels of a column of whole numbers: number i stands for `names[i]`, −1 for no label. Without names a number is its own label: `'3'`. */
  names?: readonly string[]
  /** The cell is a string of JSON: Label Studio's CSV export. Defaults to false. */
  json?: boolean
  /** What places of entities count. `words`: `[first, last, label]` with the last word included, as GLiNER has them; needs `words`. Defaults to `characters`. */
  spans?: 'characters' | 'words'
  /** Names of the fields of an entity where they are others than `start`, `end` and `label`: `{ start: 'begin', label: 'type' }`. */
  fields?: SpanFields
}

export interface SpanFields {
  start?: string
  end?: string
  label?: string
}

export interface WordColumn {
  column: Column
  /** As for labels. Needed where the cell is one string. */
  separator?: string
}

/** Which columns or fields an example is made of. */
export interface ColumnMapping {
  /** Column of the sentence. Defaults to `text`, or to the first column where columns have no names; not read where only `words` is given. */
  text?: Column
  /** Column of the pre-split words. Unset: examples have none. */
  words?: Column | WordColumn
  /** Head → column. An empty or missing cell leaves the head out of the example; with `separator`, an empty cell is an empty list. */
  labels: Readonly<Record<string, Column | LabelColumn>>
}

/** The forms of a JSON record that are known without a mapping. */
export const JSON_SHAPES = ['auto', 'sentorch', 'doccano', 'prodigy', 'label-studio', 'spacy', 'gliner', 'setfit'] as const
export type JsonShape = (typeof JSON_SHAPES)[number]

export interface JsonOptions extends Partial<ColumnMapping> {
  /** The form of the records. Defaults to `auto`: seen by the fields of each record. Excludes `labels`. */
  shape?: JsonShape
  /** All forms but our own: the heads that get their labels. */
  heads?: HeadNames
  /** What the places of entities count. Defaults to what the tool writes: code points for Prodigy, Label Studio and spaCy, UTF-16 units for all others. */
  offsets?: OffsetUnit
  /** The tools' categories stay lists, for a multi-label head. Defaults to false: one category a record, more are refused. */
  multiLabel?: boolean
}

export interface JsonFileOptions extends JsonOptions {
  /** Where the file is an object of lists: which of them are read, in this order. */
  split?: string | readonly string[]
  /** Largest file, in bytes; it is in memory as a whole, several times over. Integer of at least 1. Defaults to 128 MiB. */
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
  /** Undefined: the default, which depends on whether columns have names. */
  text: Column | undefined
  words: ResolvedColumn | undefined
  labels: readonly (readonly [head: string, source: ResolvedColumn])[]
}

export interface ResolvedJson {
  /** Undefined: by `shape`. */
  mapping: ResolvedMapping | undefined
  shape: JsonShape
  heads: ResolvedHeads
  /** Undefined: as the tool writes them. */
  offsets: OffsetUnit | undefined
  multiLabel: boolean
}

export const MAPPING_KEYS = keysOf<ColumnMapping>({ text: 1, words: 1, labels: 1 })
const JSON_KEYS = [...MAPPING_KEYS, ...keysOf<Omit<JsonOptions, keyof ColumnMapping>>({ shape: 1, heads: 1, offsets: 1, multiLabel: 1 })]

export function resolveJson(options: JsonOptions): ResolvedJson {
  options = takeOptions('readJsonl', options, JSON_KEYS)
  return resolveJsonFields(options)
}

/** Bytes of a file that is read whole: parsed, JSON takes up to ten times as much, YAML a hundred. */
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
    throw refusal(`'text' and 'words' name fields together with 'labels', which is missing. Give 'labels' too, if only as {}.`)
  }
  if (labels !== undefined && (options.shape !== undefined || heads !== undefined)) {
    throw refusal(`'labels' names the fields of the records: 'shape' and 'heads' do not go with it.`)
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

/** `intent` and `slots` as in the data sets that most people begin with: SNIPS and ATIS. */
export function resolveHeads(heads: HeadNames = {}): ResolvedHeads {
  knownKeys('heads', heads, keysOf<HeadNames>({ sentence: 1, tokens: 1 }))
  const { sentence = 'intent', tokens = 'slots' } = heads
  const name = (key: string, value: unknown) => (value === false ? false : stringOf(`heads.${key}`, value))
  const resolved: ResolvedHeads = { sentence: name('sentence', sentence), tokens: name('tokens', tokens) }
  if (resolved.sentence !== false && resolved.sentence === resolved.tokens) {
    throw refusal(`heads.sentence and heads.tokens are both '${resolved.sentence}'. A head is fed by one of them.`)
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
  if (inWords !== undefined && words === undefined) throw refusal(`labels.${inWords} has places of words: give 'words' too.`)
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

/** A column without more to say of it. */
export function sourceAt(column: Column): ResolvedColumn {
  return { column, separator: undefined, names: undefined, json: false, spans: 'characters', fields: undefined }
}

function columnOf(name: string, value: unknown): Column {
  if (typeof value === 'string' && value !== '') return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw invalid(name, 'the name or the place of a column', value)
}

export function entriesOf<T>(labels: Readonly<Record<string, T>>): [string, T][] {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) throw invalid('labels', 'an object of head → column', labels)
  return Object.entries(labels)
}
