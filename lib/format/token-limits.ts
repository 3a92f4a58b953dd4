import { Fields } from '../files/fields'
import { joinPath, readJson, type ModelRoot } from '../files/read'

/** Config files of the Transformer module. All but the first are from early versions of sentence-transformers. The first that is not empty applies. */
const TRANSFORMER_CONFIGS = [
  'sentence_bert_config.json',
  'sentence_roberta_config.json',
  'sentence_distilbert_config.json',
  'sentence_camembert_config.json',
  'sentence_albert_config.json',
  'sentence_xlm-roberta_config.json',
  'sentence_xlnet_config.json',
]

/** Arguments for transformers that do not change the results. */
const HARMLESS_MODEL_ARGUMENTS = [
  'add_pooling_layer',
  'attn_implementation',
  'dtype',
  'torch_dtype',
  'trust_remote_code',
  'use_safetensors',
  'low_cpu_mem_usage',
]
const HARMLESS_TOKENIZER_ARGUMENTS = ['model_max_length', 'use_fast', 'trust_remote_code']
const HARMLESS_CONFIG_ARGUMENTS = ['trust_remote_code', 'use_cache']

/**
 * How the Transformer module cuts and prepares text: the limit of its own config, otherwise the tokenizer's `model_max_length`, otherwise none.
 * `folder`: the folder of the Transformer module. `tokenizerOnly`: the folder is not in sentence-transformers' layout.
 */
export async function readTokenLimits(
  root: ModelRoot,
  folder: string,
  { tokenizerOnly = false } = {},
): Promise<{ maxSeqLength?: number; doLowerCase: boolean }> {
  const config = tokenizerOnly ? undefined : await readTransformerConfig(root, folder)
  if (config) refuseFeatures(config)
  const tokenizer = config ? tokenizerArguments(config) : undefined
  const maxSeqLength =
    (tokenizer && limit(tokenizer, 'model_max_length')) ??
    (config && limit(config, 'max_seq_length')) ??
    (await tokenizerLimit(root, folder))
  return { ...(maxSeqLength !== undefined && { maxSeqLength }), doLowerCase: config?.boolean('do_lower_case', false) ?? false }
}

async function readTransformerConfig(root: ModelRoot, folder: string): Promise<Fields | undefined> {
  for (const name of TRANSFORMER_CONFIGS) {
    const path = joinPath(folder, name)
    const json = await readJson(root, path)
    if (json === undefined) continue
    const fields = new Fields(json, `${path} in ${root.shown}`)
    if (fields.keys().length > 0) return fields
  }
  return undefined
}

function refuseFeatures(config: Fields): void {
  if (config.given('transformer_task') && config.raw('transformer_task') !== 'feature-extraction') {
    throw config.unsupported('transformer_task', "only 'feature-extraction' is supported")
  }
  if (config.given('module_output_name') && config.raw('module_output_name') !== 'token_embeddings') {
    throw config.unsupported('module_output_name', "only 'token_embeddings' is supported")
  }
  const modalities = config.object('modality_config')
  for (const modality of modalities.keys()) {
    if (modality !== 'text') throw modalities.unsupported(modality, 'only text is supported')
    const text = modalities.object('text')
    if (text.string('method') !== 'forward') throw text.unsupported('method', "only 'forward' is supported")
    if (text.string('method_output_name') !== 'last_hidden_state') {
      throw text.unsupported('method_output_name', "only 'last_hidden_state' is supported")
    }
  }
  for (const key of ['query_length', 'document_length', 'query_expansion', 'tokenizer_name_or_path']) {
    if (config.given(key)) throw config.unsupported(key, 'this setting is not supported')
  }
  refuseArguments(config, ['processing_kwargs'], [])
  refuseArguments(config, ['model_args', 'model_kwargs'], HARMLESS_MODEL_ARGUMENTS)
  refuseArguments(config, ['tokenizer_args', 'processor_kwargs'], HARMLESS_TOKENIZER_ARGUMENTS)
  refuseArguments(config, ['config_args', 'config_kwargs'], HARMLESS_CONFIG_ARGUMENTS)
}

function refuseArguments(config: Fields, keys: readonly string[], harmless: readonly string[]): void {
  for (const key of keys) {
    const given = config.object(key)
    const other = given.keys().find((name) => !harmless.includes(name))
    if (other !== undefined) throw given.unsupported(other, 'this argument is not supported')
  }
}

function tokenizerArguments(config: Fields): Fields {
  return config.object(config.given('processor_kwargs') ? 'processor_kwargs' : 'tokenizer_args')
}

async function tokenizerLimit(root: ModelRoot, folder: string): Promise<number | undefined> {
  const path = joinPath(folder, 'tokenizer_config.json')
  const json = await readJson(root, path)
  if (json === undefined) return undefined
  const tokenizer = new Fields(json, `${path} in ${root.shown}`)
  return limit(tokenizer, tokenizer.given('model_max_length') ? 'model_max_length' : 'max_len')
}

/** Undefined if it is absent or null. transformers writes 1e30 for "no limit". */
function limit(config: Fields, key: string): number | undefined {
  const value = config.raw(key)
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 2) throw config.bad(key, 'an integer of at least 2')
  return value
}
