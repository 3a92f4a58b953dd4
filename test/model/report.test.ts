import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Model, RunRecord } from '../../lib'
import { loadedModelOf } from '../../lib/api/access'
import { scratch } from '../support/scratch'
import { changed, INTENT, sentences, SLOTS, tinyModel, weightsOf } from '../support/training'

const OPTIONS = { learningRate: 3e-3, batchSize: 8 }
const data = sentences(48)
const held = sentences(30, 8)
const TOPICS = { name: 'topics', type: 'classification', labels: ['a', 'b'], multiLabel: true } as const
const models: Model[] = []

async function fresh(...args: Parameters<typeof tinyModel>): Promise<Model> {
  const model = await tinyModel(...args)
  models.push(model)
  return model
}

/** The record of a fit, as it arrives from JSON. */
async function recordOf(model: Model, options: Parameters<Model['fit']>[1], train = data): Promise<RunRecord> {
  let record: RunRecord | undefined
  await model.fit(train, { ...OPTIONS, ...options, report: (given) => void (record = given) })
  return JSON.parse(JSON.stringify(record)) as RunRecord
}

afterEach(async () => {
  for (const model of models.splice(0)) await model.dispose()
})

test('a fit with a report gives the same results and weights as one without', async () => {
  const path = join(scratch(), 'runs', 'report.html')
  const [plain, reported] = [await fresh(), await fresh()]
  const options = { ...OPTIONS, evaluate: held, epochs: 2 }
  const expected = await plain.fit(data, options)
  const result = await reported.fit(data, { ...options, report: path })
  expect(result.evaluations.map(({ evaluation }) => ({ ...evaluation, seconds: 0 }))).toEqual(
    expected.evaluations.map(({ evaluation }) => ({ ...evaluation, seconds: 0 })),
  )
  await using _ = plain.trainer()
  await using __ = reported.trainer()
  expect(changed(await weightsOf(plain), await weightsOf(reported))).toEqual([])
  expect(readFileSync(path, 'utf8')).toContain('<h2 id="head-1">Head <bdi>slots</bdi></h2>')
})

test('the record agrees with the evaluation of the best step', async () => {
  const topics = (text: string) => (text.includes('42') ? ['a', 'b'] : [])
  const labelled = (list: typeof data) => list.map((each) => ({ ...each, labels: { ...each.labels, topics: topics(each.text) } }))
  const model = await fresh([INTENT, SLOTS, TOPICS])
  const record = await recordOf(model, { evaluate: labelled(held), epochs: 3, evaluateEvery: 5 }, labelled(data))
  const { evaluation } = record.evaluations.find(({ step }) => step === record.bestStep)!
  expect(record.detailsStep).toBe(record.bestStep)
  expect(record.recipe.dataDependent).toMatchObject({ batchSize: 8, epochs: 3, learningRate: 3e-3, chosen: ['headLearningRate'] })
  const right = (head: string) => {
    const { counts } = record.details.find((each) => each.head === head)!
    const sum = (list: typeof counts) => list.reduce((total, { count }) => total + count, 0)
    return { right: sum(counts.filter(({ gold, predicted }) => gold === predicted)), all: sum(counts) }
  }
  expect(right('intent')).toEqual({ right: Math.round(30 * evaluation.metrics.intent!.accuracy), all: 30 })
  const words = held.reduce((sum, each) => sum + each.words!.length, 0)
  expect(right('slots').all).toBe(words)
  expect(right('slots').right).toBe(Math.round(words * evaluation.metrics.slots!.accuracy))
  expect(right('topics').all).toBe(60)
  for (const { unit, calibration, head } of record.details) {
    expect([head, unit]).toContainEqual({ intent: 'text', slots: 'word', topics: 'label' }[head])
    expect(calibration!.bins.reduce((sum, { count }) => sum + count, 0)).toBe(right(head).all)
  }
})

test('mistakes are the most confident ones, with their entities as ranges of the text', async () => {
  // One step with a tiny rate leaves nearly everything wrong.
  const record = await recordOf(await fresh(), { evaluate: held, maxSteps: 1, learningRate: 1e-6 })
  for (const { head, mistakes, wrong } of record.details) {
    const confidences = mistakes.map(({ confidence }) => confidence!)
    expect(confidences).toEqual([...confidences].sort((a, b) => b - a))
    expect(mistakes.length).toBe(Math.min(20, wrong))
    for (const { example, text, gold, predicted, entities } of mistakes) {
      expect(text).toBe(held[example]!.text)
      expect(gold).not.toEqual(predicted)
      if (head === 'slots')
        expect(entities!.gold.map(({ start, end, label }) => [text.slice(start, end), label])).toEqual([['flows river', 'place']])
    }
  }
})

test('steps, rates and frozen spans', async () => {
  const record = await recordOf(await fresh(), {
    epochs: 2,
    freeze: 'encoder',
    unfreeze: [{ what: { topLayers: 1 }, at: { step: 4 } }],
    warmupSteps: 0,
    schedule: 'constant',
  })
  expect(record.course.map(({ step }) => step)).toEqual(Array.from({ length: record.steps }, (_, i) => i + 1))
  const first = record.course.slice(0, 6).map(({ losses }) => losses.intent!)
  expect(record.history[0]!.losses.intent).toBeCloseTo(first.reduce((sum, loss) => sum + loss, 0) / 6, 6)
  const trained = Object.fromEntries(record.groups.map((group) => [group.name, group.trained]))
  expect(trained.embeddings).toEqual([])
  expect(trained.heads).toEqual([{ from: 0, to: 12 }])
  expect(trained['layer 1']).toEqual([{ from: 4, to: 12 }])
  expect(record.details).toEqual([])
})

test('similarity is 1 where the encoder is frozen, and below where it learns', async () => {
  const frozen = await recordOf(await fresh(), { epochs: 1, freeze: 'encoder' })
  expect(frozen.similarity!.meanCosine).toBeCloseTo(1, 5)
  for (const { before, after } of frozen.similarity!.pairs) expect(after).toBeCloseTo(before, 5)
  expect(frozen.similarity!.pairs).toHaveLength((32 * 31) / 2)
  const model = await fresh()
  const { fingerprint } = model
  const learning = await recordOf(model, { epochs: 1 })
  expect(learning.model.fingerprint).toBe(fingerprint)
  expect(learning.similarity!.meanCosine).toBeLessThan(0.999)
})

test('a report that cannot be written is refused before the first step; one that fails afterwards is a warning', async () => {
  const folder = scratch()
  const model = await fresh()
  await expect(model.fit(data, { ...OPTIONS, report: folder })).rejects.toMatchObject({ code: 'ERR_FILE' })
  await expect(model.fit(data, { ...OPTIONS, report: '' })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  expect(loadedModelOf(model).trained).toBe(false)
  const path = join(folder, 'report.html')
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const { steps } = await model.fit(data, { ...OPTIONS, epochs: 1, report: path, onEpoch: () => void mkdirSync(path) })
  expect(warned.mock.calls.map(([, options]) => options)).toEqual([{ type: 'SentorchWarning', code: 'SENTORCH_REPORT_NOT_WRITTEN' }])
  warned.mockRestore()
  expect(steps).toBe(6)
  expect(existsSync(join(folder, 'report.html', 'report.html'))).toBe(false)
})

test('an error of the function is ERR_CALLBACK', async () => {
  const model = await fresh()
  const report = () => {
    throw new Error('no')
  }
  await expect(model.fit(data, { ...OPTIONS, epochs: 1, report })).rejects.toMatchObject({ code: 'ERR_CALLBACK', message: 'no' })
})
