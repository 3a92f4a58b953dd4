import { invalid, oneOf } from '../base/check'

/** How token states become one vector; several are put side by side in the order given. */
export const POOLING_NAMES = ['cls', 'max', 'mean', 'mean_sqrt_len_tokens', 'weightedmean', 'lasttoken'] as const
export type PoolingName = (typeof POOLING_NAMES)[number]

/** What sentence-transformers assumes where nothing is said. */
export const DEFAULT_POOLING: PoolingName = 'mean'

/** The state of the first token, which transformers' own classifiers use. */
export const FIRST_TOKEN: PoolingName = 'cls'

/** The older keys of sentence-transformers' Pooling config, each true or false. */
export const POOLING_KEYS: Readonly<Record<PoolingName, string>> = {
  cls: 'pooling_mode_cls_token',
  max: 'pooling_mode_max_tokens',
  mean: 'pooling_mode_mean_tokens',
  mean_sqrt_len_tokens: 'pooling_mode_mean_sqrt_len_tokens',
  weightedmean: 'pooling_mode_weightedmean_tokens',
  lasttoken: 'pooling_mode_lasttoken',
}

/** One mode or several, each once. */
export function poolingNames(option: unknown): PoolingName[] {
  const pooling = (Array.isArray(option) ? (option as unknown[]) : [option]).map((name) => oneOf('pooling', name, POOLING_NAMES))
  if (pooling.length === 0) throw invalid('pooling', 'at least one mode', option)
  if (new Set(pooling).size !== pooling.length) throw invalid('pooling', 'each mode at most once', pooling.join(', '))
  return pooling
}

/** Numbers of a sentence vector: of the last Dense module, else of the poolings side by side. */
export function vectorDimension(dense: readonly { outFeatures: number }[], pooling: readonly unknown[], hiddenSize: number): number {
  return dense.at(-1)?.outFeatures ?? pooling.length * hiddenSize
}
