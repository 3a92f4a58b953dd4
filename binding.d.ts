/**
 * The native interface: the types of `sentorch.node`. Requests are plain, resolved objects: no field has a default.
 * A method that returns a promise does not throw; it rejects with an error whose `code` is one of those in `lib/base/errors.ts`.
 * A request with a wrong type, size or sign is refused with ERR_INTERNAL.
 */

/** The location of a stored tensor. `file` is an index into `files` of the request; `offset` is in bytes, from the beginning of the file. */
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
  /** −1: positions count from 0. Otherwise the padding id: positions count from the next number, and a padding token has the padding id as its position. */
  positionPadding: number
  /** The id whose word embedding is not trained, like `padding_idx` of PyTorch; −1: none. `positionPadding` does the same for positions. */
  wordPadding: number
  wordEmbeddings: TensorSource
  positionEmbeddings: TensorSource
  /** Row 0 is added to every token; null if the family does not have it. */
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
  /** Absolute paths. The files are read, not mapped. */
  files: string[]
  encoder: EncoderSource
  dense: DenseSource[]
  dtype: 'float32' | 'bfloat16'
  /** 'cpu' or 'cuda:N'. */
  device: string
  /** The number of threads of one operation, at least 1. */
  threads: number
  /** 'auto' selects the widest kernels that the CPU supports; 'portable' uses operations of libtorch, as on other devices. */
  kernels: 'auto' | 'portable' | 'avx2' | 'avx512'
}

export interface LoadResult {
  kernels: 'portable' | 'avx2' | 'avx512'
  /** Whether products use packed weights. */
  packed: boolean
  parameters: number
  parameterBytes: number
  /** The fingerprint of the weights: see `weights()`. */
  weights: string
}

export type PoolingMode = 'cls' | 'max' | 'mean' | 'mean_sqrt_len_tokens' | 'weightedmean' | 'lasttoken'

/** A step after pooling: a Dense module by its index, or scaling to unit length. */
export type PostStep = number | 'normalize'

export interface EncodeRequest {
  /** A number that the caller chooses, unique in the model; `abort` takes it. */
  task: number
  /** Ragged rows: the tokens of row i are ids[offsets[i] … offsets[i+1]). Every row holds at least one token. */
  ids: Int32Array
  offsets: Int32Array
  /** The pooled vectors of a row are concatenated in this order. Empty: the result is the token states. */
  pooling: PoolingMode[]
  /** The number of leading tokens that are not pooled; cls then takes the first token after them. */
  promptTokens: number
  steps: PostStep[]
  /** The number of dimensions to keep after the steps; 0: all. */
  truncateDim: number
  /** Whether vectors are scaled to unit length at the end. */
  normalizeLast: boolean
  /** Maximum number of tokens in a micro-batch; a longer row is a micro-batch of its own. */
  batchTokens: number
}

/** Pooled vectors, to which the steps after the pooling are applied. */
export interface FinishRequest extends Pick<
  EncodeRequest,
  'task' | 'pooling' | 'promptTokens' | 'steps' | 'truncateDim' | 'normalizeLast'
> {
  /** [rows, poolings · hidden], row-major. */
  vectors: Float32Array
}

export interface EncodeResult {
  /** [rows, dimension], or [tokens, hidden] if `pooling` is empty; float32, row-major, in the order of the request. */
  values: Float32Array
  dimension: number
  /** The first row that contains a NaN or an infinity; −1: none. */
  nonFiniteRow: number
  /** The fingerprint of the weights that computed the values. */
  weights: string
}

export type HeadActivation = 'relu' | 'gelu' | 'tanh'

/** A head: logits = last · activation(… activation(first · x)). Its parameters are named `heads.<head>.<layer>.weight|bias`, layers count from 0. */
export interface HeadSource {
  name: string
  type: 'classification' | 'token-classification'
  /** The number of outputs of each layer; the last is the number of logits. */
  sizes: number[]
  activation: HeadActivation
  /** Classification: the pooling whose result, after `steps`, is the input of the head. Empty for token classification. */
  pooling: PoolingMode[]
  /** The steps after `pooling`: Dense modules of the model, and scaling, in order. */
  steps: PostStep[]
  /** The dimension of the input. */
  inputs: number
  /** The stored parameters of the layers; null: initialised like PyTorch's Linear after `torch.manual_seed(seed)`, layer by layer, weight then bias. */
  layers: LinearSource[] | null
  /** The files of the tensors in `layers`. */
  files: string[]
  seed: number
}

export interface PredictRequest {
  task: number
  ids: Int32Array
  offsets: Int32Array
  batchTokens: number
  /** The names of the heads, in the order of the result. */
  heads: string[]
  /** The sentence vectors to return in addition to the logits; null: none. */
  embedding: Pick<EncodeRequest, 'pooling' | 'promptTokens' | 'steps' | 'truncateDim' | 'normalizeLast'> | null
}

export interface PredictResult {
  /** Per head: [rows, logits] or, for token classification, [tokens, logits]; float32, row-major, in the order of the request. */
  logits: Float32Array[]
  /** [rows, dimension]; null if it was not requested. */
  embedding: EncodeResult | null
  /** The first row with a NaN or an infinity anywhere; −1: none. */
  nonFiniteRow: number
}

