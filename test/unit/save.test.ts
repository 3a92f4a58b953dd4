import fs from 'node:fs'
import path from 'node:path'
import { openFolder } from '../../lib/format/folder'
import { saveModel } from '../../lib/model/save'
import { safetensorsFile, valueOf, type TensorToWrite } from '../../lib/format/write-folder'
import type { HeadDefinition } from '../../lib/heads/definition'
import { valueFor } from '../support/fake-native'
import { fakeModel, filesIn, readJsonFile, readTensors } from '../support/fake-model'
import { scratch } from '../support/scratch'
import { makeVariant, type Recipe } from '../support/variant'

const intent: HeadDefinition = { name: 'intent', type: 'classification', labels: ['a', 'b', 'c'], hidden: [5], dropout: 0.25 }
const slots: HeadDefinition = { name: 'slots', type: 'token-classification', labels: ['O', 'B-x', 'I-x'], inputDropout: 0.5 }
const target = (): string => path.join(scratch(), 'saved')

/** Loads, changes, saves; gives both folders. */
async function saved(recipe: Recipe, change: (parts: Awaited<ReturnType<typeof fakeModel>>['parts']) => void = () => {}, options = {}) {
  const source = makeVariant(recipe)
  const { parts, native } = await fakeModel(source)
  change(parts)
  const folder = target()
  await saveModel(parts, folder, options)
  return { source, folder, parts, native }
}

const entry = (idx: number, kind: string): object => ({
  idx,
  name: String(idx),
  path: idx === 0 ? '' : `${idx}_${kind}`,
  type: `sentence_transformers.models.${kind}`,
})

