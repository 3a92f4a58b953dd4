import { safetensors, type TensorSpec } from './safetensors'

export type FamilyName = 'bert' | 'distilbert' | 'roberta' | 'mpnet'
export type Tensors = Record<string, TensorSpec>

/** Sizes of the fabricated models: no two that could be mistaken for each other are equal. */
export const TINY = { vocab: 11, hidden: 4, heads: 2, layers: 2, wide: 6, positions: 10, types: 2 }

const { vocab, hidden, heads, layers, wide, positions, types } = TINY

const bertConfig = (modelType: string): Record<string, unknown> => ({
  model_type: modelType,
  vocab_size: vocab,
  hidden_size: hidden,
  num_attention_heads: heads,
  num_hidden_layers: layers,
  intermediate_size: wide,
  max_position_embeddings: positions,
})

export const CONFIGS: Record<FamilyName, Record<string, unknown>> = {
  bert: { ...bertConfig('bert'), type_vocab_size: types, hidden_act: 'gelu', pad_token_id: 0 },
  roberta: { ...bertConfig('roberta'), type_vocab_size: types, pad_token_id: 1, layer_norm_eps: 1e-5 },
  mpnet: { ...bertConfig('mpnet'), pad_token_id: 1, relative_attention_num_buckets: 32 },
  distilbert: {
    model_type: 'distilbert',
    vocab_size: vocab,
    dim: hidden,
    n_heads: heads,
    n_layers: layers,
    hidden_dim: wide,
    max_position_embeddings: positions,
    activation: 'gelu',
  },
}

/** Names as transformers' models save them: an oracle of its own, not the table under test. */
const LAYERS: Record<FamilyName, { at: string; square: string[]; up: string; down: string; norms: string[] }> = {
  bert: {
    at: 'encoder.layer.',
    square: ['attention.self.query', 'attention.self.key', 'attention.self.value', 'attention.output.dense'],
    up: 'intermediate.dense',
    down: 'output.dense',
    norms: ['attention.output.LayerNorm', 'output.LayerNorm'],
  },
  get roberta() {
    return this.bert
  },
  mpnet: {
    at: 'encoder.layer.',
    square: ['attention.attn.q', 'attention.attn.k', 'attention.attn.v', 'attention.attn.o'],
    up: 'intermediate.dense',
    down: 'output.dense',
    norms: ['attention.LayerNorm', 'output.LayerNorm'],
  },
  distilbert: {
    at: 'transformer.layer.',
    square: ['attention.q_lin', 'attention.k_lin', 'attention.v_lin', 'attention.out_lin'],
    up: 'ffn.lin1',
    down: 'ffn.lin2',
    norms: ['sa_layer_norm', 'output_layer_norm'],
  },
}

/** The tensors of a tiny encoder, every name behind `prefix`. */
export function encoderTensors(family: FamilyName, prefix = '', dtype = 'F32'): Tensors {
  const tensors: Tensors = {}
  const put = (name: string, ...shape: number[]): void => void (tensors[prefix + name] = { dtype, shape })
  const both = (name: string, out: number, ...rest: number[]): void => {
    put(`${name}.weight`, out, ...rest)
    put(`${name}.bias`, out)
  }
  put('embeddings.word_embeddings.weight', vocab, hidden)
  put('embeddings.position_embeddings.weight', positions, hidden)
  if (family === 'bert' || family === 'roberta') put('embeddings.token_type_embeddings.weight', types, hidden)
  both('embeddings.LayerNorm', hidden)
  for (let layer = 0; layer < layers; layer++) {
    const { at, square, up, down, norms } = LAYERS[family]
    for (const name of square) both(`${at}${layer}.${name}`, hidden, hidden)
    both(`${at}${layer}.${up}`, wide, hidden)
    both(`${at}${layer}.${down}`, hidden, wide)
    for (const name of norms) both(`${at}${layer}.${name}`, hidden)
  }
  if (family === 'mpnet') put('encoder.relative_attention_bias.weight', 32, heads)
  return tensors
}

/** The files of a plain folder that opens. */
export function tinyFiles(family: FamilyName = 'bert'): Record<string, unknown> {
  return { 'config.json': CONFIGS[family], 'model.safetensors': safetensors(encoderTensors(family)) }
}

/** Entries of modules.json, their type by its last name. */
export const TRANSFORMER = { type: 'Transformer', path: '' }
export const POOLING = { type: 'Pooling', path: '1_Pooling' }
export const DENSE = { type: 'Dense', path: '2_Dense' }
export const NORMALIZE = { type: 'Normalize', path: '3_Normalize' }

export interface ModuleFiles {
  /** By type (its last name is enough for those of sentence-transformers) and path. */
  modules: { type: string; path: string }[]
  files?: Record<string, unknown>
}

/** The files of a sentence-transformers folder around the tiny BERT, the long-standing spelling. */
export function sentenceFiles(more: Partial<ModuleFiles> = {}): Record<string, unknown> {
  const modules = more.modules ?? [TRANSFORMER, POOLING]
  return {
    ...tinyFiles(),
    'modules.json': modules.map(({ type, path }, idx) => ({
      idx,
      name: String(idx),
      path,
      type: type.includes('.') ? type : `sentence_transformers.models.${type}`,
    })),
    '1_Pooling/config.json': { word_embedding_dimension: hidden, pooling_mode_mean_tokens: true },
    ...more.files,
  }
}
