import type { DenseActivation, PoolingMode } from '../../binding'
import { familyOf } from './families'
import type { ModelFolder } from './folder'
import { readJson } from '../files/read'
import { isObject } from '../files/fields'
import { POOLING_KEYS, POOLING_NAMES } from '../pooling/poolings'
import { DENSE_ACTIVATIONS } from './modules'

/** Prefix of class names that every version of sentence-transformers accepts. */
const CLASS = 'sentence_transformers.models.'

export interface ModuleFiles {
  /** Contents of the JSON files, by path. */
  files: Map<string, unknown>
  /** Folders of the modules, including those without a file. */
  folders: string[]
  /** Folders of the Dense modules, in order. */
  dense: string[]
}

/** The pipeline as sentence-transformers writes it: modules.json, a folder for each module, and two files with settings. */
export async function moduleFiles(folder: ModelFolder, version: string): Promise<ModuleFiles> {
  const { modules, config } = folder
  const entries = [{ idx: 0, name: '0', path: '', type: `${CLASS}Transformer` }]
  const files = new Map<string, unknown>()
  const add = (kind: string, content?: object): string => {
    const idx = entries.length
    const path = `${idx}_${kind}`
    entries.push({ idx, name: String(idx), path, type: CLASS + kind })
    if (content) files.set(`${path}/config.json`, content)
    return path
  }
  add('Pooling', poolingConfig(modules.pooling, config.hiddenSize, modules.includePrompt))
  const dense: string[] = []
  for (const step of modules.steps) {
    if (step === 'normalize') {
      add('Normalize')
      continue
    }
    const { inFeatures, outFeatures, bias, activation } = modules.dense[step]!
    const activation_function = activationClass(activation)
    dense[step] = add('Dense', { in_features: inFeatures, out_features: outFeatures, bias, activation_function })
  }
  files.set('modules.json', entries)
  files.set('sentence_bert_config.json', { max_seq_length: modules.maxSeqLength, do_lower_case: modules.doLowerCase })
  files.set('config_sentence_transformers.json', await settings(folder, version))
  return { files, folders: entries.slice(1).map(({ path }) => path), dense }
}

/** Uses the older keys, which every reader knows, unless the order of the poolings differs from that of these keys. */
function poolingConfig(pooling: readonly PoolingMode[], hiddenSize: number, includePrompt: boolean): object {
  const modes = POOLING_NAMES.filter((name) => pooling.includes(name))
  const keys = Object.fromEntries(POOLING_NAMES.map((name) => [POOLING_KEYS[name], pooling.includes(name)]))
  return modes.join() === pooling.join()
    ? { word_embedding_dimension: hiddenSize, ...keys, include_prompt: includePrompt }
    : { embedding_dimension: hiddenSize, pooling_mode: pooling, include_prompt: includePrompt }
}

function activationClass(activation: DenseActivation): string {
  const name = Object.keys(DENSE_ACTIVATIONS).find((key) => DENSE_ACTIVATIONS[key] === activation)!
  return `torch.nn.modules.${name === 'Identity' ? 'linear' : 'activation'}.${name}`
}

/** The settings of the source are kept unchanged, except for prompts that `Model.load` was given: similarity, truncation, and entries of other programs. */
async function settings({ root, modules, properties }: ModelFolder, version: string): Promise<object> {
  const source = modules.implied ? undefined : await readJson(root, 'config_sentence_transformers.json')
  const empty = { prompts: {}, default_prompt_name: null, similarity_fn_name: null }
  const kept = isObject(source) ? source : { __version__: { sentorch: version }, ...empty }
  if (properties.prompts === undefined && properties.defaultPromptName === undefined) return kept
  return { ...kept, prompts: { ...modules.prompts }, default_prompt_name: modules.defaultPromptName ?? null }
}

/** Keys that describe a classifier, or Python code that is not copied. */
const NOT_OF_ENCODER = ['id2label', 'label2id', 'problem_type', 'num_labels', 'auto_map']

/** The config.json of the encoder alone, as AutoModel saves it. `float32`: the parameters are written in this type. */
export function encoderConfig({ configJson, config }: ModelFolder, float32: boolean): Record<string, unknown> {
  const kept = Object.entries(configJson).filter(([key]) => !NOT_OF_ENCODER.includes(key))
  const className = `${familyOf(config.modelType)!.classifiers.classes[config.modelType]}Model`
  return { ...Object.fromEntries(kept), architectures: [className], ...(float32 && dtypeOf(configJson)) }
}

/** transformers casts parameters to the type in config.json, under the older key, the newer one, or both. */
function dtypeOf(json: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(['dtype', 'torch_dtype'].filter((key) => Object.hasOwn(json, key)).map((key) => [key, 'float32']))
}
