import path from 'node:path'
import { Model, Trainer, type LoadOptions } from '../../lib'
import { openFolder } from '../../lib/format/folder'
import { resolveProperties } from '../../lib/format/properties'
import { expectClose } from '../support/close'
import { collect } from '../support/collect'
import { logitsOf } from '../support/logits'
import { describePython, pythonFloats, type PythonNumbers } from '../support/python'
import { scratch } from '../support/scratch'
import { INTENT, sentences } from '../support/training'
import { BERT_WITH_DENSE, makeVariant } from '../support/variant'

const TEXTS = ['The river flows.', 'a b c 42', 'Towards the ocean, slowly!', 'x', 'the river flows '.repeat(20)]
const CLS = { pooling: 'cls', normalize: true } as const
const target = (): string => path.join(scratch(), 'saved')
const plainBert = (): string => makeVariant({ base: 'bert', files: { 'modules.json': null } })
const opened: Model[] = []

async function load(folder: string, options: LoadOptions = {}): Promise<Model> {
  const model = await Model.load(folder, { device: 'cpu', threads: 1, ...options })
  opened.push(model)
  return model
}

async function savedAndLoaded(model: Model, options: LoadOptions = {}): Promise<Model> {
  const folder = target()
  await model.save(folder)
  return load(folder, options)
}

afterEach(async () => {
  for (const model of opened.splice(0)) await model.dispose()
})

describe('pooling and normalize of Model.load', () => {
  test('every call follows them, also after save and load', async () => {
    const folder = plainBert()
    const expected = (await (await load(folder)).encode(TEXTS, CLS)).data
    const model = await load(folder, CLS)
    const mean = await (await load(folder)).encode(TEXTS)
    expect(mean.data).not.toEqual(expected)
    for (const each of [model, await savedAndLoaded(model)]) {
      expect(each.info).toMatchObject({ pooling: ['cls'], normalizes: true })
      expect(each.info.notes.join()).not.toMatch(/assumed/)
      expect((await each.encode(TEXTS)).data).toEqual(expected)
      const streamed = await collect(each.encodeStream(TEXTS))
      expect(streamed.flatMap(({ data }) => [...data])).toEqual([...expected])
      const predicted = await each.predict(TEXTS, { embedding: true, heads: [] })
      expect(predicted.flatMap(({ embedding }) => [...embedding])).toEqual([...expected])
    }
  })

  test('a call overrides them', async () => {
    const folder = plainBert()
    const mean = await (await load(folder)).encode(TEXTS)
    const model = await load(folder, CLS)
    expect((await model.encode(TEXTS, { pooling: 'mean', normalize: false })).data).toEqual(mean.data)
  })

  test('normalize: false leaves the Normalize module out of the saved folder', async () => {
    const folder = makeVariant(BERT_WITH_DENSE)
    const expected = await (await load(folder)).encode(TEXTS, { normalize: false })
    const again = await savedAndLoaded(await load(folder, { normalize: false }))
    expect(again.info.normalizes).toBe(false)
    expect((await again.encode(TEXTS)).data).toEqual(expected.data)
  })

  test('concatenated poolings give the dimension', async () => {
    const model = await load(plainBert(), { pooling: ['max', 'cls'] })
    const again = await savedAndLoaded(model)
    expect(again.info.pooling).toEqual(['max', 'cls'])
    expect(again.info.dimension).toBe(model.info.dimension)
    expect((await again.encode(TEXTS)).data).toEqual((await model.encode(TEXTS)).data)
  })
})

test('maxLength and prompts are kept by save; prompts of other names stay', async () => {
  const prompts = { query: 'q: ', topic: 'about ' }
  const folder = makeVariant({
    base: 'bert',
    files: { 'config_sentence_transformers.json': { prompts: { passage: 'p: ', topic: 'old' } } },
  })
  const model = await load(folder, { maxLength: 9, prompts, defaultPromptName: 'topic' })
  const plain = await load(folder)
  for (const each of [model, await savedAndLoaded(model)]) {
    expect(each.info).toMatchObject({
      maxLength: 9,
      prompts: { query: 'q: ', document: '', passage: 'p: ', topic: 'about ' },
      defaultPromptName: 'topic',
    })
    expect((await each.encode(TEXTS)).data).toEqual((await plain.encode(TEXTS, { prompt: 'about ', maxLength: 9 })).data)
    expect((await each.encodeQuery(TEXTS)).data).toEqual((await plain.encode(TEXTS, { prompt: 'q: ', maxLength: 9 })).data)
  }
  const saved = target()
  await model.save(saved)
  const without = await savedAndLoaded(await load(saved, { defaultPromptName: null }))
  expect(without.info.defaultPromptName).toBeUndefined()
})

