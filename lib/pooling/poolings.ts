import { invalid, oneOf } from '../base/check'

/** How token states become one vector. The vectors of several modes are concatenated in the given order. */
export const POOLING_NAMES = ['cls', 'max', 'mean', 'mean_sqrt_len_tokens', 'weightedmean', 'lasttoken'] as const
export type PoolingName = (typeof POOLING_NAMES)[number]

/** The pooling that sentence-transformers uses if a model does not specify one. */
export const DEFAULT_POOLING: PoolingName = 'mean'

/** The state of the first token, which transformers' own classifiers use. */
export const FIRST_TOKEN: PoolingName = 'cls'

/** The older keys of sentence-transformers' Pooling config, whose values are booleans. */
export const POOLING_KEYS: Readonly<Record<PoolingName, string>> = {
  cls: 'pooling_mode_cls_token',
  max: 'pooling_mode_max_tokens',
  mean: 'pooling_mode_mean_tokens',
  mean_sqrt_len_tokens: 'pooling_mode_mean_sqrt_len_tokens',
  weightedmean: 'pooling_mode_weightedmean_tokens',
  lasttoken: 'pooling_mode_lasttoken',
}

/**
 * How the vectors of several windows of a text become one, per mode: their sum with a factor for each, which depends on the number of pooled tokens
 * in the window and in all windows; or the maximum of each dimension. The result is the pooling over the tokens of all windows; for `cls`, the
 * mean of their first tokens, weighted by length. Undefined: the mode depends on positions in the whole text, which windows do not have.
 */
export const WINDOW_POOLING: Readonly<Record<PoolingName, ((tokens: number, total: number) => number) | 'maximum' | undefined>> = {
  cls: share,
  max: 'maximum',
  mean: share,
  mean_sqrt_len_tokens: (tokens, total) => Math.sqrt(tokens / total),
  weightedmean: undefined,
  lasttoken: undefined,
}

function share(tokens: number, total: number): number {
  return tokens / total
}

/** Checks one mode or a list of distinct modes. */
export function poolingNames(option: unknown): PoolingName[] {
  const pooling = (Array.isArray(option) ? (option as unknown[]) : [option]).map((name) => oneOf('pooling', name, POOLING_NAMES))
  if (pooling.length === 0) throw invalid('pooling', 'at least one mode', option)
  if (new Set(pooling).size !== pooling.length) throw invalid('pooling', 'each mode at most once', pooling.join(', '))
  return pooling
}

/** Dimension of a sentence vector: that of the last Dense module, or of the concatenated poolings. */
export function vectorDimension(dense: readonly { outFeatures: number }[], pooling: readonly unknown[], hiddenSize: number): number {
  return dense.at(-1)?.outFeatures ?? pooling.length * hiddenSize
}
