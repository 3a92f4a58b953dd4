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
 * Reads modules.json and the modules that it lists. Throws ERR_MODEL_UNSUPPORTED for a module or a setting that is not implemented,
 * ERR_UNSAFE_MODEL for a path that leaves the folder.
 */
export async function readModules(root: ModelRoot): Promise<SentenceModules> {
  const json = await readJson(root, MODULES)
  if (json === undefined) return impliedModules(root)
  const [transformer, ...rest] = readEntries(json, root)
  if (transformer?.kind !== 'Transformer')
    throw unsupported(root, `must begin with a Transformer module, but begins with ${transformer?.kind ?? 'nothing'}`)
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
      `has ${pooling ? `a ${pooling.kind} module before` : 'no'} Pooling; models without pooled vectors are not supported`,
    )
  }
  const steps: PostStep[] = []
  const dense: DenseModule[] = []
  for (const { kind, path } of entries.slice(1)) {
    // Dropout has no effect outside training.
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

/** Activations by the last part of their torch.nn class name. Their GELU is the exact one. */
export const DENSE_ACTIVATIONS: Readonly<Record<string, DenseActivation>> = {
  Identity: 'identity',
  Tanh: 'tanh',
  ReLU: 'relu',
  GELU: 'gelu',
  Sigmoid: 'sigmoid',
  SiLU: 'silu',
}

/** The newer key (`pooling_mode`: a name or a list of names) takes precedence over the `pooling_mode_*` keys. Without either it is the mean. */
async function readPooling(
  root: ModelRoot,
  path: string,
): Promise<{ pooling: PoolingMode[]; poolingFeatures: number; includePrompt: boolean }> {
  const config = await readModuleConfig(root, path)
  const legacy = Object.values(POOLING_KEYS)
  refuseOthers(config, ['word_embedding_dimension', 'embedding_dimension', 'pooling_mode', 'include_prompt', ...legacy])
  // Several modes are concatenated in the order of this list, regardless of the order of the keys.
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
      `The pooling mode ${JSON.stringify(name)} in ${config.where} is unknown; supported modes are ${POOLING_NAMES.join(', ')}.`,
      { detail: { file: config.where, key: 'pooling_mode', value: name } },
    )
  }
  return names as PoolingMode[]
}

async function readDense(root: ModelRoot, path: string): Promise<DenseModule> {
  const config = await readModuleConfig(root, path)
  const known = ['in_features', 'out_features', 'bias', 'activation_function', 'module_input_name', 'module_output_name', 'use_residual']
  refuseOthers(config, known)
  refuseOtherFeatures(config)
  if (config.boolean('use_residual', false))
    throw config.unsupported('use_residual', 'a Dense module with a residual connection is not supported')
  return {
    path,
    inFeatures: config.integer('in_features', 1, 2 ** 20),
    outFeatures: config.integer('out_features', 1, 2 ** 20),
    bias: config.boolean('bias', true),
    activation: denseActivation(config),
  }
}

function denseActivation(config: Fields): DenseActivation {
  // The default of sentence-transformers.
  const name = config.string('activation_function', 'torch.nn.modules.activation.Tanh')
  const known = /^torch\.nn\.(?:modules\.(?:activation|linear)\.)?(\w+)$/.exec(name)?.[1]
  if (known === undefined || !Object.hasOwn(DENSE_ACTIVATIONS, known)) {
    throw config.unsupported('activation_function', `supported are these classes of torch.nn: ${Object.keys(DENSE_ACTIVATIONS).join(', ')}`)
  }
  return DENSE_ACTIVATIONS[known]!
}

/** Checks that a Normalize module applies to the pooled vector. Older folders have no config for it, or not even a folder. */
async function readNormalize(root: ModelRoot, path: string): Promise<void> {
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
  if (json === undefined)
    throw new SentorchError('ERR_MODEL_FORMAT', `${root.shown} contains no ${file}, but modules.json names its folder.`)
  return new Fields(json, `${file} in ${root.shown}`)
}

function refuseOthers(config: Fields, known: readonly string[]): void {
  const other = config.keys().find((key) => !known.includes(key))
  if (other !== undefined) throw config.unsupported(other, 'this setting is unknown')
}

export interface DenseModule {
  /** Folder of the module, relative to the model folder. */
  path: string
  inFeatures: number
  outFeatures: number
  bias: boolean
  activation: DenseActivation
}

/** The settings in sentence-transformers' files, resolved. */
export interface SentenceModules {
  /** Folder of the Transformer module (config.json, weights, tokenizer), relative to the model folder; '' is the model folder. */
  transformerPath: string
  /** Maximum tokens per text, special tokens included, as written. `openFolder` limits it to the encoder's positions and always sets it. */
  maxSeqLength?: number
  doLowerCase: boolean
  /** Concatenated in this order. */
  pooling: PoolingMode[]
  /** Token features as stated in the Pooling config. */
  poolingFeatures?: number
  /**
   * False: the tokens of the prompt, with the special token before them, are not pooled. `cls` then takes the first token after the prompt,
   * and `weightedmean` keeps the weights that the remaining tokens have with the prompt. If a text is cut inside its prompt, no tokens
   * remain: `cls` takes the first token after all, `max` is −∞, and the others are 0.
   */
  includePrompt: boolean
  /** The modules after pooling, in order. */
  steps: PostStep[]
  dense: DenseModule[]
  /** Prompts by name, in an object without a prototype. `query` and `document` always exist; they are empty if the folder has none. */
  prompts: Record<string, string>
  /** A key of `prompts`. */
  defaultPromptName?: string
  similarity?: SimilarityName
  /** Number of dimensions that the model itself keeps of its vectors. */
  truncateDim?: number
  /** True if there is no modules.json. Mean pooling is then assumed and sentence-transformers' other files are not read, as in Python. */
  implied: boolean
}

/** `euclidean` and `manhattan` are negative distances, so that larger always means more similar. */
export const SIMILARITY_NAMES = ['cosine', 'dot', 'euclidean', 'manhattan'] as const
export type SimilarityName = (typeof SIMILARITY_NAMES)[number]

const FILE = 'config_sentence_transformers.json'

/** The prompts of a folder, after the two empty ones that sentence-transformers adds to every model. */
export function promptsWith(stored: Iterable<readonly [name: string, prompt: string]>): Record<string, string> {
  const prompts = Object.create(null) as Record<string, string>
  for (const [name, prompt] of [['query', ''] as const, ['document', ''] as const, ...stored]) prompts[name] = prompt
  return prompts
}

/** Reads config_sentence_transformers.json: prompts, default prompt, similarity, truncation. Models before version 2.0 do not have this file. */
async function readPrompts(
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
      `default_prompt_name in ${config.where} is '${defaultPromptName}', but the model's prompts are ${Object.keys(prompts).join(', ')}.`,
    )
  }
  // As in Python, a similarity for another kind of model ('maxsim') is ignored.
  const similarity = SIMILARITY_NAMES.find((name) => name === config.raw('similarity_fn_name'))
  return {
    prompts,
    ...(defaultPromptName !== '' && { defaultPromptName }),
    ...(similarity && { similarity }),
    ...(config.given('truncate_dim') && { truncateDim: config.integer('truncate_dim', 1, 2 ** 20) }),
  }
}
