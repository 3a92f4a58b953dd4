import type { Objective, TrainingRequest, VectorObjective } from '../../../binding'
import { familyOf } from '../../format/families'
import { kindOf } from '../../heads/kinds'
import type { ResolvedTrain } from '../options/train'
import type { ModelParts } from '../../model/parts'
import type { Corpus } from '../loop/corpus'
import type { ReportTerms } from '../loop/report'

/** Class weights of each task, as the checkpoint holds them. */
export type TaskWeights = (number[] | null)[]

export function hasBalanced({ tasks }: ResolvedTrain): boolean {
  return tasks.some(({ classWeights }) => classWeights === 'balanced')
}

/** Class weights of each task; `'balanced'` ones are taken from the labels of the corpus, or are none without a corpus. */
export function taskWeights(parts: Pick<ModelParts, 'heads'>, { tasks }: ResolvedTrain, corpus: Corpus | undefined): TaskWeights {
  return tasks.map(({ head: name, classWeights }, t) => {
    if (classWeights !== 'balanced') return classWeights && Array.from(classWeights)
    if (corpus === undefined) return null
    const head = parts.heads.require(name)
    return Array.from(kindOf(head).balancedWeights(corpus.labels[t]!, head.labels.length))
  })
}

/** Names by which regression targets are reported. */
export const KEEP = 'keepEmbeddings'
export const DISTILL = 'distill'

/**
 * Objectives of the sentence vector, in the order in which the native side has them, after those of the heads. The pull of `keepEmbeddings` is on the direction of the sentence vector
 * (1 − cosine), whatever its length: λ means the same for every model. Distillation is on the sentence vector as `encode` gives it.
 */
export function targetTerms(
  { folder }: Pick<ModelParts, 'folder'>,
  { keepEmbeddings, distill }: ResolvedTrain,
): { name: string; source: Pick<VectorObjective, 'pooling' | 'steps' | 'loss' | 'weight'> }[] {
  const vector = { pooling: [...folder.modules.pooling], steps: [...folder.modules.steps] }
  return [
    ...(keepEmbeddings > 0 ? [{ name: KEEP, source: { ...vector, loss: 'cosine' as const, weight: keepEmbeddings } }] : []),
    ...(distill ? [{ name: DISTILL, source: { ...vector, loss: distill.loss, weight: distill.weight } }] : []),
  ]
}

export function trainingRequest(
  parts: ModelParts,
  options: ResolvedTrain,
  weights: TaskWeights,
): { request: TrainingRequest; terms: ReportTerms } {
  const { files, encoder, dense } = parts.folder
  const { hiddenDropout, attentionDropout, dtype, seed, gradientCheckpointing, optimizer, maxGradNorm, tasks, uncertainty, cacheBytes } =
    options
  const targets = targetTerms(parts, options)
  const objectives: Objective[] = [
    ...tasks.map((task, t) => ({
      type: 'head' as const,
      ...task,
      classWeights: weights[t] ? Float32Array.from(weights[t]) : null,
    })),
    // Their names stand in checkpoints.
    ...targets.map(({ source }, t) => ({ type: 'vectors' as const, name: `target:${t}`, ...source })),
  ]
  const request: TrainingRequest = {
    files,
    encoder,
    dense,
    hiddenDropout,
    attentionDropout,
    attentionOutputDropout: familyOf(parts.folder.config.modelType)!.attentionOutputDropout ? hiddenDropout : 0,
    dtype,
    seed,
    gradientCheckpointing,
    optimizer,
    maxGradNorm,
    objectives,
    uncertainty,
    cacheBytes,
  }
  const terms = {
    names: [...tasks.map(({ head }) => head), ...targets.map(({ name }) => name)],
    tasks: tasks.length,
    weights: [...tasks.map(({ weight }) => weight), ...targets.map(({ source }) => source.weight)],
    uncertainty,
  }
  return { request, terms }
}
