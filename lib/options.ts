/** Every option of the public API, its default and its check: each written once, here. */
import { availableParallelism } from 'node:os'
import { booleanOf, integerIn, invalid, knownKeys, oneOf, stringOf } from './check'
import type { Precision } from './quantize'

export type DeviceOption = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`
export type DTypeOption = 'float32' | 'bfloat16'

/** How token states become one vector; several are put side by side in sentence-transformers' order. */
export const POOLING_NAMES = ['cls', 'max', 'mean', 'mean_sqrt_len_tokens', 'weightedmean', 'lasttoken'] as const
export type PoolingName = (typeof POOLING_NAMES)[number]

export interface LoadProgress {
  /** `download`: bytes of one file of the model; `load`: bytes of weights read. */
  stage: 'download' | 'load'
  file?: string
  /** Bytes so far, and in all when known. */
  loaded: number
  total?: number
}

/** Where a model comes from when it is no local folder. */
export interface HubOptions {
  /** Branch, tag or commit. Defaults to `main`. */
  revision?: string
  /** Access token. Defaults to `HF_TOKEN`, then to the token file of `huggingface-cli login`. */
  token?: string
  /** Cache folder, in the layout that Python's huggingface_hub uses. Defaults to `HF_HUB_CACHE`, `HF_HOME/hub`, `~/.cache/huggingface/hub`. */
  cacheFolder?: string
  /** Use the cache alone. Defaults to `HF_HUB_OFFLINE`. */
  offline?: boolean
}

export interface LoadOptions extends HubOptions {
  /** `float32` (default) is exact; `bfloat16` halves the memory and runs fastest on CPUs with AMX or AVX-512 bf16. */
  dtype?: DTypeOption
  /** `auto` (default) takes a CUDA device where libtorch has one, else the CPU; `model.info.device` says which and why. */
  device?: DeviceOption
  /** Threads of one operation, 1..1024. Defaults to the processors this process may use. */
  threads?: number
  /** A libtorch to use instead of the one that would be found: site-packages, a `torch` folder or an unzipped libtorch. */
  libtorch?: string
  /** Bytes of texts and results that may wait in this model before calls are refused with `ERR_BUSY`. Defaults to 256 MiB. */
  queueBytes?: number
  /** Called on the JavaScript thread, at most every 100 ms and once at the end of each file. */
  onProgress?: (progress: LoadProgress) => void
  /** Gives up loading; the promise rejects with code `ERR_ABORTED`. */
  signal?: AbortSignal
}

export interface EncodeProgress {
  texts: number
  totalTexts: number
  tokens: number
}

export interface EncodeOptions<P extends Precision = Precision> {
  /** Unset: the modules of the model as written. `true`: the result is scaled to unit length at the end. `false`: the Normalize module is skipped. */
  normalize?: boolean
  /** Instead of the model's pooling: one mode, or several side by side. */
  pooling?: PoolingName | readonly PoolingName[]
  /** Keep the first `truncateDim` dimensions (Matryoshka models); not scaled again unless `normalize: true`. Integer in 1..dimension. */
  truncateDim?: number
  /** Put before every text. Excludes `promptName`. */
  prompt?: string
  /** Name of one of the model's prompts. Defaults to the model's `default_prompt_name`. */
  promptName?: string
  /** Tokens of one text, the special ones counted; longer texts are cut. Defaults to the model's `max_seq_length`. Integer in 2..the model's positions. */
  maxLength?: number
  /** Tokens of one micro-batch, 1..1048576. Defaults to 2048: larger gains nothing on the CPU, smaller answers aborts sooner. */
  batchTokens?: number
  /** Type of the result, as sentence-transformers' `quantize_embeddings` defines it. Defaults to `float32`. */
  precision?: P
  /** For `int8` and `uint8`: the smallest and the largest value of each dimension, `[min, max]`, each of the result's dimension. */
  ranges?: readonly [ArrayLike<number>, ArrayLike<number>]
  /** For `int8` and `uint8`: float32 vectors whose range is used. */
  calibration?: { readonly data: Float32Array; readonly dimension: number }
  /** Called after each piece of work with the counts so far. */
  onProgress?: (progress: EncodeProgress) => void
  /** Stops between micro-batches; the promise rejects with code `ERR_ABORTED`. */
  signal?: AbortSignal
}
