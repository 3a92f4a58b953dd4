import { booleanOf, invalid, knownKeys, oneOf, stringOf } from '../check'
import { keysOf, refusal } from './checks'

/** What the offsets of entities count: UTF-16 units as JavaScript does, or code points as Python does. They differ after an emoji. */
export const OFFSET_CHOICES = ['auto', 'utf16', 'code-points'] as const
export type OffsetChoice = (typeof OFFSET_CHOICES)[number]
export type OffsetUnit = Exclude<OffsetChoice, 'auto'>

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
  /** Labels of a column of whole numbers: number i stands for `names[i]`. */
  names?: readonly string[]
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
export const JSON_SHAPES = ['auto', 'sentorch', 'doccano', 'prodigy'] as const
export type JsonShape = (typeof JSON_SHAPES)[number]

export interface JsonOptions extends Partial<ColumnMapping> {
  /** The form of the records. Defaults to `auto`: seen by the fields of each record. Excludes `labels`. */
  shape?: JsonShape
  /** Doccano and Prodigy: the heads that get their labels. */
  heads?: HeadNames
  /** Defaults to `auto`: what the text of the entities shows where it is given; else code points for Prodigy, UTF-16 for all others. */
  offsets?: OffsetChoice
  /** Doccano's and Prodigy's categories stay lists, for a multi-label head. Defaults to false: one category a record, more are refused. */
  multiLabel?: boolean
}

export interface JsonFileOptions extends JsonOptions {
  /** Where the file is an object of lists: which of them are read, in this order. */
  split?: string | readonly string[]
}

export interface CsvOptions extends ColumnMapping {
  /** One character between cells. Defaults to a tab for `.tsv` and `.tab`, to a comma for all other files. */
  delimiter?: string
  /** Character around cells that hold delimiters or line ends, doubled inside. `false`: quotes are letters. Defaults to `"`, with tabs to `false`. */
  quote?: string | false
  /** Whether the first record names the columns. Defaults to true. */
  header?: boolean
}

export interface ConllOptions {
  /** Column of the word. Defaults to 0. */
  word?: number
  /** Head → column of its tags. Defaults to `{ slots: -1 }`, the last column. */
  labels?: Readonly<Record<string, number>>
  /** What is between columns. Defaults to `auto`: tabs where the first line of words has one, else runs of spaces. */
  separator?: 'auto' | 'tab' | 'space'
  /**
   * Lines that begin with this are skipped; `false`: none. Unset: in files with tabs, lines that begin with `#` and have no tab
   * (CoNLL-U); in files with spaces none, as `# O` may well be a word and its tag.
   */
  comment?: string | false
}

export interface JointBertOptions {
  heads?: HeadNames
}

export interface RasaOptions {
  heads?: HeadNames
  /**
   * JSON: what `start` and `end` count. Defaults to `auto`: the unit in which the entities' `value`s are found in the text, by example,
   * else by the whole file, else code points, as Rasa itself counts.
   */
  offsets?: OffsetChoice
}

export interface ParquetOptions extends ColumnMapping {
  /** For columns of entities, lists of `{ start, end, label }`. Defaults to `auto`, which is UTF-16 unless that is impossible. */
  offsets?: OffsetChoice
}

export interface ResolvedHeads {
  sentence: string | false
  tokens: string | false
}

export interface ResolvedColumn {
  column: Column
  separator: string | undefined
  names: readonly string[] | undefined
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
  offsets: OffsetChoice
  multiLabel: boolean
}

const MAPPING_KEYS = keysOf<ColumnMapping>({ text: 1, words: 1, labels: 1 })
const JSON_KEYS = [...MAPPING_KEYS, ...keysOf<Omit<JsonOptions, keyof ColumnMapping>>({ shape: 1, heads: 1, offsets: 1, multiLabel: 1 })]

export function resolveJson(options: JsonOptions): ResolvedJson {
  knownKeys('readJsonl', options, JSON_KEYS)
  return resolveJsonFields(options)
}

export function resolveJsonFile(options: JsonFileOptions): ResolvedJson & { split: readonly string[] | undefined } {
  knownKeys('readJson', options, [...JSON_KEYS, 'split'])
  const { split, ...rest } = options
  const splits = typeof split === 'string' ? [split] : split
  if (splits !== undefined && (!Array.isArray(splits) || splits.length === 0)) throw invalid('split', 'a name or a list of names', split)
  return { ...resolveJsonFields(rest), split: splits?.map((name, i) => stringOf(`split[${i}]`, name)) }
}

