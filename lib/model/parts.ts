import type { NativeModel } from '../../binding'
import type { Turns } from '../base/turns'
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

/** What a model is made of. Prediction, training and saving work on it without a public way into `Model`. */
export interface ModelParts {
  readonly native: NativeModel
  readonly tokenizer: Tokenizer
  /** Where the weights came from; read anew after a save in its place. */
  folder: ModelFolder
  readonly admission: Admission
  readonly info: ModelInfo
  readonly heads: Heads
  /** One save at a time: one may replace the files that the next is made of. */
  readonly saves: Turns
  /** The open trainer, by which heads know that they may not change. */
  trainer: OpenTrainer | undefined
  /** The trainer that `model.trainEpoch` keeps between its calls. */
  keptTrainer: OpenTrainer | undefined
  /** Whether any parameter differs from the folder's: true from the first step of training. */
  trained: boolean
}

/** Closes the trainer that `model.trainEpoch` keeps, if it is idle: nobody holds it, so it must not prevent another trainer or a change of heads. */
export function closeIdleTrainer({ trainer, keptTrainer }: ModelParts): void {
  if (keptTrainer && trainer === keptTrainer && !keptTrainer.isBusy) keptTrainer.close().catch(() => {})
}
