import { join } from 'node:path'
import { openFolder } from '../../lib/format/folder'
import { folderOf } from '../support/scratch'
import { denseFiles, openSentence } from '../support/sentence-folder'
import { DENSE, NORMALIZE, POOLING, sentenceFiles, TRANSFORMER } from '../support/tiny-folder'

describe('modules.json', () => {
  test.each([
    ['long-standing', 'sentence_transformers.models'],
    ['one file a class', 'sentence_transformers.models.X'],
  ])('class paths: %s', async (_name, at) => {
    const path = (name: string): string => `${at.replace('X', name)}.${name}`
    const modules = [TRANSFORMER, POOLING, NORMALIZE].map(({ type, path: folder }) => ({ type: path(type), path: folder }))
    expect((await openSentence({ modules })).modules.steps).toEqual(['normalize'])
  })

  test('class paths of sentence-transformers 6', async () => {
    const types = {
      'sentence_transformers.base.modules.transformer.Transformer': '',
      'sentence_transformers.sentence_transformer.modules.pooling.Pooling': '1_Pooling',
      'sentence_transformers.base.modules.dense.Dense': '2_Dense',
      'sentence_transformers.sentence_transformer.modules.dropout.Dropout': '3_Dropout',
      'sentence_transformers.base.modules.normalize.Normalize': '4_Normalize',
    }
    const modules = Object.entries(types).map(([type, path]) => ({ type, path }))
    const files = {
      ...denseFiles(),
      '4_Normalize/config.json': { module_input_name: 'sentence_embedding', module_output_name: 'sentence_embedding' },
    }
    expect((await openSentence({ modules, files })).modules.steps).toEqual([0, 'normalize'])
  })

  test('a Transformer in a folder of its own', async () => {
    const {
      'config.json': config,
      'model.safetensors': weights,
      ...rest
    } = sentenceFiles({ modules: [{ type: 'Transformer', path: '0_Transformer' }, POOLING] })
    const folder = folderOf({
      ...rest,
      '0_Transformer/config.json': config,
      '0_Transformer/model.safetensors': weights,
      '0_Transformer/sentence_bert_config.json': { max_seq_length: 7, do_lower_case: true },
      'sentence_bert_config.json': { max_seq_length: 3 },
    })
    const opened = await openFolder(folder)
    expect(opened.modules).toMatchObject({ transformerPath: '0_Transformer', maxSeqLength: 7, doLowerCase: true, implied: false })
    expect(opened.files).toEqual([join(opened.folder, '0_Transformer', 'model.safetensors')])
  })

  test('a path that begins with any number of ./', async () => {
    const { type, path } = POOLING
    const modules = [TRANSFORMER, { type, path: `${'./'.repeat(5_000_000)}${path}/` }]
    expect((await openSentence({ modules })).modules.pooling).toEqual(['mean'])
  })

  const builtIn = (name: string): string => `sentence_transformers.models.${name}`
  test.each([
    ...[
      'CLIPModel',
      'Asym',
      'Router',
      'WordEmbeddings',
      'CNN',
      'LSTM',
      'BoW',
      'StaticEmbedding',
      'LayerNorm',
      'WordWeights',
      'WeightedLayerPooling',
    ].map(builtIn),
    'sentence_transformers.sparse_encoder.modules.splade_pooling.SpladePooling',
    'custom_st.Transformer',
    'evil.sentence_transformers.models.Pooling',
    'sentence_transformers.models.Pooling; import os',
  ])('%s is refused by name', async (type) => {
    for (const modules of [
      [TRANSFORMER, { type, path: '1_X' }, POOLING],
      [{ type, path: '' }, POOLING],
    ]) {
      await expect(openSentence({ modules })).rejects.toMatchObject({
        code: 'ERR_MODEL_UNSUPPORTED',
        message: expect.stringContaining(type),
      })
    }
  })

  test.each<[string, { type: string; path: string }[], string]>([
    ['no module', [], 'must begin with a Transformer module, but begins with nothing'],
    ['no Transformer', [POOLING], 'begins with Pooling'],
    ['no Pooling', [TRANSFORMER], 'has no Pooling'],
    ['Dense on the tokens', [TRANSFORMER, DENSE, POOLING], 'has a Dense module before Pooling'],
    ['Normalize on the tokens', [TRANSFORMER, NORMALIZE, POOLING], 'has a Normalize module before Pooling'],
    ['two Poolings', [TRANSFORMER, POOLING, POOLING], 'has a second Pooling module'],
    ['two Transformers', [TRANSFORMER, POOLING, TRANSFORMER], 'has a second Transformer module'],
  ])('refused: %s', async (_name, modules, message) => {
    await expect(openSentence({ modules })).rejects.toMatchObject({
      code: 'ERR_MODEL_UNSUPPORTED',
      message: expect.stringContaining(message),
    })
  })

  test('a Normalize of the tokens is refused by name', async () => {
    const files = { '3_Normalize/config.json': { module_input_name: 'token_embeddings' } }
    await expect(openSentence({ modules: [TRANSFORMER, POOLING, NORMALIZE], files })).rejects.toMatchObject({
      code: 'ERR_MODEL_UNSUPPORTED',
      message: expect.stringContaining('module_input_name is "token_embeddings" in 3_Normalize/config.json'),
    })
  })

  test.each<[string, unknown, string]>([
    ['no list', {}, 'Expected a list of modules in modules.json'],
    ['a module that is no object', [1], 'Expected a JSON object in module 0 of modules.json'],
    ['a module without a type', [{ path: '' }], 'Expected a string for type in module 0'],
    ['a path that is no text', [{ type: 'sentence_transformers.models.Transformer', path: 1 }], 'Expected a string for path in module 0'],
  ])('broken: %s', async (_name, json, message) => {
    await expect(openSentence({ files: { 'modules.json': json } })).rejects.toMatchObject({
      code: 'ERR_MODEL_FORMAT',
      message: expect.stringContaining(message),
    })
  })

  test('a Pooling folder that is not there', async () => {
    await expect(openSentence({ modules: [TRANSFORMER, { type: 'Pooling', path: '9_Pooling' }] })).rejects.toMatchObject({
      code: 'ERR_MODEL_FORMAT',
      message: expect.stringContaining('contains no 9_Pooling/config.json'),
    })
  })
})
