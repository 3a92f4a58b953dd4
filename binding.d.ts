/**
 * The native surface: the true type of `sentorch.node`. Requests are plain and resolved: nothing here has a default.
 * Every method that returns a promise rejects with an error whose `code` is one of `lib/base/errors.ts`; none throws.
 * A request of a wrong type, size or sign is refused with ERR_INTERNAL.
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
  /** Padding id whose word embedding is not trained, as PyTorch's `padding_idx`; −1: none. `positionPadding` is that of the positions. */
  wordPadding: number
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

export type HeadActivation = 'relu' | 'gelu' | 'tanh'

/** A head: logits = last · activation(… activation(first · x)). Its parameters are named `heads.<head>.<layer>.weight|bias`, layer from 0. */
export interface HeadSource {
  name: string
  type: 'classification' | 'token-classification'
  /** Outputs of each layer; the last is the number of logits. */
  sizes: number[]
  activation: HeadActivation
  /** Classification: how token states become the head's input, and what follows. Empty for token classification. */
  pooling: PoolingMode[]
  /** Of the model's Dense modules and scaling, in order, behind `pooling`. */
  steps: PostStep[]
  /** Numbers of the input. */
  inputs: number
  /** The layers' stored parameters; null: drawn as PyTorch's Linear draws them from `torch.manual_seed(seed)`, layer by layer, weight then bias. */
  layers: LinearSource[] | null
  /** Of the TensorSources in `layers`. */
  files: string[]
  seed: number
}

export interface PredictRequest {
  task: number
  ids: Int32Array
  offsets: Int32Array
  batchTokens: number
  /** Names of the heads, in the order of the result. */
  heads: string[]
  /** The sentence vectors beside the logits; null: none. Its `ids`, `offsets`, `task` and `batchTokens` are those of the request. */
  embedding: Pick<EncodeRequest, 'pooling' | 'promptTokens' | 'steps' | 'truncateDim' | 'normalizeLast'> | null
}

export interface PredictResult {
  /** Per head: [rows, logits] or, for token classification, [tokens, logits]; float32, row-major, in the order of the request. */
  logits: Float32Array[]
  /** [rows, dimension]; null where none was asked for. */
  embedding: EncodeResult | null
  /** The first row with a NaN or an infinity anywhere; −1: none. */
  nonFiniteRow: number
}

/** A head learns labels. */
export interface HeadObjective {
  type: 'head'
  head: string
  /** 'bce': each logit on its own, labels 0 or 1. */
  loss: 'cross-entropy' | 'bce'
  /** In the total. */
  weight: number
  labelSmoothing: number
  /** Per label; cross-entropy: PyTorch's `weight`; bce: PyTorch's `pos_weight`. */
  classWeights: Float32Array | null
  inputDropout: number
  /** After each hidden activation. */
  dropout: number
}

/** The sentence vector learns to be given vectors. */
export interface VectorObjective {
  type: 'vectors'
  /** Of its uncertainty parameter; one that no head can have. */
  name: string
  pooling: PoolingMode[]
  steps: PostStep[]
  /** 'mse': mean over all numbers; 'cosine': mean of 1 − cosine over the rows. */
  loss: 'mse' | 'cosine'
  weight: number
}

export type Objective = HeadObjective | VectorObjective

export interface TrainingRequest {
  /** The float32 masters are read from the files, unless the model was trained before: then it goes on with what it has. */
  files: string[]
  encoder: EncoderSource
  dense: DenseSource[]
  /** Of the encoder, while training: behind the embeddings and behind each layer's second product. */
  hiddenDropout: number
  /** Of the attention weights. */
  attentionDropout: number
  /** Behind the product after attention. */
  attentionOutputDropout: number
  /** 'bfloat16': products in bfloat16, all else and the masters in float32. */
  dtype: 'float32' | 'bfloat16'
  seed: number
  gradientCheckpointing: boolean
  optimizer: { type: 'adamw' | 'adam'; beta1: number; beta2: number; eps: number }
  /** Norm of all gradients together, those of `clip: false` groups left out; 0: not clipped. */
  maxGradNorm: number
  /** In the order in which losses are reported. */
  objectives: Objective[]
  /** Σ ½·e^(−s)·loss + ½·s over the objectives; s are parameters named `uncertainty.<head>` or `uncertainty.<name>`. */
  uncertainty: boolean
  /** Token states of a wholly frozen encoder are kept up to so many bytes. */
  cacheBytes: number
}

export interface ParameterInfo {
  /** As AutoModel names it (the TensorSource's name), `dense.<i>.…`, `heads.<head>.…` or `uncertainty.…`. */
  name: string
  shape: number[]
  part: 'embeddings' | 'layer' | 'relative-bias' | 'dense' | 'head' | 'uncertainty'
  /** Layer (0 lowest), Dense module, or −1. */
  index: number
  /** Of heads; '' else. */
  head: string
}

export interface TrainingInfo {
  parameters: ParameterInfo[]
}

/** Parameters by their place in TrainingInfo. Those in no group are frozen. */
export interface GroupSource {
  parameters: number[]
  learningRate: number
  weightDecay: number
  clip: boolean
}

