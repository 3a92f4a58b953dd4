import { untilAborted } from '../../base/arguments'
import { throwIfAborted } from '../../base/errors'
import type { CustomMetrics } from '../evaluation/types'
import type { ResolvedEpoch } from '../options/epoch'
import type { ResolvedFit } from '../options/fit'

type Callbacks = Partial<Pick<ResolvedFit, 'onProgress' | 'onStep' | 'onEpoch' | 'onEvaluate' | 'metrics'>>

/**
 * The options of one call with its signal. Callbacks and custom metrics are awaited only while the trainer is open: one of them may dispose of
 * it, and disposing waits for this call. `closing` aborts when the trainer is disposed of.
 */
export function whileOpen<T extends ResolvedEpoch & Callbacks>(options: T, signal: AbortSignal, closing: AbortSignal): T {
  const waiting = <V>(callback: ((value: V) => unknown) | undefined) =>
    callback && (async (value: V) => untilAborted(callback(value), closing))
  const { onProgress, onStep, onEpoch, onEvaluate, metrics } = options
  return {
    ...options,
    signal,
    onProgress: waiting(onProgress),
    onStep: waiting(onStep),
    onEpoch: waiting(onEpoch),
    onEvaluate: waiting(onEvaluate),
    metrics: metrics && metricsWhileOpen(metrics, closing),
  }
}

function metricsWhileOpen(metrics: CustomMetrics, closing: AbortSignal): CustomMetrics {
  const waiting =
    (metric: CustomMetrics[string]): CustomMetrics[string] =>
    async (outcome) => {
      const value = await untilAborted(metric(outcome), closing)
      throwIfAborted(closing)
      return value!
    }
  return Object.fromEntries(Object.entries(metrics).map(([name, metric]) => [name, waiting(metric)]))
}
