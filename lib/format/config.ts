import type { HiddenActivation } from '../../binding'
import { SentorchError } from '../base/errors'
import { FAMILIES, familyOf, type Family } from './families'
import { Fields } from '../files/fields'

/** The encoder as described by config.json, with every value checked. */
export interface EncoderConfig {
  modelType: string
  family: Family['name']
  vocabSize: number
  hiddenSize: number
  heads: number
  layers: number
  intermediateSize: number
  /** Number of rows of the position table. */
  maxPositions: number
  /** Maximum number of tokens per text. RoBERTa and MPNet do not use the rows up to the padding id. */
  usablePositions: number
  /** −1 if positions count from 0; otherwise the padding id from which they count. */
  positionPadding: number
  /** Id whose word embedding is not trained, as in transformers' model of this family; −1 if there is none. */
  wordPadding: number
  layerNormEps: number
  activation: HiddenActivation
  /** Number of rows of the token-type table; 0 if the model has none. */
  typeVocabSize: number
  /** Buckets of MPNet's relative-position bias; 0 in other families. */
  relativeAttentionBuckets: number
  padTokenId: number
}

/** Names in config.json. The four tanh forms are one formula with different spellings. */
const ACTIVATIONS: Readonly<Record<string, HiddenActivation>> = {
  gelu: 'gelu',
  gelu_python: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_fast: 'gelu_tanh',
  gelu_accurate: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  gelu_python_tanh: 'gelu_tanh',
  relu: 'relu',
  silu: 'silu',
  swish: 'silu',
  tanh: 'tanh',
}

/** transformers always computes MPNet's buckets for 32, regardless of the config. */
const MPNET_BUCKETS = 32

/**
 * Reads a config.json. `where` is its name in messages.
 * Throws ERR_MODEL_FORMAT for an invalid value, and ERR_MODEL_UNSUPPORTED for a model type, an activation or a feature that is not implemented.
 */
export function parseConfig(json: unknown, where: string): EncoderConfig {
  const config = new Fields(json, where)
  const modelType = config.string('model_type')
  const family = familyOf(modelType)
  if (family === undefined) {
    throw config.unsupported('model_type', `supported values are ${FAMILIES.flatMap((f) => f.modelTypes).join(', ')}`)
  }
  refuseFeatures(config)
  const { keys, defaults } = family
  const hiddenSize = config.integer(oneKey(config, keys.hiddenSize), 1, 65536, 768)
  const heads = config.integer(oneKey(config, keys.heads), 1, 4096, 12)
  if (hiddenSize % heads !== 0) {
    throw new SentorchError(
      'ERR_MODEL_FORMAT',
      `The hidden size ${hiddenSize} is not divisible by the ${heads} attention heads in ${where}.`,
    )
  }
  const vocabSize = config.integer('vocab_size', 1, 2 ** 31 - 1, defaults.vocabSize)
  // Null means that the model has no padding token, which is impossible in a family that counts positions from it.
  const padded = config.given('pad_token_id') || (config.has('pad_token_id') && family.positions === 'padding')
  const padTokenId = padded ? config.integer('pad_token_id', 0, vocabSize - 1) : defaults.padTokenId
  const maxPositions = config.integer('max_position_embeddings', 1, 2 ** 24, 512)
  const positionPadding = family.positions === 'zero' ? -1 : family.positions === 'padding' ? padTokenId : family.positions
  const usablePositions = maxPositions - positionPadding - 1
  if (usablePositions < 2) {
    throw new SentorchError(
      'ERR_MODEL_FORMAT',
      `max_position_embeddings in ${where} is ${maxPositions}, which is too small: positions begin at ${positionPadding + 1}, so only ${Math.max(0, usablePositions)} tokens fit.`,
    )
  }
  const noPadding = config.has('pad_token_id') && !padded
  const wordPadding = noPadding ? -1 : typeof family.positions === 'number' ? family.positions : padTokenId
  return {
    modelType,
    family: family.name,
    vocabSize,
    hiddenSize,
    heads,
    layers: config.integer(oneKey(config, keys.layers), 1, 1024, defaults.layers),
    intermediateSize: config.integer(oneKey(config, keys.intermediateSize), 1, 2 ** 20, 3072),
    maxPositions,
    usablePositions,
    positionPadding,
    wordPadding,
    layerNormEps: family.layerNormEps ?? epsilon(config),
    activation: activation(config, oneKey(config, keys.activation)),
    typeVocabSize: family.tokenTypes ? config.integer('type_vocab_size', 0, 65536, 2) : 0,
    relativeAttentionBuckets: family.relativeAttention ? buckets(config) : 0,
    padTokenId,
  }
}

function refuseFeatures(config: Fields): void {
  if (config.given('position_embedding_type') && config.raw('position_embedding_type') !== 'absolute') {
    throw config.unsupported('position_embedding_type', "only 'absolute' is supported")
  }
  for (const key of ['is_decoder', 'add_cross_attention', 'is_encoder_decoder']) {
    if (config.given(key) && config.boolean(key)) throw config.unsupported(key, 'only encoders are supported')
  }
  if (config.given('quantization_config'))
    throw config.unsupported('quantization_config', 'only float32, float16 and bfloat16 weights are supported')
  if (config.object('pruned_heads').keys().length > 0)
    throw config.unsupported('pruned_heads', 'layers with pruned attention heads are not supported')
}

/** The key that config.json uses for a value. Two spellings with different values are ambiguous. */
function oneKey(config: Fields, keys: readonly string[]): string {
  const used = keys.filter((key) => config.has(key))
  if (new Set(used.map((key) => config.raw(key))).size > 1) {
    throw new SentorchError('ERR_MODEL_FORMAT', `${used.join(' and ')} in ${config.where} have the same meaning but different values.`)
  }
  return used[0] ?? keys[0]!
}

function epsilon(config: Fields): number {
  const value = config.has('layer_norm_eps') ? config.raw('layer_norm_eps') : 1e-12
  if (typeof value !== 'number' || !(value > 0 && value <= 1)) throw config.bad('layer_norm_eps', 'a number above 0 and at most 1')
  return value
}

function activation(config: Fields, key: string): HiddenActivation {
  const name = config.string(key, 'gelu')
  if (!Object.hasOwn(ACTIVATIONS, name)) throw config.unsupported(key, `supported values are ${Object.keys(ACTIVATIONS).join(', ')}`)
  return ACTIVATIONS[name]!
}

function buckets(config: Fields): number {
  const key = 'relative_attention_num_buckets'
  if (config.integer(key, 1, 65536, MPNET_BUCKETS) !== MPNET_BUCKETS) throw config.unsupported(key, `only ${MPNET_BUCKETS} is supported`)
  return MPNET_BUCKETS
}
