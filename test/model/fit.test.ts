import { join } from 'node:path'
import type { NativeModel } from '../../binding'
import { Model, Trainer } from '../../lib'
import { loadedModelOf } from '../../lib/api/access'
import { scratch } from '../support/scratch'
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

/** The names of the native methods that are called from now on. */
function callsOf(loaded: { native: NativeModel }): string[] {
  const calls: string[] = []
  loaded.native = new Proxy(loaded.native, {
    get(native, name: keyof NativeModel) {
      calls.push(name)
      return native[name].bind(native)
    },
  })
  return calls
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

  test('without options the recipe follows the data, and the result says what was chosen', async () => {
    const few = await fresh()
    const { recipe, steps, history } = await few.fit(sentences(16))
    expect(recipe).toEqual({
      learningRate: 1e-4,
      headLearningRate: 0.6 / 74,
      batchSize: 8,
      epochs: 37,
      warmupSteps: 7,
      chosen: ['learningRate', 'headLearningRate', 'batchSize', 'epochs'],
    })
    expect([steps, history.length]).toEqual([74, 37])
    const { learningRates } = history[3]!
    expect(learningRates.heads! / learningRates.embeddings!).toBeCloseTo(0.6 / 74 / 1e-4, 6)
  })

  test('options win over the recipe', async () => {
    const model = await fresh()
    const { recipe, steps } = await model.fit(sentences(16), { batchSize: 4, epochs: 5, warmupSteps: 3 })
    expect(recipe).toMatchObject({
      batchSize: 4,
      epochs: 5,
      headLearningRate: 1e-2,
      warmupSteps: 3,
      chosen: ['learningRate', 'headLearningRate'],
    })
    expect(steps).toBe(20)
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

describe('restoreBest', () => {
  /** Best at the second evaluation, whatever the weights are. */
  const bestAt = (best: number) => {
    let count = 0
    return { metrics: { made: () => (++count === best ? 1 : 0) }, earlyStopping: { metric: 'made', patience: 100 } }
  }
  const fit = { evaluate: held, epochs: 2, evaluateEvery: 4 }
  const frozen = [
    { name: 'everything trains', options: {} },
    { name: 'the encoder is frozen', options: { freeze: 'encoder' } },
    { name: 'layers thaw after the best', options: { freeze: 'encoder', unfreeze: [{ at: { step: 7 }, what: 'encoder' }] } },
    { name: 'learnt loss weights', options: { uncertainty: true } },
  ] as const

  test.each(frozen)('the weights are those that saveBest wrote: $name', async ({ options }) => {
    const model = await fresh()
    const saveBest = join(scratch(), 'best')
    const { best, restored, evaluations } = await model.fit(data, { ...OPTIONS, ...options, ...fit, ...bestAt(2), saveBest })
    expect(evaluations.map(({ step }) => step)).toEqual([4, 6, 8, 12])
    expect({ step: best!.step, restored }).toEqual({ step: 6, restored: true })
    const saved = await Model.load(saveBest, { device: 'cpu', threads: 1 })
    models.push(saved)
    await saved.fit(data, { learningRate: 0, epochs: 1, maxSteps: 1, weightDecay: 0 })
    expect(changed(await weightsOf(saved), await weightsOf(model))).toEqual([])
    // Inference uses them too.
    expect(await model.encode('the river flows')).toEqual(await saved.encode('the river flows'))
    expect((await model.evaluate(held)).metrics).toEqual(best!.evaluation.metrics)
    const again = join(scratch(), 'again')
    await model.save(again)
    expect(loadedModelOf(model).folder.training).toMatchObject({ restored: { epoch: 1, step: 6, value: 1 } })
  })

  test('restoreBest: false, or no evaluation, keeps the last weights; nothing is copied if they are the best', async () => {
    const [last, off, best] = [await fresh(), await fresh(), await fresh()]
    expect(await last.fit(data, OPTIONS)).toMatchObject({ restored: false })
    expect(await off.fit(data, { ...OPTIONS, ...fit, ...bestAt(2), restoreBest: false })).toMatchObject({
      restored: false,
      best: { step: 6 },
    })
    const calls = callsOf(loadedModelOf(best))
    expect(await best.fit(data, { ...OPTIONS, ...fit, ...bestAt(4) })).toMatchObject({ restored: true, best: { step: 12 } })
    expect(calls).toContain('keep')
    expect(calls).not.toContain('revert')
    const weights = await weightsOf(last)
    expect(changed(weights, await weightsOf(off))).toEqual([])
    expect(changed(weights, await weightsOf(best))).toEqual([])
    await expect(last.fit(data, { restoreBest: true })).rejects.toThrow("'restoreBest' requires evaluation data")
  })

  test('an aborted fit has the weights of its last step, and restores the best when it is continued', async () => {
    const [whole, parted] = [await fresh(), await fresh()]
    await whole.fit(data, { ...OPTIONS, ...fit, ...bestAt(2) })
    const { epochs: _, ...options } = OPTIONS
    await using trainer = parted.trainer(options)
    const stop = new AbortController()
    const request = { ...fit, ...bestAt(2) }
    const last: Float32Array[] = []
    const onStep = async ({ applied }: { applied: number }) => {
      if (applied !== 9) return
      last.push(await parted.encode('the river flows'))
      stop.abort()
    }
    await expect(trainer.fit(data, { ...request, onStep, signal: stop.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    expect(await parted.encode('the river flows')).toEqual(last[0])
    expect(await trainer.fit(data, request)).toMatchObject({ restored: true, best: { step: 6 } })
    expect(changed(await weightsOf(whole), await weightsOf(parted))).toEqual([])
    // The next fit begins with them.
    await trainer.fit(data, { epochs: 1 })
  })

  test.each([
    { at: 'before the best evaluation', steps: 5 },
    { at: 'during it, when its weights are the current ones', steps: 6 },
    { at: 'after it', steps: 7 },
    { at: 'after a worse one', steps: 9 },
  ])('a fit that is resumed from a checkpoint written $at restores the same weights', async ({ steps }) => {
    const whole = await fresh()
    await whole.fit(data, { ...OPTIONS, ...fit, ...bestAt(2) })
    const dir = join(scratch(), 'run')
    const { epochs: _, ...options } = OPTIONS
    const trainer = (await fresh()).trainer(options)
    const request = { ...fit, ...bestAt(2) }
    const stop = new AbortController()
    const save = async () => {
      if (trainer.position.applied !== steps) return
      await trainer.saveCheckpoint(dir)
      stop.abort()
    }
    const callback = steps === 6 ? { onEvaluate: save } : { onStep: save }
    await expect(trainer.fit(data, { ...request, ...callback, signal: stop.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await using resumed = await Trainer.resume(dir)
    models.push(resumed.model)
    await expect(resumed.fit(data, { ...request, restoreBest: false })).rejects.toThrow('`restoreBest` (checkpoint: true, now: false)')
    const { metrics } = bestAt(steps < 6 ? 1 : -1)
    expect(await resumed.fit(data, { ...request, metrics })).toMatchObject({ restored: true, best: { step: 6 } })
    expect(changed(await weightsOf(whole), await weightsOf(resumed.model))).toEqual([])
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
