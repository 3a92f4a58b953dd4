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

export interface CsvOptions extends ColumnMapping {
  /** One character between cells. Defaults to a tab for `.tsv` and `.tab`, to a comma for all other files. */
  delimiter?: string
  /** Character around cells that hold delimiters or line ends, doubled inside. `false`: quotes are letters. Defaults to `"`, with tabs to `false`. */
  quote?: string | false
  /** Whether the first record names the columns. Defaults to true. */
  header?: boolean
  /** For columns of entities in JSON. Defaults to UTF-16 units; code points for entities in Label Studio's notation. */
  offsets?: OffsetUnit
}

export interface ConllOptions {
  /** Column of the word. Defaults to 0, in CoNLL-U to 1 (FORM). */
  word?: number
  /** Head → column of its tags. Defaults to `{ slots: -1 }`, the last column; in CoNLL-U to `{ upos: 3 }`. */
  labels?: Readonly<Record<string, number>>
  /** What is between columns. Defaults to `auto`: tabs where the first line of words has one, else runs of spaces. */
  separator?: 'auto' | 'tab' | 'space'
  /**
   * Lines that begin with this are skipped; `false`: none. Unset: lines that begin with `#` in files whose first column numbers the words
   * (CoNLL-U); in other files with tabs, those that have no tab besides; in files with spaces none, as `# O` may well be a word and its tag.
   */
  comment?: string | false
}

export interface JointBertOptions {
  heads?: HeadNames
}

export interface RasaOptions {
  heads?: HeadNames
  /**
   * JSON: what `start` and `end` count. Defaults to the unit (UTF-16 or code points) in which the entities' `value`s are found in the text,
   * by example, else by the whole file, else code points, as Rasa itself counts.
   */
  offsets?: OffsetUnit
  /** Largest file, in bytes; it is in memory as a whole, several times over. Integer of at least 1. Defaults to 128 MiB for JSON, 16 MiB for YAML. */
  maxBytes?: number
}

