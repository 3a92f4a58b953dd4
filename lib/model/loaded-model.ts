import type { NativeModel } from '../../binding'
import type { SerialQueue } from '../model/admission'
import type { Admission } from './admission'
import type { ModelFolder } from '../format/folder'
import type { Heads } from '../heads/heads'
import type { ModelInfo } from './info'
import type { Tokenizer } from '../tokenizer/tokenizer'

/** What a model needs to know of a trainer. */
interface OpenTrainer {
  readonly isBusy: boolean
  close(): Promise<void>
}

/** A model in memory. Prediction, training and saving work on it; `Model` is its public face. */
export interface LoadedModel {
  readonly native: NativeModel
  readonly tokenizer: Tokenizer
  /** The folder that the weights came from. Opened again after a save that replaces it. */
  folder: ModelFolder
  readonly admission: Admission
  readonly info: ModelInfo
  readonly heads: Heads
  /** Saves run one at a time, because one may replace the files that the next one copies. */
  readonly saves: SerialQueue
  /** The open trainer. While it is set, heads cannot be added, removed or extended. */
  trainer: OpenTrainer | undefined
  /** The trainer that `model.trainEpoch` keeps between its calls. */
  keptTrainer: OpenTrainer | undefined
  /** Whether any parameter differs from the folder's: true from the first step of training. */
  trained: boolean
}

/** Closes the trainer that `model.trainEpoch` keeps, if it is idle: nobody holds it, so it must not prevent another trainer or a change of heads. */
export function closeIdleTrainer({ trainer, keptTrainer }: LoadedModel): void {
  if (keptTrainer && trainer === keptTrainer && !keptTrainer.isBusy) keptTrainer.close().catch(() => {})
}
