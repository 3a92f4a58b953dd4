import { availableParallelism } from 'node:os'
import type { LoadRequest } from '../../binding'
import { booleanOf, integerIn, invalid, oneOf, stringOf } from '../base/check'
import type { DeclaredHeads, Head, NoHeads } from '../heads/definition'
import { declaredHeads } from './declared'
import { functionOf, keysOf, signalOf, takeOptions } from '../base/arguments'
import { PROPERTY_KEYS, resolveProperties, type ModelProperties, type ResolvedProperties } from '../format/properties'

export type DeviceOption = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`
export type DTypeOption = 'float32' | 'bfloat16'

export interface LoadProgress {
  /** `download`: bytes of one file of the model; `load`: bytes of weights read. */
  stage: 'download' | 'load'
  file?: string
  /** Bytes so far, and in total if known. */
  loaded: number
  total?: number
}

/** Options for a model that is not a local folder. */
export interface HubOptions {
  /** Branch, tag or commit. Defaults to `main`. */
  revision?: string
  /** Access token. Defaults to `HF_TOKEN`, then to the token file of `huggingface-cli login`. */
  token?: string
  /** Cache folder, in the layout that Python's huggingface_hub uses. Defaults to `HF_HUB_CACHE`, `HF_HOME/hub`, `~/.cache/huggingface/hub`. */
  cacheFolder?: string
  /** Use only the cache. Defaults to `HF_HUB_OFFLINE`. */
  offline?: boolean
  /**
   * Download every file of the model again, even those in the cache, and replace them there once they are complete and verified. Cannot be
   * combined with offline mode; if the hub does not respond, the call rejects instead of using the cache. Defaults to false.
   */
  forceDownload?: boolean
}

export interface LoadOptions<S extends DeclaredHeads = NoHeads> extends HubOptions, ModelProperties {
  /**
   * The heads that the program expects, as `addHead` takes them, in a list or by name. The model's type then knows them. If the stored heads lack
   * one, or its kind or labels differ, the promise rejects with ERR_MODEL_MISMATCH, which names the differences; other heads are allowed.
   */
  heads?: S
  /** `float32` (default) is exact; `bfloat16` halves the memory and runs fastest on CPUs with AMX or AVX-512 bf16. */
  dtype?: DTypeOption
  /** `auto` (default) uses a CUDA device if libtorch has one, otherwise the CPU. `model.info` says which (`device`) and why (`deviceReason`). */
  device?: DeviceOption
  /** Number of threads for one operation, 1..1024. Defaults to the number of processors that the process may use. */
  threads?: number
  /** The libtorch to use instead of searching for one: a site-packages folder, a `torch` folder or an unzipped libtorch. */
  libtorch?: string
  /**
   * Accept a tokenizer whose rules may need unlimited time or memory; otherwise it is refused with `ERR_UNSAFE_MODEL`. Only for folders from a
   * source that you trust. Defaults to false.
   */
  trustTokenizer?: boolean
  /** Largest number of bytes of texts and results that may be queued in the model. Further calls are refused with `ERR_BUSY`. Defaults to 256 MiB. */
  queueBytes?: number
  /**
   * Compare each file of the model with its known hash before it is used: the hub's hash for a file in the cache, otherwise the hash in the
   * manifest that `model.save` writes. Rejects with ERR_MODEL_FORMAT for a damaged file and with ERR_INVALID_ARGUMENT for a folder without known
   * hashes. Reads each file once more, which takes about a second per gigabyte. Defaults to false.
   */
  verify?: boolean
  /** Called on the JavaScript thread, at most every 100 ms and once at the end of each file. A returned promise is awaited. */
  onProgress?: (progress: LoadProgress) => void
  /** Stops loading; the promise rejects with code `ERR_ABORTED`. */
  signal?: AbortSignal
}

/** `LoadOptions` after all checks. Options of the hub may be undefined; the hub's own code fills in their defaults. */
export interface ResolvedLoad {
  heads: readonly Head[]
  dtype: DTypeOption
  device: DeviceOption
  threads: number
  kernels: LoadRequest['kernels']
  libtorch: string | undefined
  trustTokenizer: boolean
  queueBytes: number
  verify: boolean
  hub: HubOptions
  properties: ResolvedProperties
  onProgress: ((progress: LoadProgress) => unknown) | undefined
  signal: AbortSignal | undefined
}

const LOAD_KEYS = [
  ...PROPERTY_KEYS,
  ...keysOf<Omit<LoadOptions, keyof ModelProperties>>({
    heads: 1,
    revision: 1,
    token: 1,
    cacheFolder: 1,
    offline: 1,
    forceDownload: 1,
    dtype: 1,
    device: 1,
    threads: 1,
    libtorch: 1,
    trustTokenizer: 1,
    queueBytes: 1,
    verify: 1,
    onProgress: 1,
    signal: 1,
  }),
]

const KERNELS = ['auto', 'portable', 'avx2', 'avx512'] as const
const MAX_THREADS = 1024

/**
 * Checks the options of `Model.load` and fills in what is not given.
 * `environment` is `process.env`: `SENTORCH_KERNELS` (auto, portable, avx2, avx512) narrows the CPU kernels, for comparing and for tests.
 */
export function resolveLoad(options: LoadOptions = {}, environment: NodeJS.ProcessEnv = {}): ResolvedLoad {
  options = takeOptions('load', options, LOAD_KEYS)
  const {
    dtype = 'float32',
    device = 'auto',
    threads = Math.min(availableParallelism(), MAX_THREADS),
    queueBytes = 256 * 2 ** 20,
    trustTokenizer = false,
    verify = false,
  } = options
  const { revision, token, cacheFolder, offline, forceDownload, libtorch, onProgress, signal } = options
  return {
    heads: options.heads === undefined ? [] : declaredHeads(options.heads),
    dtype: oneOf('dtype', dtype, ['float32', 'bfloat16']),
    device: deviceOf(device),
    threads: integerIn('threads', threads, 1, MAX_THREADS),
    kernels: oneOf('SENTORCH_KERNELS', environment.SENTORCH_KERNELS || 'auto', KERNELS),
    libtorch: optionalText('libtorch', libtorch),
    trustTokenizer: booleanOf('trustTokenizer', trustTokenizer),
    queueBytes: integerIn('queueBytes', queueBytes, 1, Number.MAX_SAFE_INTEGER),
    verify: booleanOf('verify', verify),
    hub: {
      revision: optionalText('revision', revision),
      token: optionalText('token', token),
      cacheFolder: optionalText('cacheFolder', cacheFolder),
      offline: offline === undefined ? undefined : booleanOf('offline', offline),
      forceDownload: forceDownload === undefined ? undefined : booleanOf('forceDownload', forceDownload),
    },
    properties: resolveProperties(options),
    onProgress: functionOf('onProgress', onProgress),
    signal: signalOf(signal),
  }
}

function deviceOf(device: unknown): DeviceOption {
  if (typeof device !== 'string' || !/^(auto|cpu|cuda(:(0|[1-9]\d{0,2}))?)$/.test(device)) {
    throw invalid('device', `'auto', 'cpu', 'cuda' or 'cuda:N'`, device)
  }
  return device as DeviceOption
}

function optionalText(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (stringOf(name, value) === '') throw invalid(name, 'a string that is not empty', value)
  return value as string
}
