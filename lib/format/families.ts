import type { HeadActivation } from '../../binding'

/** How transformers' classifiers of a family are stored. Names include the family's prefix. */
export interface Classifiers {
  /** Prefix of the class names by model type: 'Bert' in BertForSequenceClassification. */
  classes: Readonly<Record<string, string>>
  /** ForSequenceClassification: activation(hidden · state of the first token), then output. Both layers keep the hidden size up to the labels. */
  sequence: { hidden: string; activation: HeadActivation; output: string }
  /** Dropout before the layers of a classifier; null if there is none. */
  dropout: { sequenceInput: DropoutKeys | null; sequenceHidden: DropoutKeys; tokens: DropoutKeys }
}

/** Where config.json specifies a dropout: the first key that is not null applies. `own`: the key that applies to classifiers only. */
export interface DropoutKeys {
  keys: readonly string[]
  own?: string
  fallback: number
}

/** How one kind of encoder is stored on disk. A new family is a new row of the table. `#` stands for the number of a layer. */
export interface Family {
  name: 'bert' | 'distilbert' | 'roberta' | 'mpnet'
  /** Supported values of `model_type`. */
  modelTypes: readonly string[]
  /** Prefix of the tensors in a file that was saved with a head. */
  prefix: string
  /** Keys of config.json. Several keys for one value are synonyms. */
  keys: {
    hiddenSize: readonly string[]
    layers: readonly string[]
    heads: readonly string[]
    intermediateSize: readonly string[]
    activation: readonly string[]
  }
  /** Defaults of transformers for keys that config.json omits. */
  defaults: { vocabSize: number; layers: number; padTokenId: number }
  /** Null if config.json specifies it. */
  layerNormEps: number | null
  /** 'zero': positions count from 0. 'padding': from the padding id plus one. A number: the padding id is fixed in the family's code. */
  positions: 'zero' | 'padding' | number
  tokenTypes: boolean
  relativeAttention: boolean
  /** Whether training applies dropout after the attention output, as it does after the feed-forward output. */
  attentionOutputDropout: boolean
  classifiers: Classifiers
  names: {
    query: string
    key: string
    value: string
    attentionOutput: string
    attentionNorm: string
    intermediate: string
    output: string
    outputNorm: string
  }
}

const BERT_KEYS = {
  hiddenSize: ['hidden_size'],
  layers: ['num_hidden_layers'],
  heads: ['num_attention_heads'],
  intermediateSize: ['intermediate_size'],
  activation: ['hidden_act'],
} as const

const BERT_NAMES = {
  query: 'encoder.layer.#.attention.self.query',
  key: 'encoder.layer.#.attention.self.key',
  value: 'encoder.layer.#.attention.self.value',
  attentionOutput: 'encoder.layer.#.attention.output.dense',
  attentionNorm: 'encoder.layer.#.attention.output.LayerNorm',
  intermediate: 'encoder.layer.#.intermediate.dense',
  output: 'encoder.layer.#.output.dense',
  outputNorm: 'encoder.layer.#.output.LayerNorm',
} as const

const CLASSIFIER_DROPOUT: DropoutKeys = { keys: ['classifier_dropout', 'hidden_dropout_prob'], own: 'classifier_dropout', fallback: 0.1 }
const HIDDEN_DROPOUT: DropoutKeys = { keys: ['hidden_dropout_prob'], fallback: 0.1 }

