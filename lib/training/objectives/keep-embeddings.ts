import { throwIfAborted } from '../../base/errors'
import { refusal } from '../../base/arguments'
import { BATCH_TOKENS } from '../../encode/options'
import type { LoadedModel } from '../../model/loaded-model'
import { abortable, fromNative, nonFiniteRow } from '../../native/call'
import { vectorDimension } from '../../pooling/poolings'
import { rowsBetween, slices, type RaggedRows } from '../loop/corpus'
import type { VectorObjectiveKind, VectorRecipe } from './vector-objective'

/**
 * Keeps sentence vectors close to those of the model before training. The loss is 1 − cosine, which does not depend on the length of the
 * vectors, so a weight has the same effect for every model.
 */
export const keepEmbeddings: VectorObjectiveKind = {
  name: 'keepEmbeddings',
  loss: ({ keepEmbeddings }) => (keepEmbeddings > 0 ? { loss: 'cosine', weight: keepEmbeddings } : undefined),
  targets({ model, recipe, set, setName, isFresh, signal }) {
    if (isFresh) return sentenceVectors(model, set, recipe, signal)
    throw refusal(
      `'keepEmbeddings' needs the vectors from before training, which cannot be computed for the new data set '${setName}'. ` +
        `Pass all data sets in the first call: trainEpoch({ first, second }).`,
    )
  },
}

/** The model's sentence vectors of ragged rows, with the current weights: [rows, dimension]. */
export async function sentenceVectors(
  { native, folder }: Pick<LoadedModel, 'native' | 'folder'>,
  rows: RaggedRows,
  recipe: VectorRecipe,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const dimension = vectorDimension(folder.modules.dense, recipe.pooling, folder.config.hiddenSize)
  const data = new Float32Array((rows.offsets.length - 1) * dimension)
  return abortable(native, signal, async (task) => {
    for (const [from, to] of slices(rows.offsets)) {
      throwIfAborted(signal)
      const request = { ...recipe, promptTokens: 0, truncateDim: 0, normalizeLast: false, batchTokens: BATCH_TOKENS }
      const { values, nonFiniteRow: row } = await fromNative(native.encode({ task, ...rowsBetween(rows, from, to), ...request }))
      if (row >= 0) throw nonFiniteRow(`example ${from + row}`, { example: from + row })
      data.set(values, from * dimension)
    }
    return data
  })
}

/** Mean cosine similarity of corresponding rows; rows of zeros count as 0. a, b: [rows, dimension]. */
export function meanCosine(a: Float32Array, b: Float32Array, dimension: number): number {
  const rows = a.length / dimension
  let sum = 0
  for (let row = 0; row < rows; row++) {
    let [ab, aa, bb] = [0, 0, 0]
    for (let d = row * dimension; d < (row + 1) * dimension; d++) {
      ab += a[d]! * b[d]!
      aa += a[d]! * a[d]!
      bb += b[d]! * b[d]!
    }
    if (aa > 0 && bb > 0) sum += ab / Math.sqrt(aa * bb)
  }
  return sum / rows
}
