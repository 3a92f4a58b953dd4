import type { Model } from '../../lib'
import type { StepReport } from '../../lib/training/loop/report'
import { changed, sentences, tinyModel, weightsOf } from '../support/training'

const OPTIONS = { learningRate: 1e-3, batchSize: 8 }
const data = sentences(48)
const models: Model[] = []

async function fresh(): Promise<Model> {
  const model = await tinyModel()
  models.push(model)
  return model
}

afterEach(async () => {
  for (const model of models.splice(0)) await model.dispose()
})

test('a function for the weight of a task does what the number does', async () => {
  const [fixed, given] = [await fresh(), await fresh()]
  const reports = []
  for (const [model, weight] of [
    [fixed, 0.3],
    [given, () => 0.3],
  ] as const)
    // prettier-ignore
    reports.push(await model.trainer({ ...OPTIONS, tasks: { slots: { weight } } }).trainEpoch(data))
  expect({ ...reports[1]!, seconds: 0 }).toEqual({ ...reports[0]!, seconds: 0 })
  expect(changed(await weightsOf(fixed), await weightsOf(given))).toEqual([])
})

test('the learnt weights of the losses are reported: e^(−s), which the next epoch begins with', async () => {
  const trainer = (await fresh()).trainer({ ...OPTIONS, uncertainty: true, uncertaintyLearningRate: 0.05, groupByLength: false })
  const [first] = [await trainer.trainEpoch(data)]
  const weights = first.uncertaintyWeights!
  expect(Object.keys(weights)).toEqual(['intent', 'slots'])
  // Losses above 1 push s up, so their weights fall.
  for (const [name, weight] of Object.entries(weights)) expect(weight < 1).toBe(first.losses[name]! > 1)
  let start: StepReport | undefined
  await trainer.trainEpoch(data, { onStep: (step) => void (start ??= step) })
  const total = Object.entries(weights).reduce(
    (sum, [name, weight]) => sum + 0.5 * weight * start!.losses[name]! - 0.5 * Math.log(weight),
    0,
  )
  expect(start!.loss).toBeCloseTo(total, 5)
  expect(await (await fresh()).trainer(OPTIONS).trainEpoch(data)).not.toHaveProperty('uncertaintyWeights')
})