export const FAMILIES: readonly Family[] = [
  {
    name: 'bert',
    modelTypes: ['bert'],
    prefix: 'bert.',
    keys: BERT_KEYS,
    defaults: { vocabSize: 30522, layers: 12, padTokenId: 0 },
    layerNormEps: null,
    positions: 'zero',
    tokenTypes: true,
    relativeAttention: false,
    attentionOutputDropout: true,
    classifiers: {
      classes: { bert: 'Bert' },
      sequence: { hidden: 'bert.pooler.dense', activation: 'tanh', output: 'classifier' },
      dropout: { sequenceInput: null, sequenceHidden: CLASSIFIER_DROPOUT, tokens: CLASSIFIER_DROPOUT },
    },
    names: BERT_NAMES,
  },
  {
    name: 'distilbert',
    modelTypes: ['distilbert'],
    prefix: 'distilbert.',
    keys: {
      hiddenSize: ['dim', 'hidden_size'],
      layers: ['n_layers', 'num_hidden_layers'],
      heads: ['n_heads', 'num_attention_heads'],
      intermediateSize: ['hidden_dim'],
      activation: ['activation'],
    },
    defaults: { vocabSize: 30522, layers: 6, padTokenId: 0 },
    layerNormEps: 1e-12,
    positions: 'zero',
    tokenTypes: false,
    relativeAttention: false,
    attentionOutputDropout: false,
    classifiers: {
      classes: { distilbert: 'DistilBert' },
      sequence: { hidden: 'pre_classifier', activation: 'relu', output: 'classifier' },
      dropout: {
        sequenceInput: null,
        sequenceHidden: { keys: ['seq_classif_dropout'], own: 'seq_classif_dropout', fallback: 0.2 },
        tokens: { keys: ['dropout'], fallback: 0.1 },
      },
    },
    names: {
      query: 'transformer.layer.#.attention.q_lin',
      key: 'transformer.layer.#.attention.k_lin',
      value: 'transformer.layer.#.attention.v_lin',
      attentionOutput: 'transformer.layer.#.attention.out_lin',
      attentionNorm: 'transformer.layer.#.sa_layer_norm',
      intermediate: 'transformer.layer.#.ffn.lin1',
      output: 'transformer.layer.#.ffn.lin2',
      outputNorm: 'transformer.layer.#.output_layer_norm',
    },
  },
  {
    name: 'roberta',
    modelTypes: ['roberta', 'xlm-roberta', 'camembert'],
    prefix: 'roberta.',
    keys: BERT_KEYS,
    defaults: { vocabSize: 50265, layers: 12, padTokenId: 1 },
    layerNormEps: null,
    positions: 'padding',
    tokenTypes: true,
    relativeAttention: false,
    attentionOutputDropout: true,
    classifiers: {
      classes: { roberta: 'Roberta', 'xlm-roberta': 'XLMRoberta', camembert: 'Camembert' },
      sequence: { hidden: 'classifier.dense', activation: 'tanh', output: 'classifier.out_proj' },
      dropout: { sequenceInput: CLASSIFIER_DROPOUT, sequenceHidden: CLASSIFIER_DROPOUT, tokens: CLASSIFIER_DROPOUT },
    },
    names: BERT_NAMES,
  },
  {
    name: 'mpnet',
    modelTypes: ['mpnet'],
    prefix: 'mpnet.',
    keys: BERT_KEYS,
    defaults: { vocabSize: 30527, layers: 12, padTokenId: 1 },
    layerNormEps: null,
    // transformers uses 1 here regardless of pad_token_id.
    positions: 1,
    tokenTypes: false,
    relativeAttention: true,
    attentionOutputDropout: true,
    classifiers: {
      classes: { mpnet: 'MPNet' },
      sequence: { hidden: 'classifier.dense', activation: 'tanh', output: 'classifier.out_proj' },
      dropout: { sequenceInput: HIDDEN_DROPOUT, sequenceHidden: HIDDEN_DROPOUT, tokens: HIDDEN_DROPOUT },
    },
    names: {
      query: 'encoder.layer.#.attention.attn.q',
      key: 'encoder.layer.#.attention.attn.k',
      value: 'encoder.layer.#.attention.attn.v',
      attentionOutput: 'encoder.layer.#.attention.attn.o',
      attentionNorm: 'encoder.layer.#.attention.LayerNorm',
      intermediate: 'encoder.layer.#.intermediate.dense',
      output: 'encoder.layer.#.output.dense',
      outputNorm: 'encoder.layer.#.output.LayerNorm',
    },
  },
]

/** Names of the embeddings, which are the same in every family. */
export const EMBEDDINGS = {
  word: 'embeddings.word_embeddings.weight',
  position: 'embeddings.position_embeddings.weight',
  tokenType: 'embeddings.token_type_embeddings.weight',
  norm: 'embeddings.LayerNorm',
  relativeAttentionBias: 'encoder.relative_attention_bias.weight',
} as const

/** Tensors that sentence vectors do not need, without the family's prefix: tables that can be computed, the pooler, heads of other tasks. */
export const IGNORED: readonly RegExp[] = [
  /^embeddings\.(position_ids|token_type_ids)$/,
  /^pooler\.dense\.(weight|bias)$/,
  /^cls\.(predictions|seq_relationship)\./,
  /^lm_head\./,
  /^vocab_(transform|layer_norm|projector)\.(weight|bias)$/,
  /^(qa_outputs|pre_classifier)\.(weight|bias)$/,
  /^classifier\.((dense|out_proj)\.)?(weight|bias)$/,
]

export function familyOf(modelType: string): Family | undefined {
  return FAMILIES.find((family) => family.modelTypes.includes(modelType))
}
