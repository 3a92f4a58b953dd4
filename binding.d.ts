/**
 * The native surface: the true type of `sentorch.node`. Requests are plain and resolved: nothing here has a default.
 * Every method that returns a promise rejects with an error whose `code` is one of `lib/errors.ts`; none throws after its arguments were read.
 */

/** Where one stored tensor's bytes lie. `file` is an index into the request's `files`; `offset` counts from the file's start, in bytes. */
export interface TensorSource {
  name: string
  file: number
  offset: number
  dtype: 'F32' | 'F16' | 'BF16'
  shape: number[]
}

/** y = x · weightᵀ + bias. weight: [out, in]; bias: [out]. */
export interface LinearSource {
  weight: TensorSource
  bias: TensorSource | null
}

/** LayerNorm. weight, bias: [hidden]. */
export interface NormSource {
  weight: TensorSource
  bias: TensorSource
}

/** One post-norm transformer layer. */
export interface LayerSource {
  query: LinearSource
  key: LinearSource
  value: LinearSource
  attentionOutput: LinearSource
  attentionNorm: NormSource
  intermediate: LinearSource
  output: LinearSource
  outputNorm: NormSource
}

export type HiddenActivation = 'gelu' | 'gelu_tanh' | 'relu' | 'silu' | 'tanh'
export type DenseActivation = 'identity' | 'tanh' | 'relu' | 'gelu' | 'gelu_tanh' | 'sigmoid' | 'silu'

export interface EncoderSource {
  hiddenSize: number
  heads: number
  intermediateSize: number
  layerNormEps: number
  activation: HiddenActivation
  /** −1: positions count from 0. Otherwise the padding id: positions count from it plus one, and a padding token stays at it. */
  positionPadding: number
  wordEmbeddings: TensorSource
  positionEmbeddings: TensorSource
  /** Row 0 is added to every token; null where the family has none. */
  tokenTypeEmbeddings: TensorSource | null
  embeddingNorm: NormSource
  layers: LayerSource[]
  /** MPNet: [buckets, heads], shared by the layers. */
  relativeAttentionBias: TensorSource | null
}

/** A Dense module of the pipeline: activation(x · weightᵀ + bias). */
export interface DenseSource {
  linear: LinearSource
  activation: DenseActivation
}

export interface LoadRequest {
  /** Absolute paths. Read, never mapped. */
  files: string[]
  encoder: EncoderSource
  dense: DenseSource[]
  dtype: 'float32' | 'bfloat16'
  /** 'cpu' or 'cuda:N'. */
  device: string
  /** Threads of one operation, at least 1. */
  threads: number
  /** 'auto' picks the widest that the CPU has; 'portable' is libtorch's own operations, as on other devices. */
  kernels: 'auto' | 'portable' | 'avx2' | 'avx512'
}

export interface LoadedModel {
  kernels: 'portable' | 'avx2' | 'avx512'
  /** Whether the products of the chosen dtype run on packed weights. */
  packed: boolean
  parameters: number
  parameterBytes: number
}

export type PoolingMode = 'cls' | 'max' | 'mean' | 'mean_sqrt_len_tokens' | 'weightedmean' | 'lasttoken'

/** A step after pooling: a Dense module by its index, or scaling to unit length. */
export type PostStep = number | 'normalize'

export interface EncodeRequest {
  /** Made by the caller, unique in the model; names the work for `abort`. */
  task: number
  /** Ragged rows: the tokens of row i are ids[offsets[i] … offsets[i+1]). Every row holds at least one token. */
  ids: Int32Array
  offsets: Int32Array
  /** The row's pooled vectors in this order, side by side. Empty: the token states themselves are the result. */
  pooling: PoolingMode[]
  /** Leading tokens that pooling does not see; cls then takes the first token behind them. */
  promptTokens: number
  steps: PostStep[]
  /** Keep the first so many dimensions after the steps; 0 keeps all. */
  truncateDim: number
  /** Scale to unit length at the very end. */
  normalizeLast: boolean
  /** Tokens of one micro-batch; a longer row runs alone. */
  batchTokens: number
}

export interface EncodeResult {
  /** [rows, dimension], or [tokens, hidden] where `pooling` is empty; float32, row-major, in the order of the request. */
  values: Float32Array
  dimension: number
  /** The first row that came out with a NaN or an infinity; −1: none. */
  nonFiniteRow: number
}

export declare class NativeModel {
  constructor()
  /** Once, before anything else. */
  load(request: LoadRequest): Promise<LoadedModel>
  encode(request: EncodeRequest): Promise<EncodeResult>
  /** Work of that number stops before its next layer and rejects with ERR_ABORTED. Unknown numbers are ignored. */
  abort(task: number): void
  /** Refuses new work, rejects what waits (ERR_DISPOSED), finishes or stops what runs, resolves when memory is back. Idempotent. */
  dispose(): Promise<void>
}

export interface OpenRequest {
  /** Absolute paths, in the order of opening. */
  libraries: string[]
  /** Absolute path of libsentorch_core. */
  core: string
}

export interface Library {
  /** The libtorch that the core was built for. */
  torchVersion: string
  cudaDevices: string[]
  /** The widest kernels that this CPU can run. */
  kernels: 'portable' | 'avx2' | 'avx512'
  /** Whether bfloat16 products have instructions of their own here. */
  fastBfloat16: boolean
}

/** What the CPU and the operating system offer; false throughout on other architectures. */
export interface CpuFeatures {
  avx2: boolean
  fma: boolean
  avx512: boolean
  avx512Bf16: boolean
  amxBf16: boolean
}

export interface Addon {
  Model: typeof NativeModel
  cpuFeatures(): CpuFeatures
  /** Opens libtorch, then the core, on a native thread; once per process, later calls share the first success. */
  open(request: OpenRequest): Promise<Library>
  /** Stops and joins every thread of this environment. Called when the process or the worker ends. */
  shutdown(): void
}
