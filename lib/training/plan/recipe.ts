/** The numbers of a training that depend most on the amount of data. */
export interface DataRecipe {
  /** Learning rate of the top encoder layer at the peak of the schedule. */
  learningRate: number
  /** Learning rate of the heads. */
  headLearningRate: number
  /** Examples per batch; null with `batchTokens`. */
  batchSize: number | null
  epochs: number
  /** The values above that were chosen from the data. The others were given as options. */
  chosen: readonly RecipeOption[]
}

export type RecipeOption = 'learningRate' | 'headLearningRate' | 'batchSize' | 'epochs'

export const RECIPE_OPTIONS: readonly RecipeOption[] = ['learningRate', 'headLearningRate', 'batchSize', 'epochs']

/** What the choice depends on. */
export interface RecipeFacts {
  /** Examples of one epoch, and their tokens. */
  examples: number
  tokens: number
  /** Whether a head that trains has hidden layers. */
  hasHiddenLayers: boolean
  /** Size of the encoder's token states. */
  hiddenSize: number
  /** Whether no parameter of the encoder ever trains. */
  isEncoderFrozen: boolean
}

/** The options that were given. */
export interface RecipeOptions {
  learningRate?: number | undefined
  headLearningRate?: number | undefined
  batchSize?: number | undefined
  batchTokens?: number | undefined
  gradientAccumulation: number
  epochs?: number | undefined
  /** Limits of the length: the trainer's `totalSteps` and the fit's `maxSteps`. */
  totalSteps?: number | undefined
  maxSteps?: number | undefined
}

/** Values for a large amount of data, to which the rule tends; they apply until the data is known. */
export const LARGE_DATA = { headLearningRate: 1e-3, batchSize: 32, epochs: 3 } as const

/**
 * Steps in addition to three passes over the data: a head that starts from random weights needs some however few examples there are, and more
 * examples teach more in further passes, until three passes are long enough.
 */
function extraSteps(examples: number): number {
  return Math.min(200, 60 + examples / 2)
}

/** Epochs, additional steps and rate of heads on a frozen encoder, whose cached states make a step cheap. */
const FROZEN = { epochs: 10, extraSteps: 300, headLearningRate: 1e-2 } as const

/**
 * Distance that Adam lets a weight of a head travel: about its learning rate in each step. It is the same for short and long trainings, within
 * the bounds of the learning rate.
 */
const HEAD_DISTANCE = 0.6
const HIGHEST_HEAD_RATE = 1e-2

/** The rule of docs/defaults.md. Options win; the other values follow them. */
export function chooseRecipe(facts: RecipeFacts, options: RecipeOptions): DataRecipe {
  const batchSize = options.batchTokens === undefined ? (options.batchSize ?? batchSizeFor(facts.examples)) : null
  const batches = batchSize === null ? facts.tokens / options.batchTokens! : facts.examples / batchSize
  const stepsPerEpoch = Math.ceil(Math.ceil(batches) / options.gradientAccumulation)
  const epochs = options.epochs ?? epochsFor(stepsPerEpoch, facts, options.totalSteps)
  const steps = Math.min(options.totalSteps ?? epochs * stepsPerEpoch, options.maxSteps ?? Infinity)
  return {
    learningRate: options.learningRate ?? encoderRateFor(facts.hiddenSize),
    headLearningRate: options.headLearningRate ?? options.learningRate ?? headRateFor(steps, facts),
    batchSize,
    epochs,
    chosen: RECIPE_OPTIONS.filter((name) => options[name] === undefined && !(name === 'batchSize' && batchSize === null)),
  }
}

function batchSizeFor(examples: number): number {
  if (examples <= 64) return 8
  return examples <= 4096 ? 16 : LARGE_DATA.batchSize
}

function epochsFor(stepsPerEpoch: number, { isEncoderFrozen, examples }: RecipeFacts, totalSteps: number | undefined): number {
  if (totalSteps !== undefined) return Math.ceil(totalSteps / stepsPerEpoch)
  const [epochs, extra] = isEncoderFrozen ? [FROZEN.epochs, FROZEN.extraSteps] : [LARGE_DATA.epochs, extraSteps(examples)]
  return epochs + Math.round(extra / stepsPerEpoch)
}

/** Larger encoders are trained with lower rates. */
export function encoderRateFor(hiddenSize: number): number {
  return hiddenSize <= 512 ? 1e-4 : 5e-5
}

function headRateFor(steps: number, { isEncoderFrozen, hasHiddenLayers }: RecipeFacts): number {
  if (hasHiddenLayers) return LARGE_DATA.headLearningRate
  if (isEncoderFrozen) return FROZEN.headLearningRate
  return Math.min(HIGHEST_HEAD_RATE, Math.max(LARGE_DATA.headLearningRate, HEAD_DISTANCE / steps))
}
