export { Model } from './api/model'
export type { ModelInfo } from './model/info'
export type { PredictOptions } from './predict/options'
export type { DeviceOption, DTypeOption, HubOptions, LoadOptions, LoadProgress } from './model/load-options'
export type { ModelProperties } from './format/properties'
export type { TruncatedText, Truncation } from './encode/truncation'
export type { DistillOptions, TaskOptions, Teacher } from './training/options/tasks'
export type { Freeze, Thaw, Unfreeze, UnfreezeTime } from './training/options/freezing'
export type { GroupRule } from './training/options/optimizer'
export type { NamePattern } from './training/parameters/patterns'
export type { ScheduleShape } from './training/plan/schedule'
export type { TrainerOptions } from './training/options/train'
export type { EarlyStopping, EvaluateOptions, FitOptions } from './training/options/fit'
export type { EncodeOptions, EncodeProgress, StreamOptions } from './encode/options'
export type { PoolingName } from './pooling/poolings'
export type { EpochOptions, SaveEvery } from './training/options/epoch'
export type { SaveOptions } from './model/save'
export { Embeddings, type LoadEmbeddingsOptions, type TokenEmbeddings } from './encode/embeddings'
export { search, type ModelSearchOptions, type SearchHit, type SearchOptions } from './encode/search'
export type { EmbeddingsSource } from './encode/source'
export { quantize, type Precision, type Ranges, type VectorOf } from './encode/quantize'
export { similarity, Similarities, type SimilarityInput } from './encode/similarity'
export { type SimilarityName } from './format/modules'
export type { Head, HeadDefinition, HeadType } from './heads/definition'
export type { HeadMetrics, HeadOutcome, SaveAs } from './heads/kind'
export type {
  Aggregation,
  ClassPrediction,
  PredictedEntity,
  PredictedToken,
  PredictedWord,
  Scored,
  TagPrediction,
} from './heads/predictions'
export type { Prediction, PredictInput, TokenIds } from './predict/types'
export { Dataset, type DataSource, type DatasetOptions, type SplitOptions } from './data/dataset'
export type { DescribeOptions, HeadSummary, Lengths, Problem, ProblemKind, Summary } from './data/describe'
export type { Example, LabelValue, Span } from './data/example'
export type { LabelKind } from './data/labels'
export type { UnusedField } from './data/readers/source'
export { readConll, type ConllOptions } from './data/readers/conll'
export { readCsv, type CsvOptions } from './data/readers/csv'
export { readJointBert, type JointBertOptions } from './data/readers/jointbert'
export { readJson, readJsonl } from './data/readers/json'
export { readParquet, type ParquetOptions } from './data/readers/parquet'
export { readRasa, type RasaOptions } from './data/readers/rasa'
export type {
  Column,
  ColumnMapping,
  HeadNames,
  JsonFileOptions,
  JsonOptions,
  JsonShape,
  LabelColumn,
  OffsetUnit,
  SpanFields,
  WordColumn,
} from './data/readers/options'
export {
  convertTags,
  countMalformed,
  entitiesOf,
  isAllowed,
  recogniseScheme,
  repairedEntities,
  schemeOfLabels,
  tagsOf,
  type Entity,
  type RecognisedScheme,
  type Scheme,
} from './tags/schemes'
/** Pure functions on labels and tags; no model is needed. */
export * as metrics from './metrics'
export { Trainer, type ParameterGroupInfo, type ResumeOptions } from './api/trainer'
export type { TrainingData } from './training/loop/corpus'
export type { CustomMetrics, Evaluation, Outcome } from './training/evaluation/outcomes'
export type { EpochRecord, EvaluationRecord, FitRecipe, FitResult } from './training/loop/history'
export { reportHtml } from './report/page'
export type { RunRecord } from './report/record'
export { writeReport } from './report/write'
export type { DataRecipe, RecipeOption } from './training/plan/recipe'
export type { EpochProgress } from './training/loop/progress'
export type { EpochReport, StepReport } from './training/loop/report'
export { ERROR_CODES, isSentorchError, SentorchError, type ErrorCode } from './base/errors'
