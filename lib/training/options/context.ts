import type { Head } from '../../heads/definition'

/** What a trainer is resolved against. */
export interface TrainContext {
  /** In the order in which losses are reported. */
  heads: readonly Head[]
  layers: number
  /** The model's `max_seq_length`. */
  maxLength: number
  usablePositions: number
  /** config.json's. */
  hiddenDropout: number
  attentionDropout: number
}
