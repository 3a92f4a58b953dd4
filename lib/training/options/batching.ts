import { booleanOf, integerIn, oneOf, positive } from '../../base/check'
import { refusal } from '../../base/arguments'
import { LARGE_DATA } from '../plan/recipe'

/** How a trainer divides its data into batches and steps. */
export interface BatchingOptions {
  /** Examples per batch, 1..1048576. Defaults to 8 for up to 64 examples, 16 for up to 4,096 and 32 for more. */
  batchSize?: number
  /** Instead of `batchSize`: maximum tokens per batch, 1..1048576; a longer example is a batch of its own. */
  batchTokens?: number
  /** Whether batches contain examples of similar length: examples are sorted within windows of 50 batches, then batches are shuffled. Defaults to true. */
  groupByLength?: boolean
  /** Batches per step, 1..65536; the last step of an epoch may have fewer. Defaults to 1. */
  gradientAccumulation?: number
  /**
   * Several data sets: `proportional` takes each batch from one set, in shuffled order; `round-robin` one batch of each in turn;
   * `mixed` draws each batch from all. Defaults to `proportional`.
   */
  sampling?: 'proportional' | 'round-robin' | 'mixed'
  /** For `proportional` and `mixed`, above 0: 1 uses every example once, larger values favour small data sets. Defaults to 1. */
  temperature?: number
  /** For `round-robin`: the data set that ends the epoch; shorter ones start again. Defaults to `longest`. */
  stop?: 'shortest' | 'longest'
}

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
export const MAX_BATCH = 2 ** 20
const MAX_ACCUMULATION = 2 ** 16

export function batchingOf(options: BatchingOptions): ResolvedBatching {
  const { batchSize, batchTokens } = options
  if (batchSize !== undefined && batchTokens !== undefined)
    throw refusal(`'batchSize' and 'batchTokens' were both given. Leave one of them out.`)
  const groupByLength = booleanOf('groupByLength', options.groupByLength === undefined ? true : options.groupByLength)
  return batchTokens === undefined
    ? { by: 'rows', size: integerIn('batchSize', batchSize === undefined ? LARGE_DATA.batchSize : batchSize, 1, MAX_BATCH), groupByLength }
    : { by: 'tokens', size: integerIn('batchTokens', batchTokens, 1, MAX_BATCH), groupByLength }
}

export function accumulationOf({ gradientAccumulation = 1 }: BatchingOptions): number {
  return integerIn('gradientAccumulation', gradientAccumulation, 1, MAX_ACCUMULATION)
}

export function samplingOf(options: BatchingOptions): ResolvedSampling {
  const { sampling = 'proportional', temperature = 1, stop = 'longest' } = options
  const mode = oneOf('sampling', sampling, ['proportional', 'round-robin', 'mixed'])
  if (mode === 'round-robin' && options.temperature !== undefined) {
    throw refusal(`'temperature' is only for 'proportional' and 'mixed' sampling; 'round-robin' takes one batch of each data set in turn.`)
  }
  if (mode !== 'round-robin' && options.stop !== undefined) {
    throw refusal(`'stop' is only for 'round-robin' sampling; an epoch of '${mode}' has as many examples as all data sets together.`)
  }
  return { mode, temperature: positive('temperature', temperature), stop: oneOf('stop', stop, ['shortest', 'longest']) }
}
