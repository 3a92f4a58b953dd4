import { continuedRecipe, withRecipe } from '../../lib/training/loop/recipe'
import { chooseRecipe, type DataRecipe, type RecipeFacts, type RecipeOptions } from '../../lib/training/plan/recipe'
import { resolved } from '../support/parameters'

function choose(facts: Partial<RecipeFacts>, options: Partial<RecipeOptions> = {}): DataRecipe {
  const { examples = 16, ...others } = facts
  const whole = { examples, tokens: 10 * examples, hasHiddenLayers: false, hiddenSize: 384, isEncoderFrozen: false, ...others }
  return chooseRecipe(whole, { gradientAccumulation: 1, ...options })
}

const ALL = ['learningRate', 'headLearningRate', 'batchSize', 'epochs']

test.each([
  // Examples, and the chosen batch size, epochs and head rate: 0.6 ÷ steps, within 1e-3 to 1e-2.
  [1, 8, 64, 0.6 / 64],
  [16, 8, 37, 0.6 / 74],
  [64, 8, 15, 0.6 / 120],
  [150, 16, 17, 0.6 / 170],
  [256, 16, 15, 0.6 / 240],
  [1024, 16, 6, 0.6 / 384],
  [2400, 16, 4, 1e-3],
  [13_084, 32, 3, 1e-3],
])('%i examples: batches of %i, %i epochs', (examples, batchSize, epochs, headLearningRate) => {
  const recipe = choose({ examples })
  expect(recipe).toEqual({ learningRate: 1e-4, headLearningRate, batchSize, epochs, chosen: ALL })
})

test('the fewest examples give at least 60 steps', () => {
  const steps = Array.from({ length: 100 }, (_, i) => choose({ examples: i + 1 }).epochs * Math.ceil((i + 1) / 8))
  expect(Math.min(...steps)).toBeGreaterThanOrEqual(60)
})

describe('options win, and the other values follow them', () => {
  test.each<[string, Partial<RecipeOptions>, Partial<DataRecipe>]>([
    ['epochs', { epochs: 10 }, { epochs: 10, batchSize: 8, headLearningRate: 1e-2 }],
    ['batchSize', { batchSize: 1 }, { batchSize: 1, epochs: 7, headLearningRate: 0.6 / 112 }],
    ['gradientAccumulation', { gradientAccumulation: 2 }, { batchSize: 8, epochs: 71 }],
    ['batchTokens', { batchTokens: 40 }, { batchSize: null, epochs: 20, headLearningRate: 0.6 / 80 }],
    ['totalSteps', { totalSteps: 600 }, { epochs: 300, headLearningRate: 1e-3 }],
    ['maxSteps', { maxSteps: 30 }, { epochs: 37, headLearningRate: 1e-2 }],
    [
      'learningRate, which is then that of the heads, too',
      { learningRate: 3e-5 },
      { learningRate: 3e-5, headLearningRate: 3e-5, epochs: 37 },
    ],
    ['headLearningRate', { headLearningRate: 0 }, { learningRate: 1e-4, headLearningRate: 0 }],
  ])('%s', (_, options, expected) => {
    const recipe = choose({}, options)
    expect(recipe).toMatchObject(expected)
    for (const name of Object.keys(options)) expect(recipe.chosen).not.toContain(name)
  })

  test('all of them', () => {
    const options = { learningRate: 1, headLearningRate: 2, batchSize: 3, epochs: 4 }
    expect(choose({}, options)).toEqual({ ...options, chosen: [] })
  })
})

test('the model counts: hidden layers of heads, a frozen encoder, the size of the encoder', () => {
  expect(choose({ hasHiddenLayers: true })).toMatchObject({ headLearningRate: 1e-3, epochs: 37 })
  expect(choose({ isEncoderFrozen: true })).toMatchObject({ headLearningRate: 1e-2, epochs: 160 })
  expect(choose({ hiddenSize: 768 })).toMatchObject({ learningRate: 5e-5 })
})

test('a recipe replaces what was not given', () => {
  const options = withRecipe(resolved({ uncertainty: true }), choose({}))
  expect(options.batching.size).toBe(8)
  expect(options.rates).toMatchObject({ learningRate: 1e-4, headLearningRate: 0.6 / 74, denseLearningRate: 1e-4, uncertaintyLearningRate: 0.6 / 74 }) // prettier-ignore
  const given = { learningRate: 1, headLearningRate: 2, uncertainty: true, uncertaintyLearningRate: 3, batchTokens: 4 }
  expect(withRecipe(resolved(given), choose({}, given))).toEqual(resolved(given))
})

test('a continued fit keeps its rates and batches, and its epochs unless others are given', () => {
  const kept = { ...choose({}), headLearningRate: 0.5, epochs: 99 }
  expect(continuedRecipe(kept, choose({}))).toEqual(kept)
  expect(continuedRecipe(kept, choose({}, { epochs: 120 }))).toEqual({ ...kept, epochs: 120, chosen: ALL.slice(0, 3) })
})