export interface ParquetOptions extends ColumnMapping {
  /** For columns of entities. Defaults to UTF-16 units; code points for entities in Label Studio's notation. */
  offsets?: OffsetUnit
  /** Most bytes of the columns that are read, unpacked, in one row group, which is in memory as a whole. Integer of at least 1. Defaults to 256 MiB. */
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

const MAPPING_KEYS = keysOf<ColumnMapping>({ text: 1, words: 1, labels: 1 })
const JSON_KEYS = [...MAPPING_KEYS, ...keysOf<Omit<JsonOptions, keyof ColumnMapping>>({ shape: 1, heads: 1, offsets: 1, multiLabel: 1 })]

export function resolveJson(options: JsonOptions): ResolvedJson {
  options = takeOptions('readJsonl', options, JSON_KEYS)
  return resolveJsonFields(options)
}

/** Bytes of a file that is read whole: parsed, JSON takes up to ten times as much, YAML a hundred. */
const JSON_BYTES = 128 * 2 ** 20
const YAML_BYTES = 16 * 2 ** 20
/** Bytes of a row group, unpacked. */
const GROUP_BYTES = 256 * 2 ** 20

export function resolveJsonFile(options: JsonFileOptions): ResolvedJson & { split: readonly string[] | undefined; maxBytes: number } {
  options = takeOptions('readJson', options, [...JSON_KEYS, 'split', 'maxBytes'])
  const { split, maxBytes, ...rest } = options
  const splits = typeof split === 'string' ? [split] : split
  if (splits !== undefined && (!Array.isArray(splits) || splits.length === 0)) throw invalid('split', 'a name or a list of names', split)
  return {
    ...resolveJsonFields(rest),
    split: splits?.map((name, i) => stringOf(`split[${i}]`, name)),
    maxBytes: bytesOf(maxBytes, JSON_BYTES),
  }
}

function bytesOf(value: number | undefined, fallback: number): number {
  return value === undefined ? fallback : integerIn('maxBytes', value, 1, Number.MAX_SAFE_INTEGER)
}

function unitOf(offsets: OffsetUnit | undefined): OffsetUnit | undefined {
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

export interface ResolvedCsv {
  mapping: ResolvedMapping
  /** Undefined: by the name of each file. */
  delimiter: string | undefined
  /** Undefined: by the delimiter. */
  quote: string | false | undefined
  header: boolean
  offsets: OffsetUnit | undefined
}

export function resolveCsv(options: CsvOptions): ResolvedCsv {
  options = takeOptions('readCsv', options, [...MAPPING_KEYS, 'delimiter', 'quote', 'header', 'offsets'])
  const { delimiter, quote, header = true, offsets } = options
  if (delimiter !== undefined) oneCharacter('delimiter', delimiter)
  if (quote !== undefined && quote !== false) oneCharacter('quote', quote)
  const mapping = resolveMapping(options)
  if (!booleanOf('header', header)) {
    const named = columnsIn(mapping).find((column) => typeof column === 'string')
    if (named !== undefined) throw invalid('a column', 'its place from 0, as header: false leaves columns without names', named)
  }
  return { mapping, delimiter, quote, header, offsets: unitOf(offsets) }
}

function columnsIn({ text, words, labels }: ResolvedMapping): Column[] {
  return [text ?? [], words?.column ?? [], labels.map(([, source]) => source.column)].flat()
}

function oneCharacter(name: string, value: unknown): void {
  if (typeof value !== 'string' || value.length !== 1 || /[\r\n]/.test(value)) throw invalid(name, 'one character', value)
}

export type ConllLabels = readonly (readonly [head: string, column: number])[]

export interface ResolvedConll {
  /** Undefined, as `labels` too: by the form of each file. */
  word: number | undefined
  labels: ConllLabels | undefined
  separator: 'auto' | 'tab' | 'space'
  comment: string | false | undefined
}

export function resolveConll(options: ConllOptions): ResolvedConll {
  options = takeOptions('readConll', options, keysOf<ConllOptions>({ word: 1, labels: 1, separator: 1, comment: 1 }))
  const { word, labels, separator = 'auto', comment } = options
  if (comment !== undefined && comment !== false && stringOf('comment', comment) === '') throw invalid('comment', 'a prefix', comment)
  return {
    word: word === undefined ? undefined : placeOf('word', word),
    labels: labels === undefined ? undefined : entriesOf(labels).map(([head, column]) => [head, placeOf(`labels.${head}`, column)]),
    separator: oneOf('separator', separator, ['auto', 'tab', 'space'] as const),
    comment,
  }
}

export function resolveJointBert(options: JointBertOptions): ResolvedHeads {
  options = takeOptions('readJointBert', options, ['heads'])
  return resolveHeads(options.heads)
}

export interface ResolvedRasa {
  heads: ResolvedHeads
  offsets: OffsetUnit | undefined
  maxBytes: { json: number; yaml: number }
}

export function resolveRasa(options: RasaOptions): ResolvedRasa {
  options = takeOptions('readRasa', options, keysOf<RasaOptions>({ heads: 1, offsets: 1, maxBytes: 1 }))
  const { heads, offsets, maxBytes } = options
  return {
    heads: resolveHeads(heads),
    offsets: unitOf(offsets),
    maxBytes: { json: bytesOf(maxBytes, JSON_BYTES), yaml: bytesOf(maxBytes, YAML_BYTES) },
  }
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
  const numbered = columnsIn(mapping).find((column) => typeof column === 'number')
  if (numbered !== undefined) throw invalid('a column', 'its name, as every column of Parquet has one', numbered)
  return { mapping, offsets: unitOf(offsets), maxBytes: bytesOf(maxBytes, GROUP_BYTES) }
}

/** `intent` and `slots` as in the data sets that most people begin with: SNIPS and ATIS. */
function resolveHeads(heads: HeadNames = {}): ResolvedHeads {
  knownKeys('heads', heads, keysOf<HeadNames>({ sentence: 1, tokens: 1 }))
  const { sentence = 'intent', tokens = 'slots' } = heads
  const name = (key: string, value: unknown) => (value === false ? false : stringOf(`heads.${key}`, value))
  const resolved: ResolvedHeads = { sentence: name('sentence', sentence), tokens: name('tokens', tokens) }
  if (resolved.sentence !== false && resolved.sentence === resolved.tokens) {
    throw refusal(`heads.sentence and heads.tokens are both '${resolved.sentence}'. A head is fed by one of them.`)
  }
  return resolved
}

function resolveMapping({ text, words, labels }: ColumnMapping): ResolvedMapping {
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

function placeOf(name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw invalid(name, 'the place of a column, a whole number', value)
  return value
}

function entriesOf<T>(labels: Readonly<Record<string, T>>): [string, T][] {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) throw invalid('labels', 'an object of head → column', labels)
  return Object.entries(labels)
}
