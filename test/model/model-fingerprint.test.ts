import { join } from 'node:path'
import { Embeddings, Model, similarity, Trainer, type LoadOptions } from '../../lib'
import { scratch } from '../support/scratch'
import { INTENT, sentences, tinyModel } from '../support/training'
import { makeVariant, type Recipe } from '../support/variant'

const models: Model[] = []
afterEach(async () => {
  for (const model of models.splice(0)) await model.dispose()
})

async function load(recipe: Recipe | string = { base: 'bert' }, options: LoadOptions = {}): Promise<Model> {
  const folder = typeof recipe === 'string' ? recipe : makeVariant(recipe)
  const model = await Model.load(folder, { device: 'cpu', threads: 1, ...options })
  models.push(model)
  return model
}

const WITH_DENSE: Recipe = {
  base: 'bert',
  overlays: ['bert-dense'],
  files: {
    'modules.json': ['Transformer', 'Pooling', 'Dense', 'Dense'].map((kind, i) => ({
      ...{ idx: i, name: String(i), path: ['', '1_Pooling', '2_Dense', '3_Dense'][i] },
      type: `sentence_transformers.models.${kind}`,
    })),
  },
}
const TEXTS = ['one two', 'three']
const OPTIONS = { learningRate: 1e-2, batchSize: 8 }
const data = sentences(16)

describe('model.fingerprint', () => {
  test('is that of the same model: loaded again, in bfloat16, with other prompts and limits, from shards', async () => {
    const { fingerprint } = await load()
    expect(fingerprint).toMatch(/^[0-9a-f]{32}$/)
    const same: [Recipe, LoadOptions][] = [
      [{ base: 'bert' }, { dtype: 'bfloat16', threads: 2 }],
      [{ base: 'bert' }, { prompts: { query: 'q: ' }, defaultPromptName: 'query', maxLength: 10 }],
      [{ base: 'bert' }, { pooling: 'mean' }],
      [{ base: 'bert', overlays: ['bert-shards'], files: { 'model.safetensors': null } }, {}],
    ]
    for (const [recipe, options] of same) expect((await load(recipe, options)).fingerprint).toBe(fingerprint)
  })

  test('differs with weights, Dense modules, stored rounding, tokenizer, pooling, normalization and dimension', async () => {
    const others: [Recipe, LoadOptions][] = [
      [{ base: 'bert' }, {}],
      [{ base: 'roberta' }, {}],
      [WITH_DENSE, {}],
      [{ base: 'bert', overlays: ['bert-float16'] }, {}],
      [{ base: 'bert', overlays: ['bert-bfloat16'] }, {}],
      [{ base: 'bert', files: { 'sentence_bert_config.json': { do_lower_case: true } } }, {}],
      [{ base: 'bert', files: { 'config_sentence_transformers.json': { truncate_dim: 8 } } }, {}],
      [{ base: 'bert' }, { pooling: 'cls' }],
      [{ base: 'bert' }, { pooling: ['cls', 'mean'] }],
      [{ base: 'bert' }, { normalize: (await load()).info.normalizes ? false : true }],
    ]
    const seen = new Set<string>()
    for (const [recipe, options] of others) seen.add((await load(recipe, options)).fingerprint)
    expect(seen.size).toBe(others.length)
  })

  test.each<[string, Recipe, LoadOptions]>([
    ['with Dense modules', WITH_DENSE, {}],
    ['stored as float16', { base: 'bert', overlays: ['bert-float16'] }, {}],
    ['with properties of its own', { base: 'mpnet' }, { pooling: 'cls', normalize: true }],
  ])('stays after save and load, before and after training: %s', async (_, recipe, options) => {
    const model = await load(recipe, options)
    const before = model.fingerprint
    const saved = async () => {
      const folder = scratch()
      await model.save(join(folder, 'm'))
      return (await load(join(folder, 'm'))).fingerprint
    }
    expect(await saved()).toBe(before)

    // Only the head trains: the file is written in float32 now, the vectors are the same.
    model.addHead(INTENT)
    await model.trainEpoch(data, { ...OPTIONS, freeze: { match: /^(?!heads)/ } })
    expect(model.fingerprint).toBe(before)
    expect(await saved()).toBe(before)

    await model.trainEpoch(data, OPTIONS)
    expect(model.fingerprint).not.toBe(before)
    expect(await saved()).toBe(model.fingerprint)
  })

  test('of a resumed checkpoint is that of the trainer that saved it', async () => {
    const model = await tinyModel()
    models.push(model)
    const folder = join(scratch(), 'c')
    const trainer = model.trainer(OPTIONS)
    await trainer.trainEpoch(data)
    await trainer.saveCheckpoint(folder)
    const { fingerprint } = model
    await trainer.trainEpoch(data)
    expect(model.fingerprint).not.toBe(fingerprint)
    const resumed = await Trainer.resume(folder, { load: { device: 'cpu', threads: 1 } })
    models.push(resumed.model)
    expect(resumed.model.fingerprint).toBe(fingerprint)
    await resumed.trainEpoch(data)
    expect(resumed.model.fingerprint).toBe(model.fingerprint)
  })
})

