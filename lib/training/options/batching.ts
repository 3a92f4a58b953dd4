import { booleanOf, integerIn, oneOf } from '../../base/check'
import { refusal } from '../../base/option-checks'
import type { TrainerOptions } from './train'
import { positive } from '../../base/number-checks'

/** How rows become batches. */
export interface ResolvedBatching {
  /** What `size` counts: examples, or their tokens (nothing is padded). */
  by: 'rows' | 'tokens'
  size: number
  groupByLength: boolean
}

/** How the batches of several data sets share an epoch. */
export interface ResolvedSampling {
  mode: 'proportional' | 'round-robin' | 'mixed'
  /** proportional, mixed: examples of a set of n are drawn in proportion to n^(1/temperature). */
  temperature: number
  /** round-robin: the set that decides how many rounds an epoch has. */
  stop: 'shortest' | 'longest'
}

/** In examples or tokens. */
const MAX_BATCH = 2 ** 20
const MAX_ACCUMULATION = 2 ** 16

export function batchingOf(options: TrainerOptions): ResolvedBatching {
  const { batchSize, batchTokens } = options
  if (batchSize !== undefined && batchTokens !== undefined) throw refusal(`'batchSize' and 'batchTokens' were both given. Leave one out.`)
  const groupByLength = booleanOf('groupByLength', options.groupByLength === undefined ? true : options.groupByLength)
  return batchTokens === undefined
    ? { by: 'rows', size: integerIn('batchSize', batchSize === undefined ? 32 : batchSize, 1, MAX_BATCH), groupByLength }
    : { by: 'tokens', size: integerIn('batchTokens', batchTokens, 1, MAX_BATCH), groupByLength }
}

export function accumulationOf({ gradientAccumulation = 1 }: TrainerOptions): number {
  return integerIn('gradientAccumulation', gradientAccumulation, 1, MAX_ACCUMULATION)
}

export function samplingOf(options: TrainerOptions): ResolvedSampling {
  const { sampling = 'proportional', temperature = 1, stop = 'longest' } = options
  const mode = oneOf('sampling', sampling, ['proportional', 'round-robin', 'mixed'])
  if (mode === 'round-robin' && options.temperature !== undefined) {
    throw refusal(`'temperature' is for 'proportional' and 'mixed' sampling: a round takes one batch of each data set.`)
  }
  if (mode !== 'round-robin' && options.stop !== undefined) {
    throw refusal(`'stop' is for 'round-robin' sampling: '${mode}' has an epoch of as many examples as the data sets have together.`)
  }
  return { mode, temperature: positive('temperature', temperature), stop: oneOf('stop', stop, ['shortest', 'longest']) }
}
