import type { DenseActivation, PoolingMode, PostStep } from '../../binding'
import { describe } from '../base/check'
import { SentorchError } from '../base/errors'
import { printable, trimPath } from '../base/text'
import { Fields } from '../files/fields'
import { checkRelative, joinPath, readJson, type ModelRoot } from '../files/read'
import { DEFAULT_POOLING, POOLING_KEYS, POOLING_NAMES } from '../pooling/poolings'
import { readTokenLimits } from './token-limits'

interface ModuleEntry {
  kind: string
  path: string
}

const MODULES = 'modules.json'
const SUPPORTED = ['Transformer', 'Pooling', 'Dense', 'Normalize', 'Dropout']

/** `sentence_transformers.models.Pooling`, `sentence_transformers.sentence_transformer.modules.pooling.Pooling`, … */
const CLASS = /^sentence_transformers\.(?:models|base\.modules|sentence_transformer\.modules)\.(?:\w+\.)?(\w+)$/

/**
 * Reads modules.json and what it names. ERR_MODEL_UNSUPPORTED names the module or the setting that is not built,
 * ERR_UNSAFE_MODEL a path that leaves the folder.
 */
export async function readModules(root: ModelRoot): Promise<SentenceModules> {
  const json = await readJson(root, MODULES)
  if (json === undefined) return impliedModules(root)
  const [transformer, ...rest] = readEntries(json, root)
  if (transformer?.kind !== 'Transformer') throw unsupported(root, `begins with ${transformer?.kind ?? 'nothing'} instead of a Transformer`)
  const [limits, prompts] = await Promise.all([readTokenLimits(root, transformer.path), readPrompts(root)])
  return { transformerPath: transformer.path, ...limits, ...(await readPipeline(root, rest)), ...prompts, implied: false }
}

async function readPipeline(
  root: ModelRoot,
  entries: readonly ModuleEntry[],
): Promise<Pick<SentenceModules, 'pooling' | 'poolingFeatures' | 'includePrompt' | 'steps' | 'dense'>> {
  const pooling = entries[0]
  if (pooling?.kind !== 'Pooling') {
    throw unsupported(
      root,
      `has ${pooling ? `${pooling.kind} before` : 'no'} Pooling; vectors of single tokens are not what it is loaded for`,
    )
  }
  const steps: PostStep[] = []
  const dense: DenseModule[] = []
  for (const { kind, path } of entries.slice(1)) {
    // Dropout does nothing outside training.
    if (kind === 'Dropout') continue
    if (kind === 'Normalize') {
      await readNormalize(root, path)
      steps.push('normalize')
    } else if (kind === 'Dense') {
      steps.push(dense.push(await readDense(root, path)) - 1)
    } else {
      throw unsupported(root, `has a second ${kind} module`)
    }
  }
  return { ...(await readPooling(root, pooling.path)), steps, dense }
}

function readEntries(json: unknown, root: ModelRoot): ModuleEntry[] {
  const where = `${MODULES} in ${root.shown}`
  if (!Array.isArray(json))
    throw new SentorchError('ERR_MODEL_FORMAT', `Expected a list of modules in ${where}, received ${describe(json)}.`)
  return json.map((entry, i) => {
    const fields = new Fields(entry, `module ${i} of ${where}`)
    const type = fields.string('type')
    const path = fields.string('path', '')
    checkRelative(root, path, MODULES)
    const kind = CLASS.exec(type)?.[1]
    if (kind === undefined || !SUPPORTED.includes(kind)) {
      const what = `is ${printable(type)}, which is not supported. Supported modules are ${SUPPORTED.join(', ')}`
      throw new SentorchError('ERR_MODEL_UNSUPPORTED', `Module ${i} of ${where} ${what}.`, { detail: { file: MODULES, type } })
    }
    return { kind, path: trimPath(path).replace(/^\.$/, '') }
  })
}

async function impliedModules(root: ModelRoot): Promise<SentenceModules> {
  const { maxSeqLength } = await readTokenLimits(root, '', { tokenizerOnly: true })
  return {
    transformerPath: '',
    ...(maxSeqLength !== undefined && { maxSeqLength }),
    doLowerCase: false,
    pooling: [DEFAULT_POOLING],
    includePrompt: true,
    steps: [],
    dense: [],
    prompts: promptsWith([]),
    implied: true,
  }
}

