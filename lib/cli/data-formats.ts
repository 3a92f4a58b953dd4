import { Option, type Command } from 'commander'
import { addFields } from './values'

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

/** Flags of commands that read labelled data. */
export interface DataFlags {
  format?: DataFormat
  reader?: Record<string, unknown>
}

export function addDataFlags(command: Command): Command {
  return command
    .addOption(new Option('--format <name>', 'format of the data (default: from the name of the file)').choices(DATA_FORMATS))
    .addOption(
      new Option('--reader <option=value>', 'options of the reader: text=sentence,labels.intent=class (columns), split=test').argParser(
        addFields,
      ),
    )
}
