export { Model } from './model'
export type { ModelInfo } from './info'
export type {
  Aggregation,
  DeviceOption,
  DistillOptions,
  DTypeOption,
  EarlyStopping,
  EncodeOptions,
  EncodeProgress,
  EpochOptions,
  EvaluateOptions,
  FitOptions,
  Freeze,
  GroupRule,
  HubOptions,
  LoadOptions,
  LoadProgress,
  NamePattern,
  PoolingName,
  PredictOptions,
  SaveAs,
  SaveEvery,
  SaveOptions,
  ScheduleShape,
  StreamOptions,
  TaskOptions,
  Teacher,
  Thaw,
  TrainerOptions,
  Unfreeze,
  UnfreezeTime,
} from './options'
export { Embeddings, type TokenEmbeddings } from './embeddings'
export { quantize, type Precision, type Ranges, type VectorOf } from './quantize'
export { similarity, Similarities, type SimilarityInput, type SimilarityName } from './similarity'
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
} from './data/schemes'
/** Pure functions on labels and tags; no model is needed. */
export * as metrics from './metrics'
export { Trainer, type ParameterGroupInfo, type ResumeOptions } from './trainer'
export type { TrainingData } from './training/corpus'
export type { CustomMetrics, Evaluation, Outcome } from './training/evaluate'
export type { HeadOutcome } from './training/outcomes'
export type { HeadMetrics } from './training/scoring'
export type { EpochRecord, EvaluationRecord, FitResult } from './training/history'
export type { EpochProgress } from './training/progress'
export type { EpochReport, StepReport } from './training/report'
export { ERROR_CODES, isSentorchError, SentorchError, type ErrorCode } from './errors'