describe('refused before the weights are read', () => {
  test.each<[string, LoadOptions, RegExp]>([
    ['pooling', { pooling: 'first' as 'cls' }, /for pooling/],
    ['no pooling', { pooling: [] }, /for pooling/],
    ['normalize', { normalize: 1 as unknown as boolean }, /for normalize/],
    ['maxLength', { maxLength: 1 }, /for maxLength/],
    ['more tokens than positions', { maxLength: 100_000 }, /integer in 2\.\.\d+ for maxLength/],
    ['prompts', { prompts: { a: 1 as unknown as string } }, /prompts\.a/],
    ['prompts that are no object', { prompts: 'q' as unknown as Record<string, string> }, /for prompts/],
    ['an unknown default prompt', { defaultPromptName: 'topic' }, /'defaultPromptName' is 'topic'/],
    ['more poolings than the Dense module takes', { pooling: ['mean', 'max'] }, /Pooling mean \+ max gives/],
  ])('%s', async (_name, options, message) => {
    const error = { code: 'ERR_INVALID_ARGUMENT', message: expect.stringMatching(message) }
    await expect(load(makeVariant(BERT_WITH_DENSE), options)).rejects.toMatchObject(error)
    // Opening a folder reads no weights.
    await expect(async () => openFolder(makeVariant(BERT_WITH_DENSE), resolveProperties(options))).rejects.toMatchObject(error)
  })
})

describe('heads', () => {
  async function taught(folder: string, options: LoadOptions = {}): Promise<Model> {
    const model = (await load(folder, options)).addHead(INTENT)
    const trainer = model.trainer({ learningRate: 1e-2, batchSize: 4, epochs: 1, seed: 1 })
    await trainer.trainEpoch(sentences(12))
    await trainer.dispose()
    return model
  }

  test('a stored head keeps the pooling that it was trained with; a new one follows the model', async () => {
    const first = await taught(plainBert())
    const logits = await logitsOf(first, 'intent', TEXTS)
    const other = await savedAndLoaded(first, CLS)
    const added = other.addHead({ ...INTENT, name: 'second' })
    const again = await savedAndLoaded(added)
    for (const model of [other, again]) {
      expect(model.heads.map(({ pooling }) => pooling)).toEqual([['mean'], undefined])
      expect(await logitsOf(model, 'intent', TEXTS)).toEqual(logits)
    }
    expect(await logitsOf(again, 'second', TEXTS)).toEqual(await logitsOf(added, 'second', TEXTS))
  })

  test('the same pooling changes nothing', async () => {
    const again = await savedAndLoaded(await taught(plainBert()), { pooling: 'mean', normalize: true })
    expect(again.heads[0]!.pooling).toBeUndefined()
  })

  test('a head on Dense modules is refused another pooling', async () => {
    const folder = target()
    await (await taught(makeVariant(BERT_WITH_DENSE))).save(folder)
    await expect(load(folder, { pooling: 'max' })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining("its head 'intent' was trained on vectors of the model's own pooling (mean) and Dense modules"),
    })
    const normalized = await load(folder, { normalize: false })
    expect(await logitsOf(normalized, 'intent', TEXTS)).toEqual(await logitsOf(await load(folder), 'intent', TEXTS))
  })
})

describe('training', () => {
  const OPTIONS = { learningRate: 1e-3, batchSize: 4, epochs: 1, hiddenDropout: 0, attentionDropout: 0 }

  test('distill compares the vectors that encode gives', async () => {
    const folder = plainBert()
    const teacher = await load(folder, CLS)
    const lossOf = async (model: Model) => {
      await using trainer = model.trainer({ ...OPTIONS, learningRate: 1e-9, distill: { teacher, loss: 'mse' } })
      return (await trainer.trainEpoch(sentences(8))).losses.distill!
    }
    expect(await lossOf(await load(folder, CLS))).toBeLessThan(1e-9)
    expect(await lossOf(await load(folder))).toBeGreaterThan(1e-3)
  })

  test('a checkpoint keeps them; they cannot be changed on the way', async () => {
    const dir = path.join(scratch(), 'checkpoint')
    const model = (await load(plainBert(), { ...CLS, maxLength: 20 })).addHead(INTENT)
    const trainer = model.trainer({ ...OPTIONS, keepEmbeddings: 1 })
    await trainer.trainEpoch(sentences(8))
    await trainer.saveCheckpoint(dir)
    const resumed = await Trainer.resume(dir)
    opened.push(resumed.model)
    expect(resumed.model.info).toMatchObject({ pooling: ['cls'], normalizes: true, maxLength: 20 })
    expect((await resumed.model.encode(TEXTS)).data).toEqual((await model.encode(TEXTS)).data)
    await expect(Trainer.resume(dir, { load: { pooling: 'max' } as object })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining("'load.pooling' cannot be given"),
    })
  })
})

describePython('Python reads the saved properties', (ask) => {
  test.each<[string, LoadOptions]>([
    ['first token, unit length', { ...CLS, maxLength: 12 }],
    ['two poolings in an order of their own', { pooling: ['mean', 'cls'] }],
    ['a default prompt', { ...CLS, prompts: { topic: 'the river ' }, defaultPromptName: 'topic' }],
  ])('%s', async (_name, options) => {
    const model = await load(plainBert(), options)
    const folder = target()
    await model.save(folder)
    const { vectors, maxLength } = await ask<{ vectors: PythonNumbers; maxLength: number }>('sentence', { folder, texts: TEXTS })
    expectClose(pythonFloats(vectors), (await model.encode(TEXTS)).data, { atol: 1e-5 })
    expect(maxLength).toBe(model.info.maxLength)
  })
})
