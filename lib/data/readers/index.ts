export { readConll } from './conll'
export { readCsv } from './csv'
export { readJointBert } from './jointbert'
export { readJson } from './json'
export { readJsonl } from './jsonl'
export { readParquet } from './parquet'
export { readRasa } from './rasa'
export type {
  Column,
  ColumnMapping,
  ConllOptions,
  CsvOptions,
  HeadNames,
  JointBertOptions,
  JsonFileOptions,
  JsonOptions,
  JsonShape,
  LabelColumn,
  OffsetUnit,
  ParquetOptions,
  RasaOptions,
  SpanFields,
  WordColumn,
} from './options'
