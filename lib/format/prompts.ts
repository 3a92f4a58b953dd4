import { SentorchError } from '../base/errors'
import { Fields } from '../files/fields'
import { readJson } from '../files/read'
import type { SentenceModules } from './sentence-modules'
import type { ModelRoot } from '../files/paths'

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
