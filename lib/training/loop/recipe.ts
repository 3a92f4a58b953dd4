import type { LoadedModel } from '../../model/loaded-model'
import type { ResolvedTrain } from '../options/train'
import { chooseRecipe, type DataRecipe, type RecipeFacts, type RecipeOptions } from '../plan/recipe'
import { dataDifference, type Corpus } from './corpus'
import type { TrainingState } from './state'

/** The recipe for a corpus. `fit`: the options of the fit; none for single epochs. */
export function recipeFor(
  corpus: Corpus,
  options: ResolvedTrain,
  model: Pick<LoadedModel, 'heads' | 'folder'>,
  fit: Pick<RecipeOptions, 'epochs' | 'maxSteps'> = {},
): DataRecipe {
  const { given, batching, gradientAccumulation } = options
  return chooseRecipe(factsOf(corpus, options, model), {
    ...given,
    ...(batching.by === 'tokens' && { batchTokens: batching.size }),
    gradientAccumulation,
    epochs: fit.epochs ?? given.epochs,
    maxSteps: fit.maxSteps,
  })
}

/** The recipe in use, if it is that of the same data. */
export function keptRecipe({ recipe, data }: TrainingState, corpus: Corpus): DataRecipe | undefined {
  return recipe !== null && data !== null && dataDifference(data, corpus.identity) === undefined ? recipe : undefined
}

/**
 * The recipe with which a fit continues: rates and batches stay as they were when it began, also if the fit is longer now or if a later version of
 * sentorch, which resumes it, would choose others.
 */
export function continuedRecipe(kept: DataRecipe, chosen: DataRecipe): DataRecipe {
  const hasChosenLength = [kept, chosen].every((recipe) => recipe.chosen.includes('epochs'))
  return { ...kept, epochs: hasChosenLength ? kept.epochs : chosen.epochs, chosen: chosen.chosen }
}

/** The options with the values of a recipe; null: no data is known yet. */
export function withRecipe(options: ResolvedTrain, recipe: DataRecipe | null): ResolvedTrain {
  if (recipe === null) return options
  const { given, rates, batching } = options
  const { learningRate, headLearningRate, batchSize } = recipe
  return {
    ...options,
    rates: {
      ...rates,
      learningRate,
      headLearningRate,
      denseLearningRate: given.headLearningRate ?? learningRate,
      uncertaintyLearningRate: given.uncertaintyLearningRate ?? headLearningRate,
    },
    batching: batchSize === null ? batching : { ...batching, size: batchSize },
  }
}

function factsOf(
  corpus: Corpus,
  { tasks, freeze, unfreeze, sampling }: ResolvedTrain,
  { heads, folder }: Pick<LoadedModel, 'heads' | 'folder'>,
): RecipeFacts {
  const counts = corpus.sets.map(({ count }) => count)
  const ofEpoch =
    sampling.mode === 'round-robin'
      ? counts.length * (sampling.stop === 'shortest' ? Math.min(...counts) : Math.max(...counts))
      : corpus.examples
  const trained = tasks.map(({ head }) => heads.require(head))
  return {
    examples: ofEpoch,
    tokens: Math.round((corpus.ids.length * ofEpoch) / corpus.examples),
    hasHiddenLayers: trained.some(({ hidden }) => hidden.length > 0),
    hiddenSize: folder.config.hiddenSize,
    isEncoderFrozen: unfreeze.length === 0 && freeze.some(({ kind }) => kind === 'encoder'),
  }
}
