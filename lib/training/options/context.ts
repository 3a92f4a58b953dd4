import type { Head } from '../../heads/definition'

/** The facts about a model that options of a trainer are checked against. */
export interface TrainContext {
  /** In the order in which losses are reported. */
  heads: readonly Head[]
  layers: number
  /** Size of the encoder's token states. */
  hiddenSize: number
  /** The model's `max_seq_length`. */
  maxLength: number
  usablePositions: number
  /** From config.json. */
  hiddenDropout: number
  attentionDropout: number
}

/** The default of transformers' configs. */
const DROPOUT = 0.1

/** Dropout of the encoder in config.json: the keys of BERT, RoBERTa and MPNet, or those of DistilBERT. */
export function configDropout(config: Readonly<Record<string, unknown>>): { hiddenDropout: number; attentionDropout: number } {
  const first = (...keys: string[]) => keys.map((key) => config[key]).find((value) => typeof value === 'number') ?? DROPOUT
  return {
    hiddenDropout: first('hidden_dropout_prob', 'dropout'),
    attentionDropout: first('attention_probs_dropout_prob', 'attention_dropout'),
  }
}
