import type { LoadResult } from '../../binding'
import type { ChosenDevice, Native } from '../libtorch/open'
import { assumesPooling, type ModelFolder } from '../format/folder'
import type { ModelSource, ResolvedModel } from '../hub/hub'
import { resolveEncode } from '../encode/options'
import { type PoolingName } from '../pooling/poolings'
import type { DTypeOption } from './load-options'
import type { SimilarityName } from '../format/modules'
import type { Tokenizer } from '../tokenizer/tokenizer'

/** What was loaded, and how it runs. */
export interface ModelInfo {
  /** Absolute path of the model's folder. */
  folder: string
  /** `bundled`: part of the package; `local`: a folder; `cache`: the hub's cache; `hub`: at least one file was downloaded for this load. */
  source: ModelSource
  /** Repository and commit on the hub, if the model came from there. */
  id?: string
  commit?: string
  /** `model_type` of config.json. */
  modelType: string
  /** Dimension of a sentence vector, as the model's own modules give it. */
  dimension: number
  /** Largest number of tokens in a text, including special tokens; longer texts are truncated. */
  maxLength: number
  vocabularySize: number
  layers: number
  parameters: number
  /** Size of the weights in memory, in bytes. */
  parameterBytes: number
  pooling: readonly PoolingName[]
  /** Whether the model itself scales its vectors to unit length. */
  normalizes: boolean
  similarity: SimilarityName
  /** Prompts by name. As in sentence-transformers, `query` and `document` always exist, and are empty if the folder does not define them. */
  prompts: Readonly<Record<string, string>>
  defaultPromptName?: string
  dtype: DTypeOption
  /** 'cpu' or 'cuda:N', and why it was chosen. */
  device: string
  deviceReason: string
  threads: number
  /** The kernels in use: those of sentorch for AVX2 or AVX-512, or libtorch's operations (`portable`). */
  kernels: LoadResult['kernels']
  /** Whether matrix products use weights that were packed when the model was loaded. */
  packed: boolean
  libtorch: { version: string; root: string }
  /** Remarks about the model on this machine, for example that a pooling was assumed, or that the CPU has no fast path for the dtype. */
  notes: readonly string[]
}

export interface InfoSources {
  resolved: ResolvedModel
  folder: ModelFolder
  tokenizer: Pick<Tokenizer, 'notes'>
  native: Native
  loaded: LoadResult
  device: ChosenDevice
  dtype: DTypeOption
  threads: number
}

export function describeModel({ resolved, folder, tokenizer, native, loaded, device, dtype, threads }: InfoSources): ModelInfo {
  const { config, modules } = folder
  return Object.freeze({
    ...resolved,
    folder: folder.folder,
    modelType: config.modelType,
    dimension: resolveEncode({}, { modules, config, texts: 'streamed' }).dimension,
    maxLength: modules.maxSeqLength,
    vocabularySize: config.vocabSize,
    layers: config.layers,
    parameters: loaded.parameters,
    parameterBytes: loaded.parameterBytes,
    pooling: modules.pooling,
    normalizes: modules.steps.at(-1) === 'normalize',
    similarity: modules.similarity ?? 'cosine',
    prompts: { ...modules.prompts },
    defaultPromptName: modules.defaultPromptName,
    dtype,
    device: device.device,
    deviceReason: device.reason,
    threads,
    kernels: loaded.kernels,
    packed: loaded.packed,
    libtorch: { version: native.libtorch.version, root: native.libtorch.root },
    notes: notesOf({ folder, tokenizer, native, loaded, device, dtype }),
  })
}

function notesOf({
  folder,
  tokenizer,
  native,
  loaded,
  device,
  dtype,
}: Pick<InfoSources, 'folder' | 'tokenizer' | 'native' | 'loaded' | 'device' | 'dtype'>): string[] {
  const notes = [...folder.notes, ...tokenizer.notes, ...(folder.classifierNote === undefined ? [] : [folder.classifierNote])]
  if (assumesPooling(folder)) {
    const length = folder.properties.normalize === undefined ? ', and vectors are not scaled to unit length' : ''
    notes.push(`No modules.json: a plain transformers folder. Mean pooling is assumed${length}.`)
  }
  if (device.device === 'cpu' && dtype === 'bfloat16' && !native.library.fastBfloat16) {
    notes.push('This CPU has no instructions for bfloat16 products: float32 is likely to be faster here.')
  }
  if (device.device === 'cpu' && loaded.kernels === 'portable') {
    notes.push("No kernels of our own for this CPU (they need AVX2): libtorch's operations are used, at perhaps half the speed.")
  }
  return notes
}
