import { rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { Embeddings, Model } from '../../lib'
import { Dataset } from '../../lib/data/dataset'
import { loadedModelOf } from '../../lib/api/access'
import type { EpochProgress } from '../../lib/training/loop/progress'
import type { StepReport } from '../../lib/training/loop/report'
import { scratch } from '../support/scratch'
import { changed, INTENT, sentences, SLOTS, tinyModel, weightsOf } from '../support/training'

const OPTIONS = { learningRate: 1e-3, batchSize: 8 }
const data = sentences(48)
const models: Model[] = []

async function fresh(...args: Parameters<typeof tinyModel>): Promise<Model> {
  const model = await tinyModel(...args)
  models.push(model)
  return model
}

afterEach(async () => {
  for (const model of models.splice(0)) await model.dispose()
})

test('an epoch goes once over the data and reports it; the loss falls from epoch to epoch', async () => {
  const trainer = (await fresh()).trainer({ ...OPTIONS, epochs: 3 })
  const told: EpochProgress[] = []
  const reports = []
  for (let epoch = 0; epoch < 3; epoch++) reports.push(await trainer.trainEpoch(data, { onProgress: (progress) => told.push(progress) }))
  for (const [epoch, report] of reports.entries()) expect(report).toMatchObject({ epoch, examples: 48, steps: 6, skippedSteps: 0 })
  expect(reports[0]!.tokens).toBeGreaterThan(48 * 5)
  expect(Object.keys(reports[0]!.losses)).toEqual(['intent', 'slots'])
  expect(reports[0]!.loss).toBeCloseTo(reports[0]!.losses.intent! + reports[0]!.losses.slots!, 12)
  expect(reports[2]!.loss).toBeLessThan(reports[0]!.loss)
  // Linear: nothing is left of the rate but the last of 18 steps.
  expect(reports[2]!.learningRates.heads).toBeCloseTo(1e-3 / 17, 9)
  expect(told.at(-1)).toMatchObject({ epoch: 2, step: 6, steps: 6, examples: 48, totalExamples: 48, eta: 0, loss: reports[2]!.loss })
  expect(trainer.position).toEqual({ epoch: 3, step: 0, applied: 18 })
})

test('weights that are read again must be those that were loaded', async () => {
  const model = await fresh()
  const [file] = loadedModelOf(model).folder.files
  utimesSync(file!, new Date(), new Date(Date.now() - 60_000))
  await expect(model.trainer(OPTIONS).trainEpoch(data)).rejects.toMatchObject({ code: 'ERR_MODEL_FORMAT', detail: { file } })
})

test('encode and predict while an epoch runs are served, and change no bit of it', async () => {
  const [quiet, busy] = [await fresh(), await fresh()]
  await quiet.trainer(OPTIONS).trainEpoch(data)
  const trainer = busy.trainer(OPTIONS)
  const steps: number[] = []
  let isOver = false
  const epoch = trainer.trainEpoch(data, { onStep: ({ step }) => void steps.push(step) }).then(() => (isOver = true))
  const served: boolean[] = []
  for (let i = 0; i < 3; i++) {
    await busy.encode('the river flows')
    await busy.predict('the river flows')
    served.push(isOver)
  }
  await epoch
  expect(served[0]).toBe(false)
  expect(steps).toEqual([0, 1, 2, 3, 4, 5])
  expect(changed(await weightsOf(quiet), await weightsOf(busy))).toEqual([])
})

test('an abort drops the step under way; the same data goes on where it stopped, other data begins anew', async () => {
  const [whole, parted] = [await fresh(), await fresh()]
  const uninterrupted = whole.trainer({ ...OPTIONS, epochs: 2 })
  const expected = [await uninterrupted.trainEpoch(data), await uninterrupted.trainEpoch(data)]

  const trainer = parted.trainer({ ...OPTIONS, epochs: 2 })
  const controller = new AbortController()
  const onStep = ({ step }: StepReport) => void (step === 2 && controller.abort(new Error('enough')))
  await expect(trainer.trainEpoch(data, { onStep, signal: controller.signal })).rejects.toMatchObject({
    code: 'ERR_ABORTED',
    cause: { message: 'enough' },
  })
  expect(trainer.position).toEqual({ epoch: 0, step: 3, applied: 3 })
  const reports = [await trainer.trainEpoch(data), await trainer.trainEpoch(data)]
  for (const [i, { seconds: _, ...report }] of reports.entries()) expect(report).toEqual({ ...expected[i], seconds: undefined })
  expect(changed(await weightsOf(whole), await weightsOf(parted))).toEqual([])

  await expect(trainer.trainEpoch(data, { onStep: () => Promise.reject(new Error('from the handler')) })).rejects.toThrow(
    'from the handler',
  )
  expect(trainer.position).toMatchObject({ epoch: 2, step: 1 })
  expect(await trainer.trainEpoch(sentences(16, 2))).toMatchObject({ epoch: 2, examples: 16, steps: 2 })
})

test('an abort in the middle of native work loses only the step under way', async () => {
  const model = await fresh()
  const trainer = model.trainer(OPTIONS)
  const controller = new AbortController()
  const epoch = trainer.trainEpoch(sentences(2000, 3), { signal: controller.signal })
  while (trainer.position.step === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  controller.abort()
  await expect(epoch).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  const { applied, step } = trainer.position
  expect(step).toBe(applied)
  expect(step).toBeLessThan(250)
  expect(await trainer.trainEpoch(sentences(2000, 3))).toMatchObject({ steps: 250, examples: 2000 })
})

const EMBEDDINGS = 'embeddings.'
const freezings = [
  { freeze: 'encoder', trains: (name: string) => name.startsWith('heads.') },
  { freeze: 'embeddings', trains: (name: string) => !name.startsWith(EMBEDDINGS) },
  { freeze: { layers: 1 }, trains: (name: string) => !name.startsWith('encoder.layer.0.') },
  { freeze: { head: 'intent' }, trains: (name: string) => !name.startsWith('heads.intent') },
  { freeze: { match: '*.bias' }, trains: (name: string) => !name.endsWith('.bias') },
  { freeze: ['encoder', { head: 'slots' }], trains: (name: string) => name.startsWith('heads.intent') },
] as const

test.each(freezings)('freeze $freeze: frozen weights keep their bits, all others change', async ({ freeze, trains }) => {
  const model = await fresh()
  const trainer = model.trainer({ ...OPTIONS, freeze, weightDecay: 0.1, warmupSteps: 0 })
  await trainer.parameterGroups()
  const before = await weightsOf(model)
  await trainer.trainEpoch(data)
  const expected = [...before.keys()].filter((name) => trains(name)).sort()
  // Rows of tables that no text names have no gradient, but they decay; the keys' bias has none at all, for softmax does not see it.
  const moved = changed(before, await weightsOf(model)).sort()
  expect(moved.filter((name) => !expected.includes(name))).toEqual([])
  expect(expected.filter((name) => !moved.includes(name) && !name.includes('key.bias'))).toEqual([])
})

test("freeze 'all': a forward pass with metrics and no step, until an epoch begins that unfreezes something", async () => {
  const model = await fresh()
  const trainer = model.trainer({ ...OPTIONS, freeze: 'all', unfreeze: [{ at: { epoch: 1 }, what: { head: 'intent' } }] })
  expect(await trainer.parameterGroups()).toEqual([])
  const before = await weightsOf(model)
  const report = await trainer.trainEpoch(data)
  const { loss, metrics } = await trainer.evaluate(data)
  expect(report).toMatchObject({ epoch: 0, steps: 0, examples: 48, loss, gradientNorm: 0, learningRates: {} })
  expect(report.metrics.intent!.accuracy).toBe(metrics.intent!.accuracy)
  expect(changed(before, await weightsOf(model))).toEqual([])
  expect(await trainer.trainEpoch(data)).toMatchObject({ epoch: 1, steps: 6 })
  expect(changed(before, await weightsOf(model))).toEqual(['heads.intent.0.weight', 'heads.intent.0.bias'])
})

test('unfreezing by epoch and by step changes what trains at that very step', async () => {
  const model = await fresh()
  const trainer = model.trainer({
    ...OPTIONS,
    freeze: 'encoder',
    unfreeze: [
      { at: { step: 2 }, what: { topLayers: 1 } },
      { at: { epoch: 1 }, what: 'encoder' },
    ],
  })
  await trainer.parameterGroups()
  const start = await weightsOf(model)
  const seen: string[][] = []
  await trainer.trainEpoch(data, { onStep: async () => void seen.push(changed(start, await weightsOf(model))) })
  const parts = (names: string[]) => [...new Set(names.map((name) => name.replace(/^(encoder\.layer\.\d|embeddings|heads).*/, '$1')))]
  expect(seen.map(parts)).toEqual([['heads'], ['heads'], ...Array.from({ length: 4 }, () => ['encoder.layer.1', 'heads'])])
  const groups = async () => [...new Set((await trainer.parameterGroups()).map(({ name }) => name))]
  expect(await groups()).toEqual(['layer 1', 'heads'])
  await trainer.trainEpoch(data)
  expect(await groups()).toEqual(['embeddings', 'layer 0', 'layer 1', 'heads'])
})

test('keepEmbeddings holds sentence vectors near those before training, and reports how near', async () => {
  const after = async (keepEmbeddings: number) => {
    const trainer = (await fresh()).trainer({ ...OPTIONS, keepEmbeddings })
    const first = await trainer.trainEpoch(data)
    const second = await trainer.trainEpoch(data)
    expect(first.embeddingSimilarity!.before).toBeCloseTo(1, 5)
    expect(second.embeddingSimilarity!.before).toBe(first.embeddingSimilarity!.after)
    expect(first.losses.keepEmbeddings).toBeGreaterThanOrEqual(0)
    return second.embeddingSimilarity!.after
  }
  expect(await after(50)).toBeGreaterThan(await after(1e-6))
})

test('keepEmbeddings with data that came after training began is refused', async () => {
  const trainer = (await fresh()).trainer({ ...OPTIONS, keepEmbeddings: 1 })
  await trainer.trainEpoch(data)
  await expect(trainer.trainEpoch(sentences(8, 9))).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  await trainer.trainEpoch(data)
})

test('distillation: the teacher is asked once for a data set, and its vectors are learnt', async () => {
  const [student, teacher] = [await fresh([]), await fresh([], { files: { 'config.json': { hidden_act: 'relu' } } })]
  let asked = 0
  const trainer = student.trainer({
    ...OPTIONS,
    hiddenDropout: 0,
    attentionDropout: 0,
    distill: {
      loss: 'cosine',
      teacher: (texts) => {
        asked += texts.length
        return teacher.encode([...texts])
      },
    },
  })
  const set = await Dataset.from(data)
  const losses = []
  for (let epoch = 0; epoch < 6; epoch++) losses.push((await trainer.trainEpoch(set)).losses.distill!)
  expect(asked).toBe(48)
  expect(losses[5]!).toBeLessThan(losses[0]! / 2)
})

test('a head called target0 shares no parameter with the loss of a teacher, whose weight is learnt too', async () => {
  const teacher = (texts: readonly string[]) => new Embeddings(new Float32Array(32 * texts.length).fill(1), 32)
  const model = await fresh([{ ...INTENT, name: 'target0' }])
  const trainer = model.trainer({ ...OPTIONS, uncertainty: true, distill: { teacher } })
  await trainer.trainEpoch(data.map(({ text, labels }) => ({ text, labels: { target0: labels.intent! } })))
  const { names } = (await trainer.parameterGroups()).find(({ name }) => name === 'uncertainty')!
  expect(names).toEqual(['uncertainty.target0', 'uncertainty.target:0'])
  const [head, loss] = await loadedModelOf(model).native.read('value', names)
  expect(head![0]).not.toBe(loss![0])
})

test('a teacher of another dimension is refused', async () => {
  const teacher = (texts: readonly string[]) => new Embeddings(new Float32Array(3 * texts.length), 3)
  const trainer = (await fresh([])).trainer({ distill: { teacher } })
  await expect(trainer.trainEpoch(data)).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    message: expect.stringContaining('3 dimensions'),
  })
})