/** Trains a head on labels. */
export interface HeadObjective {
  type: 'head'
  head: string
  /** 'bce': each logit separately, with labels 0 or 1. */
  loss: 'cross-entropy' | 'bce'
  /** The factor of this loss in the total. */
  weight: number
  labelSmoothing: number
  /** One per label: `weight` of PyTorch for cross-entropy, `pos_weight` for bce. */
  classWeights: Float32Array | null
  inputDropout: number
  /** After each hidden activation. */
  dropout: number
}

/** Trains the sentence vector to match given vectors. */
export interface VectorObjective {
  type: 'vectors'
  /** The name of its uncertainty parameter, which no head can have. */
  name: string
  pooling: PoolingMode[]
  steps: PostStep[]
  /** 'mse': mean over all numbers; 'cosine': mean of 1 − cosine over the rows. */
  loss: 'mse' | 'cosine'
  weight: number
}

export type Objective = HeadObjective | VectorObjective

export interface TrainingRequest {
  /** The float32 parameters are read from these files, unless the model was trained before: then training continues with its own. */
  files: string[]
  encoder: EncoderSource
  dense: DenseSource[]
  /** Dropout of the encoder: after the embeddings and after the second product of each feed-forward layer. */
  hiddenDropout: number
  /** Dropout of the attention weights. */
  attentionDropout: number
  /** Dropout after the product that follows attention. */
  attentionOutputDropout: number
  /** 'bfloat16': products are computed in bfloat16, everything else in float32; the parameters are float32. */
  dtype: 'float32' | 'bfloat16'
  seed: number
  gradientCheckpointing: boolean
  optimizer: { type: 'adamw' | 'adam'; beta1: number; beta2: number; eps: number }
  /** Maximum norm of all gradients together, except those of groups with `clip: false`; 0: gradients are not clipped. */
  maxGradNorm: number
  /** Losses are reported in this order. */
  objectives: Objective[]
  /** Σ ½·e^(−s)·loss + ½·s over the objectives; s are parameters named `uncertainty.<head>` or `uncertainty.<name>`. */
  uncertainty: boolean
  /** Maximum size, in bytes, of the token states that are kept if the whole encoder is frozen. */
  cacheBytes: number
}

export interface ParameterInfo {
  /** The name in AutoModel (`name` of the TensorSource), `dense.<i>.…`, `heads.<head>.…` or `uncertainty.…`. */
  name: string
  shape: number[]
  part: 'embeddings' | 'layer' | 'relative-bias' | 'dense' | 'head' | 'uncertainty'
  /** The index of the layer (0 is the lowest) or of the Dense module, or −1. */
  index: number
  /** The name of the head; '' for other parameters. */
  head: string
}

export interface TrainingInfo {
  parameters: ParameterInfo[]
}

/** Parameters by their index in TrainingInfo. Parameters that are not in a group are frozen. */
export interface GroupSource {
  parameters: number[]
  learningRate: number
  weightDecay: number
  clip: boolean
}

/** All data sets of a run, one after the other. Replaces the previous corpus. */
export interface CorpusRequest {
  ids: Int32Array
  offsets: Int32Array
  /**
   * One array per objective. For a head: labels, [rows] for classification (bce: [rows, logits], 0 or 1), [tokens] for token classification; −100
   * means that there is no label. For vectors: [rows, dimension]; a row that begins with NaN has no target.
   */
  targets: (Int32Array | Float32Array)[]
}

/** Steps to run: step i has the micro-batches steps[i] … steps[i+1], micro-batch j the rows order[batches[j] … batches[j+1]). */
export interface TrainRequest {
  task: number
  order: Int32Array
  batches: Int32Array
  steps: Int32Array
  /** Factors of the learning rates of the groups, one per step, in order; at least as many as steps. */
  multipliers: Float64Array
  /** Factor of each objective in the total, in place of its `weight`; null: these are used. */
  weights: Float64Array | null
  /** The number of the first step, counted from the beginning of training; dropout depends on it and on the seed. */
  firstStep: number
  /** Stop after this time, or earlier if other work waits; at least one step is run. */
  milliseconds: number
  /** False: gradients are computed and kept, and parameters do not change. */
  apply: boolean
}

/** The arrays have an entry per step that was run. If a step was not applied, it is the last one. */
export interface TrainResult {
  /** The number of steps that were run. */
  steps: number
  /** Whether the last of these steps was not applied, because a loss, a gradient or an updated weight was not finite. */
  skipped: boolean
  /** The weighted total loss of each step. */
  loss: Float64Array
  /** [steps, objectives]: mean loss; 0 if nothing was labelled. */
  losses: Float64Array
  /** [steps, objectives]: labelled items (class weights not counted). */
  items: Float64Array
  /** [steps, objectives]: items whose highest logit (bce: sign) is correct; 0 for vectors. */
  correct: Float64Array
  /** The norm of each step before clipping. */
  gradientNorm: Float64Array
  /** s of each objective after the last step; empty without `uncertainty`. */
  uncertainty: Float64Array
  examples: number
  tokens: number
}