function resolveJsonFields(options: JsonOptions): ResolvedJson {
  const { labels, shape = 'auto', heads, offsets = 'auto', multiLabel = false } = options
  if (labels === undefined && (options.text !== undefined || options.words !== undefined)) {
    throw refusal(`'text' and 'words' name fields beside 'labels', which is missing. Give 'labels' too, if only as {}.`)
  }
  if (labels !== undefined && (options.shape !== undefined || heads !== undefined)) {
    throw refusal(`'labels' names the fields of the records: 'shape' and 'heads' do not go with it.`)
  }
  return {
    mapping: labels === undefined ? undefined : resolveMapping({ text: options.text, words: options.words, labels }),
    shape: oneOf('shape', shape, JSON_SHAPES),
    heads: resolveHeads(heads),
    offsets: oneOf('offsets', offsets, OFFSET_CHOICES),
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
}

export function resolveCsv(options: CsvOptions): ResolvedCsv {
  knownKeys('readCsv', options, [...MAPPING_KEYS, 'delimiter', 'quote', 'header'])
  const { delimiter, quote, header = true } = options
  if (delimiter !== undefined) oneCharacter('delimiter', delimiter)
  if (quote !== undefined && quote !== false) oneCharacter('quote', quote)
  const mapping = resolveMapping(options)
  if (!booleanOf('header', header)) {
    const named = columnsIn(mapping).find((column) => typeof column === 'string')
    if (named !== undefined) throw invalid('a column', 'its place from 0, as header: false leaves columns without names', named)
  }
  return { mapping, delimiter, quote, header }
}

function columnsIn({ text, words, labels }: ResolvedMapping): Column[] {
  return [text ?? [], words?.column ?? [], labels.map(([, source]) => source.column)].flat()
}

function oneCharacter(name: string, value: unknown): void {
  if (typeof value !== 'string' || value.length !== 1 || /[\r\n]/.test(value)) throw invalid(name, 'one character', value)
}

export interface ResolvedConll {
  word: number
  labels: readonly (readonly [head: string, column: number])[]
  separator: 'auto' | 'tab' | 'space'
  comment: string | false | undefined
}

export function resolveConll(options: ConllOptions): ResolvedConll {
  knownKeys('readConll', options, keysOf<ConllOptions>({ word: 1, labels: 1, separator: 1, comment: 1 }))
  const { word = 0, labels = { slots: -1 }, separator = 'auto', comment } = options
  if (comment !== undefined && comment !== false && stringOf('comment', comment) === '') throw invalid('comment', 'a prefix', comment)
  return {
    word: placeOf('word', word),
    labels: entriesOf(labels).map(([head, column]) => [head, placeOf(`labels.${head}`, column)]),
    separator: oneOf('separator', separator, ['auto', 'tab', 'space'] as const),
    comment,
  }
}

export function resolveJointBert(options: JointBertOptions): ResolvedHeads {
  knownKeys('readJointBert', options, ['heads'])
  return resolveHeads(options.heads)
}

export function resolveRasa(options: RasaOptions): { heads: ResolvedHeads; offsets: OffsetChoice } {
  knownKeys('readRasa', options, keysOf<RasaOptions>({ heads: 1, offsets: 1 }))
  const { offsets = 'auto' } = options
  return { heads: resolveHeads(options.heads), offsets: oneOf('offsets', offsets, OFFSET_CHOICES) }
}

export function resolveParquet(options: ParquetOptions): { mapping: ResolvedMapping; offsets: OffsetChoice } {
  knownKeys('readParquet', options, [...MAPPING_KEYS, 'offsets'])
  const { offsets = 'auto' } = options
  const mapping = resolveMapping(options)
  const numbered = columnsIn(mapping).find((column) => typeof column === 'number')
  if (numbered !== undefined) throw invalid('a column', 'its name, as every column of Parquet has one', numbered)
  return { mapping, offsets: oneOf('offsets', offsets, OFFSET_CHOICES) }
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
  return {
    text: text === undefined ? undefined : columnOf('text', text),
    words: words === undefined ? undefined : sourceOf('words', words, ['column', 'separator']),
    labels: entriesOf(labels).map(([head, source]) => [head, sourceOf(`labels.${head}`, source, ['column', 'separator', 'names'])]),
  }
}

function sourceOf(name: string, source: Column | LabelColumn, keys: readonly string[]): ResolvedColumn {
  if (typeof source !== 'object') return { column: columnOf(name, source), separator: undefined, names: undefined }
  knownKeys(name, source, keys)
  const { column, separator, names } = source
  if (separator !== undefined && stringOf(`${name}.separator`, separator) === '') throw invalid(`${name}.separator`, 'characters', '')
  if (names !== undefined && (!Array.isArray(names) || names.some((label) => typeof label !== 'string'))) {
    throw invalid(`${name}.names`, 'a list of strings', names)
  }
  return { column: columnOf(`${name}.column`, column), separator, names }
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