describe('the folder', () => {
  test('of a sentence-transformers model: the files that it reads, ours beside them, the tokenizer as it was', async () => {
    const { source, folder } = await saved({ base: 'bert' }, ({ heads }) => {
      heads.add(intent)
      heads.add(slots)
    })
    expect(filesIn(folder)).toEqual([
      '1_Pooling/config.json',
      'config.json',
      'config_sentence_transformers.json',
      'heads.safetensors',
      'model.safetensors',
      'modules.json',
      'sentence_bert_config.json',
      'sentorch-manifest.json',
      'sentorch.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    for (const name of ['tokenizer.json', 'tokenizer_config.json'])
      expect(fs.readFileSync(path.join(folder, name))).toEqual(fs.readFileSync(path.join(source, name)))
    for (const name of ['config_sentence_transformers.json', 'sentence_bert_config.json'])
      expect(readJsonFile(folder, name)).toEqual(readJsonFile(source, name))
    expect(readJsonFile(folder, 'modules.json')).toEqual([entry(0, 'Transformer'), entry(1, 'Pooling')])
    expect(readJsonFile(folder, '1_Pooling/config.json')).toEqual({
      ...readJsonFile(source, '1_Pooling/config.json'),
      include_prompt: true,
    })
    expect(readJsonFile(folder, 'sentorch.json')).toEqual({
      format: 1,
      sentorch: readJsonFile(path.join(__dirname, '..', '..'), 'package.json').version,
      heads: [
        { ...intent, activation: 'relu', inputDropout: 0.1, pooling: null, multiLabel: false },
        { ...slots, hidden: [], activation: 'relu', dropout: 0.1, pooling: null, multiLabel: false },
      ],
    })
  })

  test('Dense and Normalize modules in their order, whatever their folders were called', async () => {
    const kinds = ['Transformer', 'Pooling', 'Dense', 'Normalize', 'Dense']
    const paths = ['', '1_Pooling', '3_Dense', 'n', '2_Dense']
    const modules = kinds.map((kind, idx) => ({ ...entry(idx, kind), path: paths[idx] }))
    const swapped = { in_features: 32, out_features: 24, bias: true, activation_function: 'torch.nn.GELU' }
    const first = {
      '3_Dense/config.json': swapped,
      '2_Dense/config.json': { in_features: 24, out_features: 20, bias: false, activation_function: 'torch.nn.Identity' },
    }
    const source = makeVariant({ base: 'bert', overlays: ['bert-dense'], files: { 'modules.json': modules, ...first } })
    for (const name of ['model.safetensors']) {
      fs.renameSync(path.join(source, '2_Dense', name), path.join(source, 'swap'))
      fs.renameSync(path.join(source, '3_Dense', name), path.join(source, '2_Dense', name))
      fs.renameSync(path.join(source, 'swap'), path.join(source, '3_Dense', name))
    }
    const { parts } = await fakeModel(source)
    const folder = target()
    await saveModel(parts, folder)
    expect(readJsonFile(folder, 'modules.json')).toEqual(kinds.map((kind, idx) => entry(idx, kind)))
    expect(fs.readdirSync(folder)).toEqual(expect.arrayContaining(['2_Dense', '3_Normalize', '4_Dense']))
    expect(readJsonFile(folder, '2_Dense/config.json')).toEqual({ ...swapped, activation_function: 'torch.nn.modules.activation.GELU' })
    expect(readJsonFile(folder, '4_Dense/config.json')).toMatchObject({
      bias: false,
      activation_function: 'torch.nn.modules.linear.Identity',
    })
    expect(readTensors(folder, '2_Dense/model.safetensors')).toEqual(readTensors(source, '3_Dense/model.safetensors'))
    expect(readTensors(folder, '4_Dense/model.safetensors')).toEqual(readTensors(source, '2_Dense/model.safetensors'))
    parts.trained = true
    await saveModel(parts, folder, { overwrite: true })
    expect(valuesIn(folder, '4_Dense/model.safetensors')).toEqual({ 'linear.weight': valueFor('dense.1.weight') })
    expect(valuesIn(folder, '2_Dense/model.safetensors')).toEqual({
      'linear.weight': valueFor('dense.0.weight'),
      'linear.bias': valueFor('dense.0.bias'),
    })
  })

  test.each<[string, object, object]>([
    [
      'the order of the long-standing keys',
      { pooling_mode: ['cls', 'mean'] },
      { pooling_mode_cls_token: true, pooling_mode_mean_tokens: true, pooling_mode_max_tokens: false },
    ],
    [
      'another order, which only the newer key can say',
      { pooling_mode: ['mean', 'cls'] },
      { embedding_dimension: 32, pooling_mode: ['mean', 'cls'] },
    ],
    [
      'prompts that are not pooled',
      { pooling_mode: 'lasttoken', include_prompt: false },
      { pooling_mode_lasttoken: true, include_prompt: false },
    ],
  ])('pooling: %s', async (_, config, expected) => {
    const { folder, source } = await saved({
      base: 'bert',
      files: { '1_Pooling/config.json': { word_embedding_dimension: 32, pooling_mode_mean_tokens: null, ...config } },
    })
    expect(readJsonFile(folder, '1_Pooling/config.json')).toMatchObject(expected)
    const [a, b] = [await openFolder(source), await openFolder(folder)]
    expect(b.modules).toEqual(a.modules)
  })

  test('of a plain transformers model: modules.json with mean pooling, and a note that says so', async () => {
    const files = Object.fromEntries(
      ['modules.json', '1_Pooling/config.json', 'sentence_bert_config.json', 'config_sentence_transformers.json'].map((name) => [
        name,
        null,
      ]),
    )
    const { folder, source } = await saved({ base: 'roberta', files })
    expect(readJsonFile(folder, 'modules.json')).toEqual([entry(0, 'Transformer'), entry(1, 'Pooling')])
    expect(readJsonFile(folder, '1_Pooling/config.json')).toMatchObject({ pooling_mode_mean_tokens: true, word_embedding_dimension: 36 })
    const [before, after] = [await openFolder(source), await openFolder(folder)]
    expect({ ...after.modules, implied: true }).toEqual({ ...before.modules, poolingFeatures: 36 })
    expect(after.notes).toEqual([expect.stringContaining('mean pooling was assumed')])
    expect(filesIn(folder)).not.toContain('heads.safetensors')
    const again = target()
    await saveModel((await fakeModel(folder)).parts, again)
    expect((await openFolder(again)).notes).toEqual(after.notes)
  })

  test('of a model in sub-folders: all of it on top', async () => {
    const source = makeVariant({ base: 'bert' })
    fs.mkdirSync(path.join(source, '0_Transformer'))
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json', 'sentence_bert_config.json']) {
      fs.renameSync(path.join(source, name), path.join(source, '0_Transformer', name))
    }
    fs.writeFileSync(
      path.join(source, 'modules.json'),
      JSON.stringify([{ ...entry(0, 'Transformer'), path: '0_Transformer' }, entry(1, 'Pooling')]),
    )
    const { parts } = await fakeModel(source)
    const folder = target()
    await saveModel(parts, folder)
    expect(readTensors(folder)).toEqual(readTensors(path.join(source, '0_Transformer')))
    expect(filesIn(folder)).toContain('tokenizer.json')
    expect((await openFolder(folder)).modules).toMatchObject({ transformerPath: '', maxSeqLength: 48 })
  })

  test('how it was trained is kept, until somebody says it anew', async () => {
    const training = { seed: 3, metrics: { f1: 0.5 }, gone: undefined }
    const { folder } = await saved({ base: 'bert' }, undefined, { training })
    const kept = { seed: 3, metrics: { f1: 0.5 } }
    expect(readJsonFile(folder, 'sentorch.json')).toMatchObject({ training: kept })
    const { parts } = await fakeModel(folder)
    const [second, third] = [target(), target()]
    await saveModel(parts, second)
    await saveModel(parts, third, { training: { seed: 4 } })
    expect(readJsonFile(second, 'sentorch.json').training).toEqual(kept)
    expect(readJsonFile(third, 'sentorch.json').training).toEqual({ seed: 4 })
  })
})

describe('weights', () => {
  const HEADED: [string, string][] = [['bert', 'bert.'], ['distilbert', 'distilbert.'], ['roberta', 'roberta.'], ['mpnet', 'mpnet.']] // prettier-ignore

  test.each(HEADED)('%s, never trained: every stored byte, named as AutoModel names it', async (base, prefix) => {
    const { folder, source } = await saved({ base, overlays: [`${base}-heads`] })
    const expected = [...readTensors(source)].map(
      ([name, tensor]) => [name.startsWith(prefix) ? name.slice(prefix.length) : name, tensor] as const,
    )
    const tensors = readTensors(folder)
    expect(tensors).toEqual(new Map(expected))
    // Widest types first, then by name.
    expect([...tensors.keys()]).toEqual([...tensors.keys()].sort())
    const { architectures, ...config } = readJsonFile(folder, 'config.json')
    expect(architectures).toEqual([
      { bert: 'BertModel', distilbert: 'DistilBertModel', roberta: 'RobertaModel', mpnet: 'MPNetModel' }[base],
    ])
    expect(readJsonFile(source, 'config.json')).toMatchObject(config)
  })

  test.each(['bert-float16', 'bert-bfloat16'])('%s: half precision stays half, until it is trained', async (overlay) => {
    const { folder, source, parts } = await saved({
      base: 'bert',
      overlays: [overlay],
      files: { 'config.json': { dtype: 'bfloat16', torch_dtype: 'float16' } },
    })
    expect(readTensors(folder)).toEqual(readTensors(source))
    expect(readJsonFile(folder, 'config.json')).toMatchObject({ dtype: 'bfloat16', torch_dtype: 'float16' })
    parts.trained = true
    const trained = target()
    await saveModel(parts, trained)
    expect(readJsonFile(trained, 'config.json')).toMatchObject({ dtype: 'float32', torch_dtype: 'float32' })
    expect(valuesIn(trained)).toEqual(Object.fromEntries([...readTensors(source).keys()].map((name) => [name, valueFor(name)])))
  })

  test('trained: parameters as the model has them, what nothing uses as it was stored', async () => {
    const { folder, source } = await saved({ base: 'bert', overlays: ['bert-heads'] }, (parts) => {
      parts.heads.add(intent)
      parts.trained = true
    })
    const [before, after] = [readTensors(source), readTensors(folder)]
    expect(after.get('pooler.dense.weight')).toEqual(before.get('bert.pooler.dense.weight'))
    expect(after.get('cls.predictions.bias')).toEqual(before.get('cls.predictions.bias'))
    expect(valuesIn(folder)).toMatchObject({ 'embeddings.word_embeddings.weight': valueFor('embeddings.word_embeddings.weight') })
    expect([...readTensors(folder, 'heads.safetensors')].map(([name, { shape }]) => [name, shape])).toEqual([
      ['intent.0.bias', [5]],
      ['intent.0.weight', [5, 32]],
      ['intent.1.bias', [3]],
      ['intent.1.weight', [3, 5]],
    ])
    expect(valuesIn(folder, 'heads.safetensors')).toMatchObject({ 'intent.1.weight': valueFor('heads.intent.1.weight') })
  })

  test('shards become one file, LayerNorms of old their present names', async () => {
    const shards = await saved({ base: 'bert', overlays: ['bert-shards'], files: { 'model.safetensors': null } })
    expect(filesIn(shards.folder).filter((name) => name.endsWith('.safetensors'))).toEqual(['model.safetensors'])
    expect([...readTensors(shards.folder).keys()]).toEqual([...readTensors(makeVariant({ base: 'bert' })).keys()].sort())
  })

  test('each tensor begins at a multiple of its element, behind a header that says where it comes from', () => {
    const tensors = new Map<string, TensorToWrite>([
      ['a', { dtype: 'BF16', shape: [3], from: { file: 'x', offset: 8, bytes: 6 } }],
      ['c', { dtype: 'I64', shape: [1, 2], from: { file: 'x', offset: 14, bytes: 16 } }],
      ['d', valueOf('p', [])],
      ['b', valueOf('q', [2])],
    ])
    const { header, parts, path } = safetensorsFile('y', tensors)
    const length = Number(Buffer.from(header).readBigUInt64LE())
    expect([path, header.length % 8, length]).toEqual(['y', 0, header.length - 8])
    expect(Object.entries(JSON.parse(Buffer.from(header).toString('utf8', 8)) as object)).toEqual([
      ['__metadata__', { format: 'pt' }],
      ['c', { dtype: 'I64', shape: [1, 2], data_offsets: [0, 16] }],
      ['b', { dtype: 'F32', shape: [2], data_offsets: [16, 24] }],
      ['d', { dtype: 'F32', shape: [], data_offsets: [24, 28] }],
      ['a', { dtype: 'BF16', shape: [3], data_offsets: [28, 34] }],
    ])
    expect(parts).toEqual(['c', 'b', 'd', 'a'].map((name) => tensors.get(name)!.from))
  })

  test('all files are asked for in one go, so that no step of training comes between them', async () => {
    const { native } = await saved(
      {
        base: 'bert',
        overlays: ['bert-dense'],
        files: { 'modules.json': [entry(0, 'Transformer'), entry(1, 'Pooling'), entry(2, 'Dense')] },
      },
      ({ heads }) => {
        heads.add(intent)
      },
    )
    expect(native.calls.map(([method]) => method)).toEqual(['addHead', 'write', 'write', 'write'])
  })

  test('a head that is added while files are written is in none of them', async () => {
    const { parts, native } = await fakeModel(makeVariant({ base: 'bert' }))
    parts.heads.add(intent)
    native.onWrite = () => parts.heads.get('slots') ?? parts.heads.add(slots)
    const folder = target()
    await saveModel(parts, folder)
    expect((await openFolder(folder)).heads.map(({ head }) => head.name)).toEqual(['intent'])
  })
})

/** The one number that fills each tensor of float32. */
function valuesIn(folder: string, name?: string): Record<string, number> {
  return Object.fromEntries(
    [...readTensors(folder, name)].flatMap(([key, { dtype, bytes }]) =>
      dtype === 'F32' ? [[key, Buffer.from(bytes, 'latin1').readFloatLE()]] : [],
    ),
  )
}
