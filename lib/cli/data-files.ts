import { open, stat } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { refusal } from '../base/arguments'
import { SentorchError } from '../base/errors'
import { Dataset, type DataSource } from '../data/dataset'
import { readConll } from '../data/readers/conll'
import { readCsv, type CsvOptions } from '../data/readers/csv'
import { readJointBert } from '../data/readers/jointbert'
import { readJson, readJsonl } from '../data/readers/json'
import { readParquet, type ParquetOptions } from '../data/readers/parquet'
import { readRasa } from '../data/readers/rasa'
import { DATA_FORMATS, EXTENSIONS, type DataFormat } from './data-formats'

type Options = Readonly<Record<string, unknown>>

const READERS = {
  jsonl: (path, options) => readJsonl(path, options),
  json: (path, options) => readJson(path, options),
  csv: (path, options) => readCsv(path, withColumns(options)),
  tsv: (path, options) => readCsv(path, { delimiter: '\t', quote: false, ...withColumns(options) }),
  conll: (path, options) => readConll(path, options),
  rasa: (path, options) => readRasa(path, options),
  parquet: (path, options) => readParquet(path, withColumns(options)),
  jointbert: (path, options) => readJointBert(path, options),
} as const satisfies Record<DataFormat, (path: string, options: Options) => DataSource>

export interface DataFileOptions {
  /** Defaults to what the file's name says. */
  format?: DataFormat | undefined
  /** Options of the reader. */
  reader?: Options | undefined
  signal?: AbortSignal
}

/** Reads a file or folder of labelled examples. The data set has the name of the file. */
export async function openData(path: string, { format, reader = {}, signal }: DataFileOptions): Promise<Dataset> {
  const read = READERS[format ?? (await formatOf(path))]
  return Dataset.from(read(path, reader), { name: basename(path), signal })
}

/** ERR_INVALID_ARGUMENT if the name does not say the format, ERR_FILE if the file does not exist. */
async function formatOf(path: string): Promise<DataFormat> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'It does not exist.' : `${cause.message}.`
    throw new SentorchError('ERR_FILE', `Cannot read ${path}. ${reason}`, { cause, detail: { file: path } })
  })
  if (found.isDirectory()) {
    if (await stat(join(path, 'seq.in')).catch(() => undefined)) return 'jointbert'
    throw refusal(`${path} is a folder without a file seq.in. Name a file, or a folder in JointBERT's layout (seq.in, seq.out, label).`)
  }
  const format = EXTENSIONS[extname(path).toLowerCase()]
  if (format === undefined)
    throw refusal(`The format of ${path} is not known from its name. Set it with --format: ${DATA_FORMATS.join(', ')}.`)
  return format === 'json' && (await isRasa(path)) ? 'rasa' : format
}

/** Rasa's JSON is an object with this key at its start. */
async function isRasa(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(1024) })
    return buffer.toString('utf8', 0, bytesRead).includes('"rasa_nlu_data"')
  } finally {
    await file.close()
  }
}

/** Without a mapping, tables have the columns `text` and `label`. */
function withColumns(options: Options): CsvOptions & ParquetOptions {
  return { ...options, labels: (options['labels'] ?? { label: 'label' }) as CsvOptions['labels'] }
}
