import { describe } from '../../base/check'
import { type JsonShape, type ResolvedJson, sourceAt } from './options'
import type { Example, LabelValue } from '../example'
import { setLabel } from '../labels'
import {
  doccano,
  DOCCANO_FIELDS,
  gliner,
  GLINER_FIELDS,
  isDoccano,
  isGliner,
  isMarkedByProdigy,
  isProdigy,
  isSetfit,
  isSpacy,
  prodigy,
  PRODIGY_FIELDS,
  setfit,
  SETFIT_FIELDS,
  spacy,
} from './tool-formats'
import { isLabelStudio, labelStudio, type Controls } from './label-studio'
import { columnsOf, exampleOf } from './mapping'
import { field, isAccepted, isFields, labelValueIn, textIn, wordsIn, type Fields } from './values'
import type { Fail, UnusedFields } from './source'

/** What the reader of a file remembers between records. */
export interface FileContext {
  options: ResolvedJson
  unused: UnusedFields
  /** The controls of Label Studio's records in the file. */
  controls: Controls
}

/** The example of a JSON record, or undefined if its annotator rejected or skipped it. */
export function exampleOfRecord(record: unknown, { options, unused, controls }: FileContext, fail: Fail): Example | undefined {
  if (Array.isArray(record)) return exampleOfList(record, options, fail)
  if (!isFields(record)) throw fail(`Expected an object, received ${describe(record)}.`)
  const { mapping } = options
  if (isOfLabelStudio(record, options)) return labelStudio(record, options, controls, unused, fail)
  if (mapping) {
    const columns = new Set(columnsOf(mapping, 'text').map(String))
    const ofProdigy = isMarkedByProdigy(record)
    if (ofProdigy && !columns.has('answer') && !isAccepted(record, 'answer', fail)) return undefined
    unused.note(Object.keys(record), columns)
    return exampleOf({ get: getter(record), defaultText: 'text', fail }, mapping, options.offsets, ofProdigy ? 'codePoint' : 'utf16')
  }
  const shape = options.shape === 'auto' || options.shape === 'label-studio' ? shapeOf(record, fail) : options.shape
  const { read, fields } = SHAPES[shape]
  const example = read(record, options, fail)
  if (example) unused.note(Object.keys(record), fields)
  return example
}

/** Label Studio's records are handled separately with and without a mapping, since a mapping names fields of the task. */
export function isOfLabelStudio(record: unknown, { mapping, shape }: ResolvedJson): record is Fields {
  return isFields(record) && (shape === 'label-studio' || ((mapping !== undefined || shape === 'auto') && isLabelStudio(record)))
}

/** `[text, label]`, as in CLINC150, and spaCy's `[text, { entities }]`; other columns through the mapping. */
function exampleOfList(list: readonly unknown[], options: ResolvedJson, fail: Fail): Example {
  const { mapping, heads, offsets } = options
  if (mapping === undefined && isSpacy(list)) return spacy(list, options, fail)
  const labels = heads.sentence === false ? [] : ([[heads.sentence, sourceAt(1)]] as const)
  const get = (column: string | number) => (typeof column === 'number' ? list.at(column) : undefined)
  return exampleOf({ get, defaultText: 0, fail }, mapping ?? { text: 0, words: undefined, labels }, offsets)
}

function getter(record: Fields): (column: string | number) => unknown {
  return (column) => (typeof column === 'string' ? field(record, column) : undefined)
}

interface Shape {
  read: (record: Fields, options: ResolvedJson, fail: Fail) => Example | undefined
  /** The fields that the form reads. */
  fields: ReadonlySet<string>
}

type ShapeOfRecords = Exclude<JsonShape, 'auto' | 'label-studio'>

const SHAPES: Readonly<Record<ShapeOfRecords, Shape>> = {
  sentorch: { read: own, fields: new Set(['text', 'words', 'labels']) },
  doccano: { read: doccano, fields: DOCCANO_FIELDS },
  prodigy: { read: prodigy, fields: PRODIGY_FIELDS },
  gliner: { read: gliner, fields: GLINER_FIELDS },
  setfit: { read: setfit, fields: SETFIT_FIELDS },
  spacy: {
    read(record, _options, fail) {
      throw fail(`Expected spaCy's [text, { entities }], received an object (${Object.keys(record).join(', ')}).`)
    },
    fields: new Set(),
  },
}

/** Fields that a record without any label may have. */
const PLAIN_FIELDS = ['text', 'words', 'id', 'meta', 'labels']

function shapeOf(record: Fields, fail: Fail): ShapeOfRecords {
  if (isFields(field(record, 'labels'))) return 'sentorch'
  if (isProdigy(record)) return 'prodigy'
  if (isGliner(record)) return 'gliner'
  if (isSetfit(record)) return 'setfit'
  if (isDoccano(record)) return 'doccano'
  const others = Object.keys(record).filter((name) => !PLAIN_FIELDS.includes(name) && record[name] !== null)
  if (others.length === 0) return 'sentorch'
  throw fail(
    `No field contains labels in a known form (fields: ${Object.keys(record).join(', ')}). Name the fields with the option labels.`,
  )
}

function own(record: Fields, { offsets }: ResolvedJson, fail: Fail): Example {
  const given = field(record, 'words') ?? undefined
  const words = given === undefined ? undefined : wordsIn(given, 'words', fail)
  const text = words && field(record, 'text') == null ? words.join(' ') : textIn(field(record, 'text'), 'text', fail)
  const values = field(record, 'labels') ?? {}
  if (!isFields(values)) throw fail(`Expected an object of head → label in labels, received ${describe(values)}.`)
  const labels: Record<string, LabelValue> = {}
  for (const [head, value] of Object.entries(values)) {
    const label = labelValueIn(value, `labels.${head}`, { text, offsets, unit: 'utf16', fail })
    if (label !== undefined) setLabel(labels, head, label)
  }
  return words ? { text, words, labels } : { text, labels }
}
