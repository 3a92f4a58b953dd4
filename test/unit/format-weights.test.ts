import { relative } from 'node:path'
import { openFolder } from '../../lib/format/folder'
import { safetensors } from '../support/safetensors'
import { folderOf } from '../support/scratch'
import { sourcesIn } from '../support/sources'
import {
  CONFIGS,
  DENSE,
  encoderTensors,
  POOLING,
  sentenceFiles,
  TINY,
  tinyFiles,
  TRANSFORMER,
  type FamilyName,
  type Tensors,
} from '../support/tiny-folder'

const { hidden, wide } = TINY

const without = (tensors: Tensors, ...names: string[]): Tensors =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => !names.includes(name)))

describe('sharded', () => {
  const all = encoderTensors('bert')
  const names = Object.keys(all)
  const half = (first: boolean): Tensors => Object.fromEntries(Object.entries(all).filter((_, i) => i < names.length / 2 === first))
  const parts = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const
  const map = Object.fromEntries(names.map((name, i) => [name, parts[i < names.length / 2 ? 0 : 1]]))
  const files = (weightMap: Record<string, unknown> = map): Record<string, unknown> => ({
    'config.json': CONFIGS.bert,
    'model.safetensors.index.json': { metadata: { total_size: 1 }, weight_map: weightMap },
    [parts[0]]: safetensors(half(true)),
    [parts[1]]: safetensors(half(false)),
  })

  test('two files', async () => {
    const opened = await openFolder(folderOf(files()))
    expect(opened.files.map((file) => relative(opened.folder, file))).toEqual(parts)
    for (const { name, file } of sourcesIn(opened.encoder)) expect(parts[file]).toBe(map[name])
  })

  test('a single file beside an index wins, as in transformers', async () => {
    const opened = await openFolder(folderOf({ ...files(), ...tinyFiles() }))
    expect(opened.files).toHaveLength(1)
  })

  test.each<[string, Record<string, unknown>, string, string]>([
    ['a shard outside', files({ ...map, [names[0]!]: '../elsewhere.safetensors' }), 'ERR_UNSAFE_MODEL', '"../elsewhere.safetensors"'],
    ['an absolute shard', files({ ...map, [names[0]!]: '/etc/passwd' }), 'ERR_UNSAFE_MODEL', '"/etc/passwd"'],
    ['a missing shard', files({ ...map, [names[0]!]: 'model-00003.safetensors' }), 'ERR_MODEL_FORMAT', 'the download is incomplete'],
    [
      'a tensor in another shard',
      files({ ...map, [names[0]!]: parts[1] }),
      'ERR_MODEL_FORMAT',
      `names ${parts[1]} for tensor ${names[0]}, which ${parts[0]} contains`,
    ],
    [
      'a tensor in no shard',
      files({ ...map, ghost: parts[0] }),
      'ERR_MODEL_FORMAT',
      'names model-00001-of-00002.safetensors for tensor ghost, which that file does not contain',
    ],
    [
      'a tensor that the index leaves out',
      files(without(map as never, names[0]!)),
      'ERR_MODEL_FORMAT',
      `does not list tensor ${names[0]}, which`,
    ],
    ['no map', { ...files(), 'model.safetensors.index.json': {} }, 'ERR_MODEL_FORMAT', 'names 0 files'],
    ['a number for a file', files({ ...map, [names[0]!]: 1 }), 'ERR_MODEL_FORMAT', 'Expected a string'],
    [
      'a broken shard',
      { ...files(), [parts[1]]: safetensors(half(false), { trailing: 3 }) },
      'ERR_MODEL_FORMAT',
      `${parts[1]}: 3 bytes at its end`,
    ],
  ])('%s', async (_name, content, code, message) => {
    await expect(openFolder(folderOf(content))).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })
})

