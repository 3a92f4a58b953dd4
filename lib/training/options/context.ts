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

/** As transformers' configs where the file says nothing. */
const DROPOUT = 0.1

/** Dropout of the encoder by config.json: BERT's, RoBERTa's and MPNet's keys, or DistilBERT's. */
export function configDropout(config: Readonly<Record<string, unknown>>): { hiddenDropout: number; attentionDropout: number } {
  const first = (...keys: string[]) => keys.map((key) => config[key]).find((value) => typeof value === 'number') ?? DROPOUT
  return {
    hiddenDropout: first('hidden_dropout_prob', 'dropout'),
    attentionDropout: first('attention_probs_dropout_prob', 'attention_dropout'),
  }
}
