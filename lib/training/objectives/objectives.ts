import type { Objective, TrainingRequest, VectorObjective } from '../../../binding'
import { familyOf } from '../../format/families'
import type { LoadedModel } from '../../model/loaded-model'
import type { ReportTerms } from '../loop/report'
import type { ResolvedTrain } from '../options/train'
import { distill } from './distill'
import { fixedWeight, headObjectives, type TaskWeights } from './heads'
import { keepEmbeddings } from './keep-embeddings'
import type { VectorObjectiveKind, VectorRecipe } from './vector-objective'

/** Every objective on the sentence vector, in the order of native code, which places them after the losses of the heads. */
const VECTOR_OBJECTIVES: readonly VectorObjectiveKind[] = [keepEmbeddings, distill]

export interface AskedVectorObjective {
  kind: VectorObjectiveKind
  recipe: VectorRecipe
  loss: Pick<VectorObjective, 'loss' | 'weight'>
}

/** The vector objectives that the options enable. */
export function vectorObjectives({ folder }: Pick<LoadedModel, 'folder'>, options: ResolvedTrain): AskedVectorObjective[] {
  const recipe = { pooling: [...folder.modules.pooling], steps: [...folder.modules.steps] }
  return VECTOR_OBJECTIVES.flatMap((kind) => {
    const loss = kind.loss(options)
    return loss ? [{ kind, recipe, loss }] : []
  })
}

/** The objectives that native code minimizes, and the names and weights of their terms for reports. */
export function trainingRequest(
  model: LoadedModel,
  options: ResolvedTrain,
  weights: TaskWeights,
): { request: TrainingRequest; terms: ReportTerms } {
  const { files, encoder, dense } = model.folder
  const { hiddenDropout, attentionDropout, dtype, seed, gradientCheckpointing, optimizer, maxGradNorm, tasks, uncertainty, cacheBytes } =
    options
  const vectors = vectorObjectives(model, options)
  const objectives: Objective[] = [
    ...headObjectives(options, weights),
    // These names are stored in checkpoints.
    ...vectors.map(({ recipe, loss }, t) => ({ type: 'vectors' as const, name: `target:${t}`, ...recipe, ...loss })),
  ]
  const request: TrainingRequest = {
    files,
    encoder,
    dense,
    hiddenDropout,
    attentionDropout,
    attentionOutputDropout: familyOf(model.folder.config.modelType)!.attentionOutputDropout ? hiddenDropout : 0,
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
    names: [...tasks.map(({ head }) => head), ...vectors.map(({ kind }) => kind.name)],
    tasks: tasks.length,
    weights: [...tasks.map(fixedWeight), ...vectors.map(({ loss }) => loss.weight)],
    uncertainty,
  }
  return { request, terms }
}
