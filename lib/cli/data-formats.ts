/** Formats of labelled data, by the name that `--format` takes. */
export const DATA_FORMATS = ['jsonl', 'json', 'csv', 'tsv', 'conll', 'rasa', 'parquet', 'jointbert'] as const
export type DataFormat = (typeof DATA_FORMATS)[number]

/** The formats that extensions imply. */
export const EXTENSIONS: Readonly<Record<string, DataFormat>> = {
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.json': 'json',
  '.csv': 'csv',
  '.tsv': 'tsv',
  '.tab': 'tsv',
  '.conll': 'conll',
  '.conllu': 'conll',
  '.iob': 'conll',
  '.bio': 'conll',
  '.yml': 'rasa',
  '.yaml': 'rasa',
  '.parquet': 'parquet',
}
