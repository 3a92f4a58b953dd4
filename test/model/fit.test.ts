import type { Model } from '../../lib'
import { loadedModelOf } from '../../lib/api/access'
import { changed, INTENT, sentences, tinyModel, weightsOf } from '../support/training'

const OPTIONS = { learningRate: 3e-3, batchSize: 8, epochs: 2 }
const data = sentences(48)
const held = sentences(30, 8)
const models: Model[] = []

async function fresh(...args: Parameters<typeof tinyModel>): Promise<Model> {
  const model = await tinyModel(...args)
  models.push(model)
  return model
}

afterEach(async () => {
  for (const model of models.splice(0)) await model.dispose()
})

describe('model.fit', () => {
  test('gives what a trainer gives, and leaves none open', async () => {
    const [short, long] = [await fresh(), await fresh()]
    const result = await short.fit(data, { ...OPTIONS, evaluate: held })
    const { epochs, ...options } = OPTIONS
    await using trainer = long.trainer(options)
    const expected = await trainer.fit(data, { epochs, evaluate: held })
    expect(result.evaluations.map(({ value }) => value)).toEqual(expected.evaluations.map(({ value }) => value))
    expect(result.history.map(({ loss, learningRates }) => [loss, learningRates])).toEqual(
      expected.history.map(({ loss, learningRates }) => [loss, learningRates]),
    )
    expect(changed(await weightsOf(long), await weightsOf(short))).toEqual([])
    expect(loadedModelOf(short).trainer).toBeUndefined()
    short.removeHead('intent')
  })

  test('a call that rejects closes its trainer and keeps the weights of its last step', async () => {
    const model = await fresh()
    const { native } = loadedModelOf(model)
    const stop = new AbortController()
    const onStep = ({ applied }: { applied: number }) => void (applied === 3 && stop.abort())
    await expect(model.fit(data, { ...OPTIONS, onStep, signal: stop.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await expect(native.optimizerSteps()).rejects.toThrow('No trainer is open')
    const three = await fresh()
    // The schedule of the fit that was stopped spans 12 steps.
    await three.fit(data, { ...OPTIONS, epochs: 1, maxSteps: 3, totalSteps: 12 })
    expect(changed(await weightsOf(three), await weightsOf(model))).toEqual([])
    await expect(model.fit([{ text: 'x', labels: { intent: 'fly' } }], OPTIONS)).rejects.toMatchObject({ code: 'ERR_DATA' })
    model.addHead({ ...INTENT, name: 'other' })
  })

  test('options are refused by name before anything opens, and a second trainer is refused', async () => {
    const model = await fresh()
    await expect(model.fit(data, { learningrate: 1 } as never)).rejects.toThrow("Did you mean 'learningRate'?")
    await expect(model.fit(data, { num_train_epochs: 1 } as never)).rejects.toThrow("Did you mean 'epochs'?")
    await expect(model.fit(data, { batchSize: 0 })).rejects.toThrow('batchSize')
    await expect(model.fit(data, { evaluateEvery: 2 })).rejects.toThrow("'evaluateEvery' requires evaluation data")
    const first = model.fit(data, { ...OPTIONS, epochs: 1 })
    await expect(model.fit(data, OPTIONS)).rejects.toThrow('already has an open trainer')
    expect(() => model.addHead({ ...INTENT, name: 'other' })).toThrow('while')
    await first
    await model.trainEpoch(data, { batchSize: 8 })
    await model.fit(data, { ...OPTIONS, epochs: 1 })
  })
})

describe('model.evaluate', () => {
  test('gives what a trainer gives, opens none, and works while one trains', async () => {
    const model = await fresh()
    const { native } = loadedModelOf(model)
    const before = await model.evaluate(held)
    // Masters exist once a trainer was opened: only then can the value of an encoder parameter be read.
    await expect(native.read('value', ['embeddings.word_embeddings.weight'])).rejects.toThrow('does not exist')
    await using trainer = model.trainer(OPTIONS)
    const { seconds: _, ...expected } = await trainer.evaluate(held)
    expect(before).toMatchObject(expected)
    const [, during] = await Promise.all([trainer.trainEpoch(data), model.evaluate(held)])
    expect(during.examples).toBe(held.length)
  })

  test('refuses by name', async () => {
    const model = await fresh()
    await expect(model.evaluate(held, { metric: {} } as never)).rejects.toThrow("Did you mean 'metrics'?")
    await expect(model.evaluate(held, { scoreWeights: { intend: 1 } })).rejects.toThrow("Did you mean 'intent'?")
    await expect(model.evaluate([{ text: 'x', labels: { other: 'y' } }])).rejects.toMatchObject({ code: 'ERR_DATA' })
    await expect(model.evaluate(held, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })
})
