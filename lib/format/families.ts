import type { HeadActivation } from '../../binding'

/** How transformers' own classifiers of a family are written. Names are those of a file with the family's prefix. */
export interface Classifiers {
  /** Beginning of the classes' names, by model type: 'Bert' of BertForSequenceClassification. */
  classes: Readonly<Record<string, string>>
  /** ForSequenceClassification: activation(hidden · the first token's state), then output; both keep the hidden size up to the labels. */
  sequence: { hidden: string; activation: HeadActivation; output: string }
  /** Before the layers of a classifier; null: none there. */
  dropout: { sequenceInput: DropoutKeys | null; sequenceHidden: DropoutKeys; tokens: DropoutKeys }
}

/** Where config.json has a dropout: the first key that is not null counts. `own`: the one that is for classifiers alone. */
export interface DropoutKeys {
  keys: readonly string[]
  own?: string
  fallback: number
}

/** How one kind of encoder is written on disk. A new family is a new row. `#` stands for the number of a layer. */
export interface Family {
  name: 'bert' | 'distilbert' | 'roberta' | 'mpnet'
  /** Values of `model_type`. */
  modelTypes: readonly string[]
  /** Of the tensors in a file that was saved with a head on top. */
  prefix: string
  /** Keys of config.json: where several are given they mean the same. */
  keys: {
    hiddenSize: readonly string[]
    layers: readonly string[]
    heads: readonly string[]
    intermediateSize: readonly string[]
    activation: readonly string[]
  }
  /** What transformers takes for a key that config.json leaves out. */
  defaults: { vocabSize: number; layers: number; padTokenId: number }
  /** Null: config.json says it. */
  layerNormEps: number | null
  /** 'zero': positions count from 0. 'padding': from the padding id plus one. A number: the padding id is fixed in the code of the family. */
  positions: 'zero' | 'padding' | number
  tokenTypes: boolean
  relativeAttention: boolean
  /** Whether training has dropout behind the product after attention, as behind the second one of the layer. */
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
    // transformers takes 1 here whatever pad_token_id says.
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

/** Names of the embeddings: the same in every family. */
export const EMBEDDINGS = {
  word: 'embeddings.word_embeddings.weight',
  position: 'embeddings.position_embeddings.weight',
  tokenType: 'embeddings.token_type_embeddings.weight',
  norm: 'embeddings.LayerNorm',
  relativeAttentionBias: 'encoder.relative_attention_bias.weight',
} as const

/** Tensors that sentence vectors do not need, the family's prefix taken off: tables that can be computed, the pooler, heads of other tasks. */
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