describe('weights that do not fit the config', () => {
  test('all of it in one error', async () => {
    const tensors: Tensors = {
      ...without(encoderTensors('bert'), 'encoder.layer.1.output.dense.weight', 'encoder.layer.0.attention.self.key.bias'),
      'embeddings.word_embeddings.weight': { shape: [12, hidden] },
      'encoder.layer.0.intermediate.dense.weight': { shape: [hidden, wide] },
      'encoder.layer.2.output.dense.bias': { shape: [1] },
      'adapter.weight': { shape: [1] },
    }
    const folder = folderOf({ 'config.json': CONFIGS.bert, 'model.safetensors': safetensors(tensors) })
    await expect(openFolder(folder)).rejects.toMatchObject({
      code: 'ERR_MODEL_MISMATCH',
      message: [
        `model.safetensors does not fit config.json in ${folder}`,
        '  missing   encoder.layer.0.attention.self.key.bias',
        '  missing   encoder.layer.1.output.dense.weight',
        '  wrong     embeddings.word_embeddings.weight           file [12, 4]   config [11, 4]',
        '  wrong     encoder.layer.0.intermediate.dense.weight   file [4, 6]   config [6, 4]',
        '  unknown   encoder.layer.2.output.dense.bias',
        '  unknown   adapter.weight',
      ].join('\n'),
      detail: { misfits: [expect.objectContaining({ missing: expect.arrayContaining(['encoder.layer.1.output.dense.weight']) })] },
    })
  })

  test.each<[string, FamilyName, FamilyName, string]>([
    [
      'DistilBERT weights under a BERT config',
      'distilbert',
      'bert',
      'The weights look like distilbert, but model_type in the config is bert.',
    ],
    [
      'BERT weights under an MPNet config',
      'bert',
      'mpnet',
      'The weights look like bert or roberta or xlm-roberta or camembert, but model_type in the config is mpnet.',
    ],
  ])('%s are told', async (_name, weights, config, hint) => {
    const files = { 'config.json': CONFIGS[config], 'model.safetensors': safetensors(encoderTensors(weights)) }
    await expect(openFolder(folderOf(files))).rejects.toMatchObject({ code: 'ERR_MODEL_MISMATCH', message: expect.stringContaining(hint) })
  })

  test('a lost tensor of a file with prefixes is one line', async () => {
    const tensors = without(encoderTensors('bert', 'bert.'), 'bert.embeddings.word_embeddings.weight')
    const folder = folderOf({ 'config.json': CONFIGS.bert, 'model.safetensors': safetensors(tensors) })
    await expect(openFolder(folder)).rejects.toMatchObject({
      message: `model.safetensors does not fit config.json in ${folder}\n  missing   bert.embeddings.word_embeddings.weight`,
    })
  })

  test('a thousand unknown tensors are counted, not printed', async () => {
    const noise = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`noise.${i}`, { shape: [] }]))
    const folder = folderOf({ 'config.json': CONFIGS.bert, 'model.safetensors': safetensors({ ...encoderTensors('bert'), ...noise }) })
    await expect(openFolder(folder)).rejects.toMatchObject({ message: expect.stringMatching(/noise\.99\n {2}… and 900 more$/) })
  })

  test.each(['F64', 'I32', 'BOOL'])('a weight stored as %s is refused by name', async (dtype) => {
    const tensors = { ...encoderTensors('bert'), 'embeddings.LayerNorm.bias': { dtype, shape: [hidden] } }
    const folder = folderOf({ 'config.json': CONFIGS.bert, 'model.safetensors': safetensors(tensors) })
    await expect(openFolder(folder)).rejects.toMatchObject({
      code: 'ERR_MODEL_UNSUPPORTED',
      message: `model.safetensors in ${folder} stores embeddings.LayerNorm.bias as ${dtype}; supported types are F32, F16, BF16.`,
    })
  })

  test('a Dense module and the encoder, both wrong, in one error', async () => {
    const folder = folderOf({
      ...sentenceFiles({ modules: [TRANSFORMER, POOLING, DENSE] }),
      'model.safetensors': safetensors(without(encoderTensors('bert'), 'embeddings.LayerNorm.bias')),
      '2_Dense/config.json': { in_features: hidden, out_features: 3 },
      '2_Dense/model.safetensors': safetensors({ 'linear.weight': { shape: [hidden, 3] } }),
    })
    await expect(openFolder(folder)).rejects.toMatchObject({
      code: 'ERR_MODEL_MISMATCH',
      message: [
        `model.safetensors does not fit config.json in ${folder}`,
        '  missing   embeddings.LayerNorm.bias',
        `2_Dense/model.safetensors does not fit 2_Dense/config.json in ${folder}`,
        '  missing   linear.bias',
        '  wrong     linear.weight   file [4, 3]   config [3, 4]',
      ].join('\n'),
    })
  })
})
