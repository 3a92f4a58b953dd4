import { availableParallelism } from 'node:os'
import type { LoadRequest } from '../../binding'
import { booleanOf, integerIn, invalid, oneOf, stringOf } from '../base/check'
import { functionOf, keysOf, signalOf, takeOptions } from '../base/arguments'

export type DeviceOption = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`
export type DTypeOption = 'float32' | 'bfloat16'

export interface LoadProgress {
  /** `download`: bytes of one file of the model; `load`: bytes of weights read. */
  stage: 'download' | 'load'
  file?: string
  /** Bytes so far, and in all when known. */
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
  /**
   * Takes a tokenizer whose rules could take any time or memory, which is refused with `ERR_UNSAFE_MODEL` otherwise. Only for folders whose
   * origin you trust. Defaults to false.
   */
  trustTokenizer?: boolean
  /** Bytes of texts and results that may wait in this model before calls are refused with `ERR_BUSY`. Defaults to 256 MiB. */
  queueBytes?: number
  /**
   * Compare every file of the model with its known hash before it is used: in a cache of the hub the hub's, else that of the manifest which
   * `model.save` writes. A damaged file rejects with ERR_MODEL_FORMAT, a folder without known hashes with ERR_INVALID_ARGUMENT. Reads each file
   * once more, about a second for a gigabyte. Defaults to false.
   */
  verify?: boolean
  /** Called on the JavaScript thread, at most every 100 ms and once at the end of each file. A promise that it gives is awaited. */
  onProgress?: (progress: LoadProgress) => void
  /** Gives up loading; the promise rejects with code `ERR_ABORTED`. */
  signal?: AbortSignal
}

/** `LoadOptions` after every check. The hub's own defaults (undefined here) are filled in where the hub is asked. */
export interface ResolvedLoad {
  dtype: DTypeOption
  device: DeviceOption
  threads: number
  kernels: LoadRequest['kernels']
  libtorch: string | undefined
  trustTokenizer: boolean
  queueBytes: number
  verify: boolean
  hub: HubOptions
  onProgress: ((progress: LoadProgress) => unknown) | undefined
  signal: AbortSignal | undefined
}

const LOAD_KEYS = keysOf<LoadOptions>({
  revision: 1,
  token: 1,
  cacheFolder: 1,
  offline: 1,
  dtype: 1,
  device: 1,
  threads: 1,
  libtorch: 1,
  trustTokenizer: 1,
  queueBytes: 1,
  verify: 1,
  onProgress: 1,
  signal: 1,
})

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
  const { revision, token, cacheFolder, offline, libtorch, onProgress, signal } = options
  return {
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
    },
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
