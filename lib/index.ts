export { Model } from './model'
export type { ModelInfo } from './info'
export type {
  DeviceOption,
  DTypeOption,
  EncodeOptions,
  EncodeProgress,
  HubOptions,
  LoadOptions,
  LoadProgress,
  PoolingName,
  StreamOptions,
} from './options'
export { Embeddings, type TokenEmbeddings } from './embeddings'
export { quantize, type Precision, type Ranges, type VectorOf } from './quantize'
export { similarity, Similarities, type SimilarityInput, type SimilarityName } from './similarity'
export { ERROR_CODES, isSentorchError, SentorchError, type ErrorCode } from './errors'
