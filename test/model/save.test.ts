import fs from 'node:fs'
import path from 'node:path'
import { Model } from '../../lib'
import { expectClose } from '../support/close'
import { readTensors } from '../support/fake-model'
import { FAMILIES, readGolden, type VariantGolden } from '../support/golden'
import { logitsOf } from '../support/logits'
import { minilm } from '../support/minilm'
import { describePython, pythonFloats, type PythonNumbers } from '../support/python'
import { scratch } from '../support/scratch'
import { INTENT, sentences, SLOTS } from '../support/training'
import { BERT_WITH_DENSE, makeVariant } from '../support/variant'

const TEXTS = ['The river flows.', 'a b c 42', 'Towards the ocean, slowly!', 'x']
const target = (): string => path.join(scratch(), 'saved')
const load = (folder: string, options = {}) => Model.load(folder, { device: 'cpu', threads: 1, ...options })

async function using<T>(model: Promise<Model>, work: (model: Model) => Promise<T>): Promise<T> {
  await using opened = await model
  return await work(opened)
}

async function trained(folder: string, options = {}): Promise<Model> {
  const model = (await load(folder, options)).addHead(INTENT).addHead({ ...SLOTS, hidden: [7] })
  const trainer = model.trainer({ learningRate: 1e-2, batchSize: 4, epochs: 1, seed: 1 })
  await trainer.trainEpoch(sentences(12))
  await trainer.dispose()
  return model
}

describe('save and load', () => {
  const cases = readGolden<VariantGolden>('models/variants').cases.filter(
    ({ recipe }, i, all) => all.findIndex((other) => JSON.stringify(other.recipe) === JSON.stringify(recipe)) === i,
  )

  test.each(cases)('$name: the same vectors, bit for bit', async ({ recipe }) => {
    const folder = target()
    const encodeAll = async (model: Model) =>
      [...(await model.encode(TEXTS)), ...(await model.encodeQuery(TEXTS))].map((row) => Array.from(row))
    const before = await using(load(makeVariant(recipe)), async (model) => {
      await model.save(folder)
      return encodeAll(model)
    })
    expect(await using(load(folder), encodeAll)).toEqual(before)
  })

  test('trained weights and heads come back as they were; the encoder has moved', async () => {
    const folder = target()
    const base = makeVariant({ base: 'bert' })
    await using model = await trained(base)
    await model.save(folder, { training: { seed: 1 } })
    await using again = await load(folder)
    expect(again.heads).toEqual(model.heads)
    for (const { name } of model.heads) expect(await logitsOf(again, name, TEXTS)).toEqual(await logitsOf(model, name, TEXTS))
    const vectors = Array.from(await again.encode(TEXTS[0]!))
    expect(vectors).toEqual(Array.from(await model.encode(TEXTS[0]!)))
    expect(vectors).not.toEqual(Array.from(await using(load(base), (untrained) => untrained.encode(TEXTS[0]!))))
  })

  test('loaded for bfloat16: untrained weights keep their bytes, trained ones are the float32 masters', async () => {
    const base = makeVariant({ base: 'bert' })
    const [plain, moved] = [target(), target()]
    await using(load(base, { dtype: 'bfloat16' }), (model) => model.save(plain))
    expect(readTensors(plain)).toEqual(readTensors(base))
    await using(trained(base, { dtype: 'bfloat16' }), (model) => model.save(moved))
    const floats = readTensors(moved).get('encoder.layer.0.output.dense.weight')!
    // In bfloat16 the lower half of every number would be zero.
    const bytes = Buffer.from(floats.bytes, 'latin1')
    expect(floats.dtype).toBe('F32')
    expect(bytes.filter((_, i) => i % 4 === 0).some((byte) => byte !== 0)).toBe(true)
  })

  test('a model in the place of the folder that it came from can be trained and saved again', async () => {
    const folder = makeVariant({ base: 'bert' })
    await using model = await trained(folder)
    await model.save(folder, { overwrite: true })
    const logits = await logitsOf(model, 'intent', TEXTS)
    const second = target()
    await model.save(second)
    expect(readTensors(second)).toEqual(readTensors(folder))
    await using again = await load(second)
    expect(await logitsOf(again, 'intent', TEXTS)).toEqual(logits)
  })

  test('while a trainer is open heads stay; saving goes on', async () => {
    await using model = (await load(makeVariant({ base: 'bert' }))).addHead(INTENT)
    const trainer = model.trainer({ learningRate: 1e-3, epochs: 1 })
    expect(() => model.addHead(SLOTS)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    await trainer.trainEpoch(sentences(8))
    const folder = target()
    await model.save(folder)
    expect(fs.readdirSync(folder)).toContain('heads.safetensors')
    await trainer.dispose()
    expect(model.addHead(SLOTS).heads).toHaveLength(2)
  })

  test('a disposed model', async () => {
    const model = (await load(makeVariant({ base: 'bert' }))).addHead(INTENT)
    await model.dispose()
    const parent = scratch()
    await expect(model.save(path.join(parent, 'x'))).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
    expect(() => model.addHead(SLOTS)).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }))
    expect(fs.readdirSync(parent)).toEqual([])
  })
})