/**
 * The numbers of a parameter. `exp_avg` and `exp_avg_sq` belong to the optimizer, and are zeros before its first step. `kept` is the copy that
 * `keep` made of the value; only parameters that were kept have it.
 */
export type ParameterValue = 'value' | 'gradient' | 'exp_avg' | 'exp_avg_sq' | 'kept'

/** A part of a safetensors file: a parameter of the model, or stored bytes that are copied unchanged. */
export type WriteSource = { value: ParameterValue; parameter: string } | { file: string; offset: number; bytes: number }

export interface WriteRequest {
  /** Must not exist yet. The file is flushed to the disk (fsync) and closed before the promise resolves. */
  path: string
  /** The length and the JSON header of the safetensors file, which are written first. */
  header: Uint8Array
  /** Parameters are written as float32. */
  parts: WriteSource[]
}

/** Sets optimizer state, values and kept copies. */
export interface RestoreRequest {
  files: string[]
  parameters: { parameter: string; value: Exclude<ParameterValue, 'gradient'>; source: TensorSource }[]
  /** The number of updates so far (`step` of PyTorch), per parameter in TrainingInfo. */
  steps: Int32Array
}

export declare class NativeModel {
  constructor()
  /** Must be called once, before all other methods. */
  load(request: LoadRequest): Promise<LoadResult>
  encode(request: EncodeRequest): Promise<EncodeResult>
  /** The fingerprint of the current parameters of the encoder and its Dense modules: 32 hexadecimal digits. Computed anew only if they have changed. */
  weights(): Promise<string>
  finish(request: FinishRequest): Promise<EncodeResult>

  /** Names are unique. Closes the trainer, if there is one. */
  addHead(request: HeadSource): Promise<void>
  removeHead(name: string): Promise<void>
  /** Adds `count` logits; the existing ones keep their weights, the new ones are initialised from the seed. */
  extendHead(name: string, count: number, seed: number): Promise<void>
  predict(request: PredictRequest): Promise<PredictResult>

  /** Opens the trainer of the model; a previous one is closed. */
  startTraining(request: TrainingRequest): Promise<TrainingInfo>
  setGroups(groups: GroupSource[]): Promise<void>
  setCorpus(request: CorpusRequest): Promise<void>
  train(request: TrainRequest): Promise<TrainResult>
  /** Frees optimizer state, gradients and corpus; the weights do not change. Idempotent. */
  endTraining(): Promise<void>
  /** The number of updates so far (`step` of PyTorch), per parameter in TrainingInfo. */
  optimizerSteps(): Promise<Int32Array>
  restore(request: RestoreRequest): Promise<void>
  /** Copies the values of these parameters (by their index in TrainingInfo), and drops earlier copies of all others. */
  keep(parameters: Int32Array): Promise<void>
  /** Sets every parameter that was kept to its copy, all at once, and drops the copies. */
  revert(): Promise<void>

  /** The values of parameters in float32. 'value' exists for heads and, after a trainer was opened, for all parameters; the others need an open trainer. */
  read(value: ParameterValue, parameters: string[]): Promise<Float32Array[]>
  /** Rejects with ERR_NON_FINITE if a parameter contains a NaN or an infinity; then the file is removed. */
  write(request: WriteRequest): Promise<void>
  /**
   * Work with this number stops before its next layer and rejects with ERR_ABORTED; `train` resolves with the steps that were applied, if there are
   * any. Unknown numbers are ignored.
   */
  abort(task: number): void
  /** Refuses new work, rejects waiting work (ERR_DISPOSED), stops running work, and resolves when the memory is freed. Idempotent. */
  dispose(): Promise<void>
}

export interface OpenRequest {
  /** Absolute paths, in the order in which they are opened. */
  libraries: string[]
  /** Absolute path of libsentorch_core. */
  core: string
}

export interface Library {
  /** The version of libtorch for which the core was built. */
  torchVersion: string
  cudaDevices: string[]
  /** The widest kernels that this CPU supports. */
  kernels: 'portable' | 'avx2' | 'avx512'
  /** Whether the CPU has instructions for bfloat16 products. */
  fastBfloat16: boolean
}

/** Features of the CPU that the operating system has enabled; all false on other architectures. */
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
  /** The number of threads, up to `count`, that the system currently allows at the same time; they are started and ended, which takes about 20 µs each. */
  startableThreads(count: number): number
  /** Opens libtorch, then the core, on a native thread. Once per process; a later call opens only libraries that are not open yet. */
  open(request: OpenRequest): Promise<Library>
  /** Swaps the files or folders of two paths atomically. Returns 0 or an `errno`; ENOSYS if the system does not support it. */
  exchange(a: string, b: string): number
  /**
   * Locks an open file, without waiting. The kernel releases the lock when the last handle of the file is closed, however its owner ends. Returns 0
   * or an `errno`; EAGAIN if another handle holds the lock.
   */
  lock(fd: number): number
  /** Stops and joins every thread of this environment. Called when the process or the worker ends. */
  shutdown(): void
}
