import type { DenseActivation, PoolingMode, PostStep } from '../../binding'
import type { SimilarityName } from './prompts'

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