describePython('Python opens what is saved', (ask) => {
  interface Sentence {
    vectors: PythonNumbers
    maxLength: number
  }
  interface Auto {
    states: PythonNumbers
    missing: string[]
    unexpected: string[]
    class: string
  }

  test.each(FAMILIES)('%s, trained: SentenceTransformer and AutoModel give the same vectors', async (base) => {
    const folder = target()
    await using model = await trained(makeVariant({ base }))
    await model.save(folder)
    const { vectors, maxLength } = await ask<Sentence>('sentence', { folder, texts: TEXTS })
    expectClose(pythonFloats(vectors), (await model.encode(TEXTS)).data, { atol: 1e-5 })
    expect(maxLength).toBe(model.info.maxLength)
    const { states, missing, unexpected } = await ask<Auto>('auto', { folder, texts: TEXTS })
    expect({ missing, unexpected }).toEqual({ missing: [], unexpected: [] })
    const tokens = await model.encode(TEXTS, { tokenEmbeddings: true })
    expectClose(
      pythonFloats(states),
      tokens.flatMap(({ data }) => Array.from(data)),
      { atol: 1e-5 },
    )
  })

  test.each<[string, Parameters<typeof makeVariant>[0]]>([
    ['Dense and Normalize', BERT_WITH_DENSE],
    [
      'poolings in an order of their own',
      { base: 'bert', files: { '1_Pooling/config.json': { pooling_mode_mean_tokens: null, pooling_mode: ['mean', 'cls'] } } },
    ],
    ['tensors of other heads', { base: 'bert', overlays: ['bert-heads'] }],
    [
      'a plain transformers folder',
      {
        base: 'mpnet',
        files: {
          'modules.json': null,
          '1_Pooling/config.json': null,
          'sentence_bert_config.json': null,
          'config_sentence_transformers.json': null,
        },
      },
    ],
    ['half precision', { base: 'bert', overlays: ['bert-bfloat16'] }],
  ])('%s', async (name, recipe) => {
    for (const make of [load, trained]) {
      const folder = target()
      await using model = await make(makeVariant(recipe))
      await model.save(folder)
      const { vectors } = await ask<Sentence>('sentence', { folder, texts: TEXTS })
      // Stored half precision is computed in half precision there, and in float32 here.
      const atol = name === 'half precision' && make === load ? 5e-2 : 1e-5
      expectClose(pythonFloats(vectors), (await model.encode(TEXTS)).data, { atol })
    }
  })

  test('all-MiniLM-L6-v2: the same vectors, the pooler passed through', async () => {
    const folder = target()
    await using model = await load(minilm())
    model.addHead(INTENT)
    await model.save(folder)
    expect(readTensors(folder)).toEqual(readTensors(minilm()))
    const { vectors } = await ask<Sentence>('sentence', { folder, texts: TEXTS })
    expectClose(pythonFloats(vectors), (await model.encode(TEXTS)).data, { atol: 1e-5 })
    const { tensors } = await ask<{ tensors: object }>('header', { file: path.join(folder, 'heads.safetensors') })
    expect(tensors).toEqual({ 'intent.0.weight': ['torch.float32', [2, 384]], 'intent.0.bias': ['torch.float32', [2]] })
  })
})
