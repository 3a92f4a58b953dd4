import { SentorchError } from '../errors'
import { SIMILARITY_NAMES } from '../similarity'
import { Fields } from './fields'
import { readJson } from './files'
import type { SentenceModules } from './modules'
import type { ModelRoot } from './paths'

const FILE = 'config_sentence_transformers.json'

/** sentence-transformers gives every model these two, empty where the folder has none. */
const BUILT_IN = ['query', 'document']

/** Reads config_sentence_transformers.json: prompts, default prompt, similarity, truncation. Models older than 2.0 have no such file. */
export async function readPrompts(
  root: ModelRoot,
): Promise<Pick<SentenceModules, 'prompts' | 'defaultPromptName' | 'similarity' | 'truncateDim'>> {
  const prompts: Record<string, string> = Object.create(null) as Record<string, string>
  const json = await readJson(root, FILE)
  if (json === undefined) return { prompts }
  const config = new Fields(json, `${FILE} in ${root.shown}`)
  if (config.given('model_type') && config.raw('model_type') !== 'SentenceTransformer') {
    throw config.unsupported('model_type', "only 'SentenceTransformer' is supported")
  }
  const stored = config.object('prompts')
  for (const name of stored.keys()) prompts[name] = stored.given(name) ? stored.string(name) : ''
  const defaultPromptName = config.given('default_prompt_name') ? config.string('default_prompt_name') : ''
  if (defaultPromptName !== '' && !(defaultPromptName in prompts) && !BUILT_IN.includes(defaultPromptName)) {
    throw new SentorchError(
      'ERR_MODEL_FORMAT',
      `default_prompt_name is '${defaultPromptName}' in ${config.where}, but prompts has only ${Object.keys(prompts).join(', ') || 'nothing'}.`,
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