function unsupported(root: ModelRoot, what: string): SentorchError {
  return new SentorchError('ERR_MODEL_UNSUPPORTED', `${MODULES} in ${root.shown} ${what}.`, { detail: { file: MODULES } })
}

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
  const legacy = Object.values(POOLING_KEYS)
  refuseOthers(config, ['word_embedding_dimension', 'embedding_dimension', 'pooling_mode', 'include_prompt', ...legacy])
  // Several are put side by side in the order of this list, whatever the order of the keys.
  const active = POOLING_NAMES.filter((name) => config.given(POOLING_KEYS[name]) && config.boolean(POOLING_KEYS[name]))
  const pooling = config.has('pooling_mode') ? poolingMode(config) : active
  return {
    pooling: pooling.length > 0 ? pooling : [DEFAULT_POOLING],
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
    if ((POOLING_NAMES as readonly string[]).includes(name)) continue
    throw new SentorchError(
      'ERR_MODEL_UNSUPPORTED',
      `The pooling mode ${JSON.stringify(name)} in ${config.where} is unknown; supported are ${POOLING_NAMES.join(', ')}.`,
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

export interface DenseModule {
  /** Folder of the module, relative to the model's. */
  path: string
  inFeatures: number
  outFeatures: number
  bias: boolean
  activation: DenseActivation
}

/** What sentence-transformers' files say about a model, resolved. */
export interface SentenceModules {
  /** Folder of the Transformer module (config.json, weights, tokenizer), relative to the model's; '' is the model's own. */
  transformerPath: string
  /** Tokens of one text, the special ones counted, as written; `openFolder` cuts it to the positions of the encoder and always sets it. */
  maxSeqLength?: number
  doLowerCase: boolean
  /** Put side by side in this order. */
  pooling: PoolingMode[]
  /** Features of a token as the Pooling config states them. */
  poolingFeatures?: number
  /**
   * False: the tokens of the prompt, with the special token before them, are not pooled. `cls` then takes the first token behind the prompt,
   * `weightedmean` keeps the weights that the remaining tokens have with the prompt. Of a text that was cut inside its prompt nothing
   * remains: `cls` is the first token after all, the others are 0, `max` is −∞.
   */
  includePrompt: boolean
  /** After pooling, in order. */
  steps: PostStep[]
  dense: DenseModule[]
  /** Texts by their name, in an object without a prototype; `query` and `document` are always there, empty where the folder has none. */
  prompts: Record<string, string>
  /** A key of `prompts`. */
  defaultPromptName?: string
  similarity?: SimilarityName
  /** Dimensions that the model itself keeps of its vectors. */
  truncateDim?: number
  /** True: there is no modules.json; mean pooling is assumed, and sentence-transformers' other files are not read, as Python has it. */
  implied: boolean
}

/** `euclidean` and `manhattan` are negative distances, so that larger is always more alike. */
export const SIMILARITY_NAMES = ['cosine', 'dot', 'euclidean', 'manhattan'] as const
export type SimilarityName = (typeof SIMILARITY_NAMES)[number]

const FILE = 'config_sentence_transformers.json'

/** The prompts that a folder names, after the two that sentence-transformers gives every model, empty where the folder has none. */
export function promptsWith(stored: Iterable<readonly [name: string, prompt: string]>): Record<string, string> {
  const prompts = Object.create(null) as Record<string, string>
  for (const [name, prompt] of [['query', ''] as const, ['document', ''] as const, ...stored]) prompts[name] = prompt
  return prompts
}

/** Reads config_sentence_transformers.json: prompts, default prompt, similarity, truncation. Models older than 2.0 have no such file. */
export async function readPrompts(
  root: ModelRoot,
): Promise<Pick<SentenceModules, 'prompts' | 'defaultPromptName' | 'similarity' | 'truncateDim'>> {
  const json = await readJson(root, FILE)
  if (json === undefined) return { prompts: promptsWith([]) }
  const config = new Fields(json, `${FILE} in ${root.shown}`)
  if (config.given('model_type') && config.raw('model_type') !== 'SentenceTransformer') {
    throw config.unsupported('model_type', "only 'SentenceTransformer' is supported")
  }
  const stored = config.object('prompts')
  const prompts = promptsWith(stored.keys().map((name) => [name, stored.given(name) ? stored.string(name) : '']))
  const defaultPromptName = config.given('default_prompt_name') ? config.string('default_prompt_name') : ''
  if (defaultPromptName !== '' && !(defaultPromptName in prompts)) {
    throw new SentorchError(
      'ERR_MODEL_FORMAT',
      `default_prompt_name is '${defaultPromptName}' in ${config.where}, but the model's prompts are ${Object.keys(prompts).join(', ')}.`,
    )
  }
  // As in Python, a similarity of another kind of model ('maxsim') is passed over.
  const similarity = SIMILARITY_NAMES.find((name) => name === config.raw('similarity_fn_name'))
  return {
    prompts,
    ...(defaultPromptName !== '' && { defaultPromptName }),
    ...(similarity && { similarity }),
    ...(config.given('truncate_dim') && { truncateDim: config.integer('truncate_dim', 1, 2 ** 20) }),
  }
}