/** One corpus: every data set of a run, one behind the other. Replaces the one before it. */
export interface CorpusRequest {
  ids: Int32Array
  offsets: Int32Array
  /**
   * Per objective. Of a head: labels, for classification [rows] (bce: [rows, logits], 0 or 1), for token classification [tokens]; −100 is no
   * label. Of vectors: [rows, dimension]; a row that begins with NaN has none.
   */
  targets: (Int32Array | Float32Array)[]
}

/** Steps to run: step i has the micro-batches steps[i] … steps[i+1], micro-batch j the rows order[batches[j] … batches[j+1]). */
export interface TrainRequest {
  task: number
  order: Int32Array
  batches: Int32Array
  steps: Int32Array
  /** Times the groups' learning rates, for the steps that are applied, in order; at least as many as steps. */
  multipliers: Float64Array
  /** Number of the first step since training began: with the seed it decides dropout. */
  firstStep: number
  /** Stop after so long, or earlier where other work waits; at least one step is run. */
  milliseconds: number
  /** False: gradients are computed and kept, nothing is changed. */
  apply: boolean
}

/** Per step that was run; the last is one that was not applied, if any. */
export interface TrainResult {
  /** How many of the steps were run. */
  steps: number
  /** Whether the last of these steps changed nothing, because a loss, a gradient or a weight after it was not finite. */
  skipped: boolean
  /** Weighted total of each step. */
  loss: Float64Array
  /** [steps, objectives]: mean loss, 0 where nothing was labelled. */
  losses: Float64Array
  /** [steps, objectives]: labelled items (class weights not counted). */
  items: Float64Array
  /** [steps, objectives]: items whose highest logit (bce: sign) is right; 0 for vectors. */
  correct: Float64Array
  /** Before clipping. */
  gradientNorm: Float64Array
  examples: number
  tokens: number
}

/** What is kept for a parameter. The last two are the optimizer's; absent (and zeros) before its first step. */
export type ParameterValue = 'value' | 'gradient' | 'exp_avg' | 'exp_avg_sq'

/** A part of a safetensors file that is written: a parameter of the model, or stored bytes as they are. */
export type WriteSource = { value: ParameterValue; parameter: string } | { file: string; offset: number; bytes: number }

export interface WriteRequest {
  /** Created anew; closed and flushed to the disk (fsync) before the promise resolves. */
  path: string
  /** Length and JSON header of the safetensors file, written first. */
  header: Uint8Array
  /** float32 for parameters. */
  parts: WriteSource[]
}

/** Sets optimizer state and values: shapes are checked by the caller. `steps`: updates that each group's optimizer has made. */
export interface RestoreRequest {
  files: string[]
  parameters: { parameter: string; value: Exclude<ParameterValue, 'gradient'>; source: TensorSource }[]
  /** Per parameter in TrainingInfo: updates made so far (PyTorch's `step`). */
  steps: Int32Array
}

export declare class NativeModel {
  constructor()
  /** Once, before anything else. */
  load(request: LoadRequest): Promise<LoadedModel>
  encode(request: EncodeRequest): Promise<EncodeResult>

  /** Heads. Names are unique. Refused while a trainer is open (ERR_INTERNAL: lib/ checks first). */
  addHead(request: HeadSource): Promise<void>
  removeHead(name: string): Promise<void>
  /** `count` more logits; the old ones keep their weights, the new ones are drawn from the seed. */
  extendHead(name: string, count: number, seed: number): Promise<void>
  predict(request: PredictRequest): Promise<PredictResult>

  /** Opens the model's one trainer; closes the one before it. */
  startTraining(request: TrainingRequest): Promise<TrainingInfo>
  setGroups(groups: GroupSource[]): Promise<void>
  setCorpus(request: CorpusRequest): Promise<void>
  train(request: TrainRequest): Promise<TrainResult>
  /** Frees optimizer state, gradients and corpus; the weights stay as they are. Idempotent. */
  endTraining(): Promise<void>
  /** Updates made so far, per parameter in TrainingInfo (PyTorch's `step`). */
  optimizerSteps(): Promise<Int32Array>
  restore(request: RestoreRequest): Promise<void>

  /** Numbers of parameters, float32. 'value' works for heads and, once a trainer was opened, for all; the others while one is open. */
  read(value: ParameterValue, parameters: string[]): Promise<Float32Array[]>
  /** ERR_NON_FINITE where a parameter holds a NaN or an infinity: nothing is left behind then. */
  write(request: WriteRequest): Promise<void>
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
  /** How many of `count` threads the system lets live at once now; they are started and ended, some 20 µs each. */
  startableThreads(count: number): number
  /** Opens libtorch, then the core, on a native thread; once per process, later calls share the first success. */
  open(request: OpenRequest): Promise<Library>
  /** Swaps what two paths name, in one step. 0, or an `errno`; ENOSYS where the system cannot. */
  exchange(a: string, b: string): number
  /**
   * Takes a lock on an open file that the kernel gives back with the file's last handle, however its owner ends. 0, or an `errno`;
   * EAGAIN where another handle has it. Does not wait.
   */
  lock(fd: number): number
  /** Stops and joins every thread of this environment. Called when the process or the worker ends. */
  shutdown(): void
}
