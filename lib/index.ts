export { Model } from './api/model'
export type { ModelInfo } from './model/info'
export type { Aggregation, PredictOptions } from './predict/options'
export type { DeviceOption, DTypeOption, HubOptions, LoadOptions, LoadProgress } from './model/load-options'
export type {
  DistillOptions,
  Freeze,
  GroupRule,
  NamePattern,
  ScheduleShape,
  TaskOptions,
  Teacher,
  Thaw,
  TrainerOptions,
  Unfreeze,
  UnfreezeTime,
} from './training/options/train'
export type { EarlyStopping, EvaluateOptions, FitOptions } from './training/options/fit'
export type { EncodeOptions, EncodeProgress, StreamOptions } from './encode/options'
export type { PoolingName } from './pooling/poolings'
export type { EpochOptions, SaveEvery } from './training/options/epoch'
export type { SaveAs, SaveOptions } from './model/save-options'
export { Embeddings, type TokenEmbeddings } from './encode/embeddings'
export { quantize, type Precision, type Ranges, type VectorOf } from './encode/quantize'
export { similarity, Similarities, type SimilarityInput } from './encode/similarity'
export { type SimilarityName } from './format/prompts'
export type { Head, HeadDefinition, HeadType } from './heads/definition'
export type {
  ClassPrediction,
  PredictedEntity,
  PredictedToken,
  PredictedWord,
  Prediction,
  PredictInput,
  Scored,
  TagPrediction,
  TokenIds,
} from './predict/types'
export * from './data'
export * from './data/readers'
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
export type { CustomMetrics, Evaluation, Outcome } from './training/evaluation/types'
export type { HeadOutcome } from './training/evaluation/outcomes'
export type { HeadMetrics } from './training/evaluation/scoring'
export type { EpochRecord, EvaluationRecord, FitResult } from './training/loop/history'
export type { EpochProgress } from './training/loop/progress'
export type { EpochReport, StepReport } from './training/loop/report'
export { ERROR_CODES, isSentorchError, SentorchError, type ErrorCode } from './base/errors'
