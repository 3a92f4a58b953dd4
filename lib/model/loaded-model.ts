import type { NativeModel } from '../../binding'
import { SentorchError } from '../base/errors'
import { fromNative } from '../native/call'
import type { ModelFolder } from '../format/folder'
import type { Heads } from '../heads/heads'
import type { Tokenizer } from '../tokenizer/tokenizer'
import type { ModelInfo } from './info'

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
  /** The fingerprint of the weights of the encoder and its Dense modules, when they were last asked for. */
  weights: string
}

/** Called when training may have changed the weights. Never rejects: the next `encode` also sets them. */
export async function refreshWeights(model: LoadedModel): Promise<void> {
  model.weights = await fromNative(model.native.weights()).catch(() => model.weights)
}

/** Closes the trainer that `model.trainEpoch` keeps, if it is idle: nobody holds it, so it must not prevent another trainer or a change of heads. */
export function closeIdleTrainer({ trainer, keptTrainer }: LoadedModel): void {
  if (keptTrainer && trainer === keptTrainer && !keptTrainer.isBusy) keptTrainer.close().catch(() => {})
}

/**
 * Limits the memory held by queued work of a model. JavaScript is never blocked: a call that would exceed the limit is refused.
 * An idle model accepts a call of any size, because a call above the limit could never run otherwise.
 */
export class Admission {
  readonly #limit: number
  #bytes = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Runs `work`, and counts `bytes` until it settles. Rejects with ERR_BUSY if they exceed the limit. */
  async hold<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#limit) {
      throw new SentorchError(
        'ERR_BUSY',
        `The model's queue is full: ${this.#bytes} bytes are waiting, this call adds ${bytes}, and the limit is ${this.#limit}. ` +
          `Wait for earlier calls, pass the texts together in one call, or raise 'queueBytes' in Model.load.`,
        { detail: { waiting: this.#bytes, added: bytes, limit: this.#limit } },
      )
    }
    this.#bytes += bytes
    try {
      return await work()
    } finally {
      this.#bytes -= bytes
    }
  }
}

/** Runs asynchronous functions one at a time, in the order in which they were submitted. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    // A failure is reported to its own caller; the next function still runs.
    this.#last = result.catch(() => {})
    return result
  }
}
