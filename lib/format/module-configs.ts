import type { DenseActivation, PoolingMode } from '../../binding'
import { SentorchError } from '../base/errors'
import { Fields } from '../files/fields'
import { readJson } from '../files/read'
import type { DenseModule } from './sentence-modules'
import { joinPath, type ModelRoot } from '../files/paths'

/** The long-standing keys, in the order in which their vectors are put side by side. */
export const POOLING_KEYS: readonly (readonly [string, PoolingMode])[] = [
  ['pooling_mode_cls_token', 'cls'],
  ['pooling_mode_max_tokens', 'max'],
  ['pooling_mode_mean_tokens', 'mean'],
  ['pooling_mode_mean_sqrt_len_tokens', 'mean_sqrt_len_tokens'],
  ['pooling_mode_weightedmean_tokens', 'weightedmean'],
  ['pooling_mode_lasttoken', 'lasttoken'],
]
const POOLING_MODES: readonly string[] = POOLING_KEYS.map(([, mode]) => mode)

/** Classes of torch.nn by their last name. GELU is the exact one there. */
export const DENSE_ACTIVATIONS: Readonly<Record<string, DenseActivation>> = {
  Identity: 'identity',
  Tanh: 'tanh',
  ReLU: 'relu',
  GELU: 'gelu',
  Sigmoid: 'sigmoid',
  SiLU: 'silu',
}

/** The newer spelling (`pooling_mode`: a name or a list of names) wins over the `pooling_mode_*` keys; without either it is the mean. */
export async function readPooling(
  root: ModelRoot,
  path: string,
): Promise<{ pooling: PoolingMode[]; poolingFeatures: number; includePrompt: boolean }> {
  const config = await readModuleConfig(root, path)
  const legacy = POOLING_KEYS.map(([key]) => key)
  refuseOthers(config, ['word_embedding_dimension', 'embedding_dimension', 'pooling_mode', 'include_prompt', ...legacy])
  const active = POOLING_KEYS.filter(([key]) => config.given(key) && config.boolean(key)).map(([, mode]) => mode)
  const pooling = config.has('pooling_mode') ? poolingMode(config) : active
  return {
    pooling: pooling.length > 0 ? pooling : ['mean'],
    poolingFeatures: config.integer(config.has('embedding_dimension') ? 'embedding_dimension' : 'word_embedding_dimension', 1, 2 ** 20),
    includePrompt: config.boolean('include_prompt', true),
  }
}

function poolingMode(config: Fields): PoolingMode[] {
  const value = config.raw('pooling_mode')
  const names: unknown[] = Array.isArray(value) ? value : [value]
  if (names.length === 0) throw config.bad('pooling_mode', 'at least one mode')
  for (const name of names) {
    if (typeof name !== 'string') throw config.bad('pooling_mode', 'a name or a list of names')
    if (POOLING_MODES.includes(name)) continue
    throw new SentorchError(
      'ERR_MODEL_UNSUPPORTED',
      `The pooling mode ${JSON.stringify(name)} in ${config.where} is unknown; supported are ${POOLING_MODES.join(', ')}.`,
      { detail: { file: config.where, key: 'pooling_mode', value: name } },
    )
  }
  return names as PoolingMode[]
}

export async function readDense(root: ModelRoot, path: string): Promise<DenseModule> {
  const config = await readModuleConfig(root, path)
  const known = ['in_features', 'out_features', 'bias', 'activation_function', 'module_input_name', 'module_output_name', 'use_residual']
  refuseOthers(config, known)
  refuseOtherFeatures(config)
  if (config.boolean('use_residual', false)) throw config.unsupported('use_residual', 'a Dense module with a residual is not supported')
  return {
    path,
    inFeatures: config.integer('in_features', 1, 2 ** 20),
    outFeatures: config.integer('out_features', 1, 2 ** 20),
    bias: config.boolean('bias', true),
    activation: denseActivation(config),
  }
}

function denseActivation(config: Fields): DenseActivation {
  // sentence-transformers' own default.
  const name = config.string('activation_function', 'torch.nn.modules.activation.Tanh')
  const known = /^torch\.nn\.(?:modules\.(?:activation|linear)\.)?(\w+)$/.exec(name)?.[1]
  if (known === undefined || !Object.hasOwn(DENSE_ACTIVATIONS, known)) {
    throw config.unsupported('activation_function', `supported are those of torch.nn: ${Object.keys(DENSE_ACTIVATIONS).join(', ')}`)
  }
  return DENSE_ACTIVATIONS[known]!
}

/** Checks that a Normalize module works on the pooled vector. Older folders have no config for it, or not even the folder. */
export async function readNormalize(root: ModelRoot, path: string): Promise<void> {
  if (path === '') return
  const json = await readJson(root, `${path}/config.json`)
  if (json !== undefined) refuseOtherFeatures(new Fields(json, `${path}/config.json in ${root.shown}`))
}

function refuseOtherFeatures(config: Fields): void {
  for (const key of ['module_input_name', 'module_output_name']) {
    if (config.given(key) && config.raw(key) !== 'sentence_embedding')
      throw config.unsupported(key, "only 'sentence_embedding' is supported")
  }
}

async function readModuleConfig(root: ModelRoot, path: string): Promise<Fields> {
  const file = joinPath(path, 'config.json')
  const json = await readJson(root, file)
  if (json === undefined) throw new SentorchError('ERR_MODEL_FORMAT', `${file} is missing in ${root.shown}; modules.json names its folder.`)
  return new Fields(json, `${file} in ${root.shown}`)
}

function refuseOthers(config: Fields, known: readonly string[]): void {
  const other = config.keys().find((key) => !known.includes(key))
  if (other !== undefined) throw config.unsupported(other, 'this setting is not known')
}
