import { booleanOf, integerIn, invalid, stringOf } from '../base/check'
import { keysOf, refusal } from '../base/arguments'
import { poolingNames, type PoolingName } from '../pooling/poolings'
import type { EncoderConfig } from './config'
import { promptsWith, type SentenceModules } from './modules'

/** How a model turns texts into sentence vectors, where that differs from the files of its folder. `model.save` writes it into the saved folder. */
export interface ModelProperties {
  /**
   * Pooling instead of the folder's: one mode, or several whose results are concatenated. Must fit the input size of the model's Dense modules.
   * Stored heads keep the pooling that they were trained with. Defaults to the folder's, or to `mean` if it does not name one.
   */
  pooling?: PoolingName | readonly PoolingName[]
  /** `true`: sentence vectors are scaled to unit length, by a Normalize module at the end. `false`: without Normalize modules. Defaults to the folder's modules. */
  normalize?: boolean
  /** Maximum tokens per text, special tokens included: `max_seq_length`. Integer in 2..the model's positions. Defaults to the folder's. */
  maxLength?: number
  /** Prompts by name. They replace the folder's prompts of the same names; its other prompts stay. */
  prompts?: Readonly<Record<string, string>>
  /** Name of the prompt of `encode` calls that do not choose one; null: none. Defaults to the folder's. */
  defaultPromptName?: string | null
}

export const PROPERTY_KEYS = keysOf<ModelProperties>({ pooling: 1, normalize: 1, maxLength: 1, prompts: 1, defaultPromptName: 1 })

export interface ResolvedProperties {
  pooling: PoolingName[] | undefined
  normalize: boolean | undefined
  maxLength: number | undefined
  prompts: Readonly<Record<string, string>> | undefined
  defaultPromptName: string | null | undefined
}

/** The properties of a model that is loaded as its folder says. */
export const AS_STORED: ResolvedProperties = Object.freeze({
  pooling: undefined,
  normalize: undefined,
  maxLength: undefined,
  prompts: undefined,
  defaultPromptName: undefined,
})

/** Checks what can be checked without the model. ERR_INVALID_ARGUMENT names the option. */
export function resolveProperties({ pooling, normalize, maxLength, prompts, defaultPromptName }: ModelProperties): ResolvedProperties {
  return {
    pooling: pooling === undefined ? undefined : poolingNames(pooling),
    normalize: normalize === undefined ? undefined : booleanOf('normalize', normalize),
    maxLength: maxLength === undefined ? undefined : integerIn('maxLength', maxLength, 2, Number.MAX_SAFE_INTEGER),
    prompts: prompts === undefined ? undefined : checkedPrompts(prompts),
    defaultPromptName: defaultPromptName == null ? defaultPromptName : stringOf('defaultPromptName', defaultPromptName),
  }
}

function checkedPrompts(prompts: unknown): Readonly<Record<string, string>> {
  if (typeof prompts !== 'object' || prompts === null || Array.isArray(prompts)) throw invalid('prompts', 'an object of strings', prompts)
  for (const [name, prompt] of Object.entries(prompts)) stringOf(`prompts.${name}`, prompt)
  return prompts as Record<string, string>
}

/** The modules with the properties instead of what the folder says. ERR_INVALID_ARGUMENT names a property that does not fit the model. */
export function withProperties<M extends SentenceModules>(
  modules: M,
  config: Pick<EncoderConfig, 'hiddenSize' | 'usablePositions'>,
  { pooling, normalize, maxLength, prompts, defaultPromptName }: ResolvedProperties,
): M {
  const changed = { ...modules }
  if (pooling !== undefined) {
    refuseMisfit(pooling, modules, config)
    changed.pooling = pooling
  }
  if (normalize !== undefined) changed.steps = stepsWith(modules.steps, normalize)
  if (maxLength !== undefined) changed.maxSeqLength = integerIn('maxLength', maxLength, 2, config.usablePositions)
  if (prompts !== undefined) changed.prompts = promptsWith([...Object.entries(modules.prompts), ...Object.entries(prompts)])
  if (defaultPromptName === null) delete changed.defaultPromptName
  else if (defaultPromptName !== undefined) changed.defaultPromptName = knownPrompt(defaultPromptName, changed.prompts)
  return changed
}

/** ERR_INVALID_ARGUMENT if the model's first Dense module does not accept the concatenated poolings. */
export function refuseMisfit(
  pooling: readonly PoolingName[],
  modules: Pick<SentenceModules, 'pooling' | 'dense'>,
  { hiddenSize }: Pick<EncoderConfig, 'hiddenSize'>,
): void {
  const dimension = pooling.length * hiddenSize
  const dense = modules.dense[0]
  if (!dense || dense.inFeatures === dimension) return
  throw refusal(
    `Pooling ${pooling.join(' + ')} gives ${dimension} dimensions, but the model's Dense module '${dense.path}' takes ${dense.inFeatures}. ` +
      `Use as many pooling modes as the model itself (${modules.pooling.join(' + ')}).`,
  )
}

function stepsWith(steps: SentenceModules['steps'], normalize: boolean): SentenceModules['steps'] {
  if (!normalize) return steps.filter((step) => step !== 'normalize')
  return steps.at(-1) === 'normalize' ? steps : [...steps, 'normalize']
}

function knownPrompt(name: string, prompts: Readonly<Record<string, string>>): string {
  if (Object.hasOwn(prompts, name)) return name
  throw refusal(`'defaultPromptName' is '${name}', but the model's prompts are ${Object.keys(prompts).join(', ')}. Add it to 'prompts'.`)
}