describe('the source of embeddings', () => {
  test('is the model, unless options give other vectors than its own', async () => {
    const model = await load({ base: 'bert' }, { normalize: true })
    const { fingerprint, info } = model
    const of = async (options: Parameters<Model['encode']>[1] = {}) =>
      (await model.encode(TEXTS, { ...options, tokenEmbeddings: false })).source!
    expect(await of()).toEqual({ model: fingerprint, fingerprint, dtype: 'float32', prompt: '', precision: 'float32' })
    const same = [
      { normalize: true },
      { pooling: [...info.pooling] },
      { truncateDim: info.dimension },
      { maxLength: 5 },
      { batchTokens: 4 },
    ]
    for (const options of same) expect(await of(options)).toEqual(await of())
    expect(await of({ prompt: 'p: ' })).toEqual({ ...(await of()), prompt: 'p: ' })
    expect(await of({ precision: 'int8' } as object)).toEqual({ ...(await of()), precision: 'int8' })
    const others = [{ normalize: false }, { pooling: 'cls' as const }, { truncateDim: 4 }, { truncateDim: 4, normalize: true }]
    const found = await Promise.all(others.map(of))
    expect(new Set([fingerprint, ...found.map((source) => source.fingerprint)]).size).toBe(others.length + 1)
    for (const source of found) expect(source.model).toBe(fingerprint)
    expect((await of({ pooling: 'cls' })).fingerprint).toBe((await load({ base: 'bert' }, { normalize: true, pooling: 'cls' })).fingerprint)
  })

  test('is set by every kind of call, and without texts', async () => {
    const model = await load({ base: 'bert' }, { prompts: { query: 'q: ', document: 'd: ' }, dtype: 'bfloat16' })
    const source = { model: model.fingerprint, fingerprint: model.fingerprint, dtype: 'bfloat16', prompt: '', precision: 'float32' }
    expect((await model.encode([])).source).toEqual(source)
    expect((await model.encodeQuery(TEXTS)).source).toEqual({ ...source, prompt: 'q: ' })
    expect((await model.encodeDocument(TEXTS)).source).toEqual({ ...source, prompt: 'd: ' })
    for await (const batch of model.encodeStream(TEXTS)) expect(batch.source).toEqual(source)
  })

  test('is refused by another model, and by the same after training, but not by the functions', async () => {
    const [model, other] = [await tinyModel(), await load({ base: 'roberta' })]
    models.push(model)
    const mine = await model.encode(TEXTS)
    expect(model.similarity(mine, mine).rows).toBe(2)
    expect((await model.search(mine, mine, { topK: 1 })).map(([hit]) => hit!.index)).toEqual([0, 1])
    const mismatch = { code: 'ERR_MODEL_MISMATCH', message: expect.stringContaining(mine.fingerprint!) }
    expect(() => other.similarity(mine, mine)).toThrow(expect.objectContaining(mismatch))
    await expect(other.search(mine.row(0), mine)).rejects.toMatchObject(mismatch)

    await model.trainEpoch(data, OPTIONS)
    expect(() => model.similarity(mine, mine)).toThrow(expect.objectContaining(mismatch))
    const later = await model.encode(TEXTS)
    expect(later.fingerprint).toBe(model.fingerprint)
    expect(() => similarity(mine, later)).toThrow(expect.objectContaining(mismatch))
    expect(similarity(mine, mine).rows).toBe(2)
    expect(model.similarity(later, new Embeddings(mine.data, mine.dimension)).rows).toBe(2)
  })

  test('is that of the weights that were used, also during training', async () => {
    const model = await tinyModel()
    models.push(model)
    const before = model.fingerprint
    const seen: (string | undefined)[] = []
    await model.trainEpoch(data, { ...OPTIONS, onStep: async () => void seen.push((await model.encode(TEXTS)).fingerprint) })
    expect(new Set([before, ...seen]).size).toBe(seen.length + 1)
    expect(seen.at(-1)).toBe(model.fingerprint)
  })
})
