import { join } from 'node:path'
import type { ModelFolder } from '../../lib/format/folder'
import { safetensors } from '../support/safetensors'
import { denseFiles, openSentence } from '../support/sentence-folder'
import { DENSE, NORMALIZE, POOLING, TINY, TRANSFORMER } from '../support/tiny-folder'

const { hidden } = TINY

const pooling = (config: unknown): Promise<ModelFolder> => openSentence({ files: { '1_Pooling/config.json': config } })
const dense = (config: Record<string, unknown> = {}): Promise<ModelFolder> =>
  openSentence({ modules: [TRANSFORMER, POOLING, DENSE], files: denseFiles(config) })

describe('Pooling', () => {
  const old = { word_embedding_dimension: hidden }
  test.each<[string, object, string[]]>([
    ['mean', { ...old, pooling_mode_mean_tokens: true }, ['mean']],
    ['cls', { ...old, pooling_mode_cls_token: true, pooling_mode_mean_tokens: false }, ['cls']],
    ['max', { ...old, pooling_mode_max_tokens: true }, ['max']],
    ['mean over the root of the length', { ...old, pooling_mode_mean_sqrt_len_tokens: true }, ['mean_sqrt_len_tokens']],
    ['weighted mean', { ...old, pooling_mode_weightedmean_tokens: true }, ['weightedmean']],
    ['last token', { ...old, pooling_mode_lasttoken: true }, ['lasttoken']],
    [
      'several, in the order of sentence-transformers',
      { ...old, pooling_mode_lasttoken: true, pooling_mode_mean_tokens: true, pooling_mode_cls_token: true },
      ['cls', 'mean', 'lasttoken'],
    ],
    ['none switched on', { ...old, pooling_mode_mean_tokens: false }, ['mean']],
    ['none named', old, ['mean']],
    ['the newer spelling', { embedding_dimension: hidden, pooling_mode: 'cls' }, ['cls']],
    ['the newer spelling, a list, in its own order', { embedding_dimension: hidden, pooling_mode: ['max', 'cls'] }, ['max', 'cls']],
    ['both spellings: the newer wins', { ...old, pooling_mode: 'max', pooling_mode_mean_tokens: true }, ['max']],
  ])('%s', async (_name, config, expected) => {
    expect((await pooling(config)).modules).toMatchObject({ pooling: expected, includePrompt: true, steps: [], dense: [] })
  })

  test('prompt tokens excluded', async () => {
    expect((await pooling({ ...old, include_prompt: false })).modules.includePrompt).toBe(false)
  })

  test.each<[string, unknown, string, string]>([
    ['an unknown mode', { ...old, pooling_mode: 'median' }, 'ERR_MODEL_UNSUPPORTED', 'The pooling mode "median" in 1_Pooling/config.json'],
    ['an unknown mode in a list', { ...old, pooling_mode: ['cls', 'median'] }, 'ERR_MODEL_UNSUPPORTED', '"median"'],
    [
      'an unknown key',
      { ...old, pooling_mode_attention: true },
      'ERR_MODEL_UNSUPPORTED',
      'pooling_mode_attention is true in 1_Pooling/config.json',
    ],
    ['an empty list', { ...old, pooling_mode: [] }, 'ERR_MODEL_FORMAT', 'at least one mode'],
    ['a number for a mode', { ...old, pooling_mode: 1 }, 'ERR_MODEL_FORMAT', 'a name or a list of names'],
    ['a number for a switch', { ...old, pooling_mode_cls_token: 1 }, 'ERR_MODEL_FORMAT', 'true or false for pooling_mode_cls_token'],
    ['no dimension', { pooling_mode: 'cls' }, 'ERR_MODEL_FORMAT', 'word_embedding_dimension'],
    [
      'another dimension than the encoder',
      { word_embedding_dimension: 5 },
      'ERR_MODEL_MISMATCH',
      "Pooling expects 5 features, but the encoder's hidden size is 4",
    ],
  ])('refused: %s', async (_name, config, code, message) => {
    await expect(pooling(config)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })
})

describe('Dense', () => {
  test.each([
    ['torch.nn.modules.activation.Tanh', 'tanh'],
    ['torch.nn.modules.linear.Identity', 'identity'],
    ['torch.nn.modules.activation.ReLU', 'relu'],
    ['torch.nn.modules.activation.GELU', 'gelu'],
    ['torch.nn.modules.activation.Sigmoid', 'sigmoid'],
    ['torch.nn.modules.activation.SiLU', 'silu'],
    ['torch.nn.Tanh', 'tanh'],
    [undefined, 'tanh'],
  ])('activation %s is %s', async (name, activation) => {
    const opened = await dense({ ...(name && { activation_function: name }) })
    expect(opened.modules.dense).toEqual([{ path: '2_Dense', inFeatures: hidden, outFeatures: 3, bias: true, activation }])
    expect(opened.modules.steps).toEqual([0])
    expect(opened.dense).toMatchObject([
      { activation, linear: { weight: { name: 'linear.weight', file: 1, shape: [3, hidden] }, bias: { shape: [3] } } },
    ])
    expect(opened.files[1]).toBe(join(opened.folder, '2_Dense', 'model.safetensors'))
  })

  test('without a bias', async () => {
    const opened = await dense({ bias: false, module_input_name: 'sentence_embedding', module_output_name: 'sentence_embedding' })
    expect(opened.dense[0]!.linear.bias).toBeNull()
  })

  test.each<[string, Record<string, unknown>, string, string]>([
    [
      'an activation of other code',
      { activation_function: 'my.code.Act' },
      'ERR_MODEL_UNSUPPORTED',
      'activation_function is "my.code.Act" in 2_Dense/config.json',
    ],
    ['an activation that is not built', { activation_function: 'torch.nn.modules.activation.PReLU' }, 'ERR_MODEL_UNSUPPORTED', 'PReLU'],
    [
      'an activation that every object has',
      { activation_function: 'torch.nn.constructor' },
      'ERR_MODEL_UNSUPPORTED',
      'torch.nn.constructor',
    ],
    ['null for an activation', { activation_function: null }, 'ERR_MODEL_FORMAT', 'activation_function'],
    ['a residual', { use_residual: true }, 'ERR_MODEL_UNSUPPORTED', 'use_residual is true'],
    ['tokens for input', { module_input_name: 'token_embeddings' }, 'ERR_MODEL_UNSUPPORTED', 'module_input_name is "token_embeddings"'],
    ['tokens for output', { module_output_name: 'token_embeddings' }, 'ERR_MODEL_UNSUPPORTED', 'module_output_name'],
    ['an unknown setting', { scale: 2 }, 'ERR_MODEL_UNSUPPORTED', 'scale is 2'],
    ['no features', { in_features: 0 }, 'ERR_MODEL_FORMAT', 'in_features'],
    [
      'other features than the pooled vector has',
      { in_features: 8 },
      'ERR_MODEL_MISMATCH',
      '2_Dense expects 8 features, but the previous module returns 4',
    ],
  ])('refused: %s', async (_name, config, code, message) => {
    await expect(dense(config)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })

  test('two, behind a concatenation, with Normalize between and Dropout passed over', async () => {
    const files = {
      '1_Pooling/config.json': { embedding_dimension: hidden, pooling_mode: ['cls', 'max'] },
      ...denseFiles({}, 2 * hidden, 5),
      '4_Dense/config.json': { in_features: 5, out_features: 2, bias: false },
      '4_Dense/model.safetensors': safetensors({ 'linear.weight': { shape: [2, 5] } }),
    }
    const modules = [
      TRANSFORMER,
      POOLING,
      DENSE,
      { type: 'Dropout', path: '3_Dropout' },
      NORMALIZE,
      { type: 'Dense', path: '4_Dense' },
      NORMALIZE,
    ]
    const opened = await openSentence({ modules, files })
    expect(opened.modules.steps).toEqual([0, 'normalize', 1, 'normalize'])
    expect(opened.files.map((file) => file.slice(opened.folder.length + 1))).toEqual([
      'model.safetensors',
      '2_Dense/model.safetensors',
      '4_Dense/model.safetensors',
    ])
  })
})