test('several data sets with different tasks', async () => {
  const model = await fresh()
  const only = (head: 'intent' | 'slots', seed: number) =>
    sentences(24, seed).map((example) => ({ ...example, labels: { [head]: example.labels[head]! } }))
  const trainer = model.trainer({ ...OPTIONS, sampling: 'mixed' })
  const report = await trainer.trainEpoch({ intents: only('intent', 4), slots: only('slots', 5) })
  expect(report).toMatchObject({ examples: 48, steps: 6 })
  expect(report.losses.intent).toBeGreaterThan(0)
  expect(report.losses.slots).toBeGreaterThan(0)
})

test('what cannot be trained on is refused by name, before anything changes', async () => {
  const model = await fresh()
  const trainer = model.trainer(OPTIONS)
  await trainer.parameterGroups()
  const before = await weightsOf(model)
  const refused = (input: any, code: string, message: RegExp) =>
    expect(trainer.trainEpoch(input)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  await refused([], 'ERR_DATA', /'data' is empty/)
  await refused({ first: data, second: [] }, 'ERR_DATA', /'second' is empty/)
  await refused({}, 'ERR_INVALID_ARGUMENT', /object of data sets is empty/)
  await refused(5, 'ERR_INVALID_ARGUMENT', /iterable of examples, received 5/)
  await refused([{ text: 'x', labels: { intent: 'go' } }], 'ERR_DATA', /head 'slots' has no labelled example/)
  await refused([...data, { text: 'x', labels: { intent: 'fly' } }], 'ERR_DATA', /"fly" is not one of the labels of head 'intent'/)
  expect(changed(before, await weightsOf(model))).toEqual([])
  expect(trainer.position).toEqual({ epoch: 0, step: 0, applied: 0 })
})

test('one trainer at a time, one epoch at a time; heads are fixed while it is open', async () => {
  const model = await fresh([INTENT])
  const trainer = model.trainer(OPTIONS)
  expect(() => model.trainer(OPTIONS)).toThrow(/open trainer/)
  expect(() => model.addHead(SLOTS)).toThrow(/while a trainer is open/)
  const epoch = trainer.trainEpoch(data)
  await expect(trainer.trainEpoch(data)).rejects.toMatchObject({ code: 'ERR_BUSY' })
  await epoch
  await trainer.dispose()
  await trainer.dispose()
  await expect(trainer.trainEpoch(data)).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
  model.addHead(SLOTS)
  await model.trainer(OPTIONS).trainEpoch(data)
})

test('dispose during an epoch ends it', async () => {
  const model = await fresh()
  const trainer = model.trainer(OPTIONS)
  const epoch = trainer.trainEpoch(sentences(2000, 6))
  await new Promise((resolve) => setTimeout(resolve, 50))
  await Promise.all([trainer.dispose(), expect(epoch).rejects.toMatchObject({ code: 'ERR_DISPOSED' })])
  await model.encode('still there')
})

test('steps that are not finite are skipped; too many of them in a row end training, and the weights stay finite', async () => {
  const model = await fresh()
  const trainer = model.trainer({ learningRate: 1e30, batchSize: 4, schedule: 'constant', maxSkippedSteps: 3, weightDecay: 0 })
  await expect(trainer.trainEpoch(data)).rejects.toMatchObject({ code: 'ERR_NON_FINITE', detail: { skipped: 3 } })
  for (const values of (await weightsOf(model)).values()) expect(values.every(Number.isFinite)).toBe(true)
})

test('the short form keeps one trainer until its options change, and gives way to a new head', async () => {
  const [long, short] = [await fresh(), await fresh()]
  const trainer = long.trainer(OPTIONS)
  for (let epoch = 0; epoch < 2; epoch++) {
    await trainer.trainEpoch(data)
    await short.trainEpoch(data, OPTIONS)
  }
  expect(changed(await weightsOf(long), await weightsOf(short))).toEqual([])
  expect((await short.trainEpoch(data, OPTIONS)).epoch).toBe(2)
  expect((await short.trainEpoch(data, { ...OPTIONS, learningRate: 1e-4 })).epoch).toBe(0)
  short.addHead({ ...INTENT, name: 'other' })
  await short.trainEpoch(data, { ...OPTIONS, tasks: { other: false } })
})

describe('a function of the caller may dispose of the trainer and wait for that', () => {
  test('a measure', async () => {
    const trainer = (await fresh()).trainer(OPTIONS)
    const metrics = { ends: async () => trainer.dispose().then(() => 1) }
    await expect(trainer.fit(data, { evaluate: data, epochs: 1, metrics })).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
  })

  test('a teacher', async () => {
    const model = await fresh()
    const teacher = async (texts: readonly string[]) => trainer.dispose().then(() => model.encode(texts))
    const trainer = model.trainer({ ...OPTIONS, distill: { teacher } })
    await expect(trainer.trainEpoch(data)).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
  })
})

describe('fit', () => {
  test('history, evaluations, the best and its folder', async () => {
    const model = await fresh()
    const saveBest = join(scratch(), 'best')
    const trainer = model.trainer({ ...OPTIONS, learningRate: 3e-3 })
    const seen: number[] = []
    const order: unknown[] = []
    const result = await trainer.fit(data, {
      evaluate: sentences(30, 8),
      epochs: 3,
      evaluateEvery: 4,
      saveBest,
      metrics: { words: ({ heads }) => heads.slots!.gold.flat().length },
      onEpoch: ({ epoch, evaluation }) => void seen.push(epoch, evaluation!.custom.words),
      onEvaluate: () => new Promise((resolve) => setTimeout(() => resolve(void order.push('heard')), 20)),
      onStep: ({ step }) => void order.push(step),
    })
    // The next step waits until the caller has done what it does with an evaluation.
    expect(order).toEqual([0, 1, 2, 3, 'heard', 4, 5, 'heard', 0, 1, 'heard', 2, 3, 4, 5, 'heard', 0, 1, 2, 3, 'heard', 4, 5, 'heard'])
    expect(result).toMatchObject({ steps: 18, stopped: 'epochs' })
    expect(result.history.map(({ epoch, steps }) => [epoch, steps])).toEqual([0, 1, 2].map((epoch) => [epoch, 6]))
    expect(result.evaluations.map(({ step }) => step)).toEqual([4, 6, 8, 12, 16, 18])
    const words = result.evaluations[0]!.evaluation.custom.words
    expect(seen).toEqual([0, words, 1, words, 2, words])
    const values = result.evaluations.map(({ value }) => value)
    expect(result.best).toMatchObject({ value: Math.max(...values), saved: saveBest })
    // The schedule was the fit's: it has come to its end.
    expect(Object.values(result.history[2]!.learningRates).every((rate) => rate < 3e-3 / 5)).toBe(true)

    const saved = await Model.load(saveBest, { device: 'cpu', threads: 1 })
    models.push(saved)
    const again = await saved.trainer().evaluate(sentences(30, 8))
    expect(again.score).toBe(result.best!.value)
    rmSync(saveBest, { recursive: true })
  })

  test('early stopping and maxSteps end it, in the middle of an epoch too', async () => {
    const trainer = (await fresh()).trainer({ ...OPTIONS, learningRate: 0 })
    const options = { evaluate: sentences(10, 8), epochs: 5, evaluateEvery: 2 }
    const stopped = await trainer.fit(data, { ...options, earlyStopping: { metric: 'intent.loss', patience: 3 } })
    // Without a rate nothing improves: the first evaluation is the best, and three more are too many.
    expect(stopped).toMatchObject({ stopped: 'earlyStopping', steps: 8, best: { step: 2 } })
    expect(stopped.history.map(({ steps }) => steps)).toEqual([6, 2])
    const bounded = await trainer.fit(data, { ...options, maxSteps: 7 })
    expect(bounded).toMatchObject({ stopped: 'maxSteps', steps: 7 })
    expect(bounded.evaluations.map(({ step }) => step)).toEqual([2, 4, 6, 7])
  })

  test('a plateau of the score unfreezes', async () => {
    const trainer = (await fresh()).trainer({
      ...OPTIONS,
      learningRate: 0,
      freeze: 'encoder',
      unfreeze: [{ at: { plateau: 2 }, what: 'encoder' }],
    })
    const groups: number[] = []
    await trainer.fit(data, {
      evaluate: sentences(10, 8),
      epochs: 4,
      onStep: async ({ step }) => void (step === 0 && groups.push(new Set((await trainer.parameterGroups()).map(({ name }) => name)).size)),
    })
    expect(groups).toEqual([1, 1, 1, 4])
  })

  test('an aborted fit goes on with the same call, to the same end', async () => {
    const run = async (interrupt: boolean) => {
      const model = await fresh()
      const trainer = model.trainer(OPTIONS)
      const options = { evaluate: sentences(10, 8), epochs: 2, evaluateEvery: 4 }
      if (interrupt) {
        const controller = new AbortController()
        const onStep = ({ applied }: StepReport) => void (applied === 5 && controller.abort())
        await expect(trainer.fit(data, { ...options, onStep, signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
      }
      const { evaluations } = await trainer.fit(data, options)
      return { weights: await weightsOf(model), scores: evaluations.map(({ step, value }) => [step, value]) }
    }
    const [whole, parted] = [await run(false), await run(true)]
    expect(parted.scores).toEqual(whole.scores)
    expect(changed(whole.weights, parted.weights)).toEqual([])
  })
})
