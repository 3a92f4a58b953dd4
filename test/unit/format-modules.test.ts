import { join } from 'node:path'
import { openFolder, type ModelFolder } from '../../lib/format/folder'
import { safetensors } from '../support/safetensors'
import { scratch, writeFiles } from '../support/scratch'
import { sentenceFiles, TINY, tinyFiles, type ModuleFiles } from '../support/tiny-folder'

const { hidden, positions } = TINY
const TRANSFORMER = { type: 'Transformer', path: '' }
const POOLING = { type: 'Pooling', path: '1_Pooling' }
const DENSE = { type: 'Dense', path: '2_Dense' }
const NORMALIZE = { type: 'Normalize', path: '3_Normalize' }

function open(more: Partial<ModuleFiles> = {}): Promise<ModelFolder> {
  const folder = scratch()
  writeFiles(folder, sentenceFiles(more))
  return openFolder(folder)
}

const pooling = (config: unknown): Promise<ModelFolder> => open({ files: { '1_Pooling/config.json': config } })

const denseFiles = (config: Record<string, unknown> = {}, inFeatures = hidden, outFeatures = 3): Record<string, unknown> => ({
  '2_Dense/config.json': { in_features: inFeatures, out_features: outFeatures, ...config },
  '2_Dense/model.safetensors': safetensors({
    'linear.weight': { shape: [outFeatures, inFeatures] },
    ...(config.bias === false ? {} : { 'linear.bias': { shape: [outFeatures] } }),
  }),
})
const dense = (config: Record<string, unknown> = {}): Promise<ModelFolder> =>
  open({ modules: [TRANSFORMER, POOLING, DENSE], files: denseFiles(config) })

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
      'Pooling takes tokens of 5 features, the encoder gives 4',
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
      '2_Dense takes 8 features, the modules before it give 4',
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
    const opened = await open({ modules, files })
    expect(opened.modules.steps).toEqual([0, 'normalize', 1, 'normalize'])
    expect(opened.files.map((file) => file.slice(opened.folder.length + 1))).toEqual([
      'model.safetensors',
      '2_Dense/model.safetensors',
      '4_Dense/model.safetensors',
    ])
  })
})

describe('modules.json', () => {
  test.each([
    ['long-standing', 'sentence_transformers.models'],
    ['one file a class', 'sentence_transformers.models.X'],
  ])('class paths: %s', async (_name, at) => {
    const path = (name: string): string => `${at.replace('X', name)}.${name}`
    const modules = [TRANSFORMER, POOLING, NORMALIZE].map(({ type, path: folder }) => ({ type: path(type), path: folder }))
    expect((await open({ modules })).modules.steps).toEqual(['normalize'])
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
    expect((await open({ modules, files })).modules.steps).toEqual([0, 'normalize'])
  })

  test('a Transformer in a folder of its own', async () => {
    const {
      'config.json': config,
      'model.safetensors': weights,
      ...rest
    } = sentenceFiles({ modules: [{ type: 'Transformer', path: '0_Transformer' }, POOLING] })
    const folder = scratch()
    writeFiles(folder, {
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
      await expect(open({ modules })).rejects.toMatchObject({
        code: 'ERR_MODEL_UNSUPPORTED',
        message: expect.stringContaining(type),
      })
    }
  })

  test.each<[string, { type: string; path: string }[], string]>([
    ['no module', [], 'begins with nothing instead of a Transformer'],
    ['no Transformer', [POOLING], 'begins with Pooling'],
    ['no Pooling', [TRANSFORMER], 'has no Pooling'],
    ['Dense on the tokens', [TRANSFORMER, DENSE, POOLING], 'has Dense before Pooling'],
    ['Normalize on the tokens', [TRANSFORMER, NORMALIZE, POOLING], 'has Normalize before Pooling'],
    ['two Poolings', [TRANSFORMER, POOLING, POOLING], 'has a second Pooling module'],
    ['two Transformers', [TRANSFORMER, POOLING, TRANSFORMER], 'has a second Transformer module'],
  ])('refused: %s', async (_name, modules, message) => {
    await expect(open({ modules })).rejects.toMatchObject({ code: 'ERR_MODEL_UNSUPPORTED', message: expect.stringContaining(message) })
  })

  test('a Normalize of the tokens is refused by name', async () => {
    const files = { '3_Normalize/config.json': { module_input_name: 'token_embeddings' } }
    await expect(open({ modules: [TRANSFORMER, POOLING, NORMALIZE], files })).rejects.toMatchObject({
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
    await expect(open({ files: { 'modules.json': json } })).rejects.toMatchObject({
      code: 'ERR_MODEL_FORMAT',
      message: expect.stringContaining(message),
    })
  })

  test('a Pooling folder that is not there', async () => {
    await expect(open({ modules: [TRANSFORMER, { type: 'Pooling', path: '9_Pooling' }] })).rejects.toMatchObject({
      code: 'ERR_MODEL_FORMAT',
      message: expect.stringContaining('9_Pooling/config.json is missing'),
    })
  })
})

describe('max_seq_length', () => {
  test.each<[string, Record<string, unknown>, number]>([
    [
      'sentence_bert_config.json',
      { 'sentence_bert_config.json': { max_seq_length: 5 }, 'tokenizer_config.json': { model_max_length: 4 } },
      5,
    ],
    ['its older name', { 'sentence_roberta_config.json': { max_seq_length: 5 } }, 5],
    [
      'null there: the tokenizer',
      { 'sentence_bert_config.json': { max_seq_length: null }, 'tokenizer_config.json': { model_max_length: 6 } },
      6,
    ],
    ['the tokenizer alone', { 'tokenizer_config.json': { model_max_length: 6 } }, 6],
    ['the tokenizer, older name', { 'tokenizer_config.json': { max_len: 6 } }, 6],
    [
      'arguments of the processor win',
      { 'sentence_bert_config.json': { max_seq_length: 5, processor_kwargs: { model_max_length: 7 } } },
      7,
    ],
    ['arguments of the tokenizer', { 'sentence_bert_config.json': { tokenizer_args: { model_max_length: 7 } } }, 7],
    ['more than the positions', { 'sentence_bert_config.json': { max_seq_length: 4096 } }, positions],
    ["transformers' way of no limit", { 'tokenizer_config.json': { model_max_length: 1e30 } }, positions],
    ['nothing at all', {}, positions],
  ])('%s', async (_name, files, expected) => {
    expect((await open({ files })).modules.maxSeqLength).toBe(expected)
  })

  test('a plain folder takes the tokenizer and nothing of sentence-transformers', async () => {
    const folder = scratch()
    writeFiles(folder, {
      ...tinyFiles(),
      'tokenizer_config.json': { model_max_length: 6 },
      'sentence_bert_config.json': { max_seq_length: 3, do_lower_case: true },
      'config_sentence_transformers.json': { prompts: { query: 'q: ' } },
    })
    expect((await openFolder(folder)).modules).toEqual({
      transformerPath: '',
      maxSeqLength: 6,
      doLowerCase: false,
      pooling: ['mean'],
      includePrompt: true,
      steps: [],
      dense: [],
      prompts: {},
      implied: true,
    })
  })

  test.each([0, 1, -1, 2.5, '5', true])('%j is refused', async (value) => {
    await expect(open({ files: { 'sentence_bert_config.json': { max_seq_length: value } } })).rejects.toMatchObject({
      code: 'ERR_MODEL_FORMAT',
      message: expect.stringContaining('Expected an integer of at least 2 for max_seq_length in sentence_bert_config.json'),
    })
  })
})

describe('sentence_bert_config.json', () => {
  const text = { method: 'forward', method_output_name: 'last_hidden_state' }
  test('as sentence-transformers 6 writes it', async () => {
    const config = { transformer_task: 'feature-extraction', modality_config: { text }, module_output_name: 'token_embeddings' }
    expect((await open({ files: { 'sentence_bert_config.json': config } })).modules.maxSeqLength).toBe(positions)
  })

  test.each<[string, object]>([
    ['transformer_task', { transformer_task: 'fill-mask' }],
    ['module_output_name', { module_output_name: 'sentence_embedding' }],
    ['image', { modality_config: { text, image: text } }],
    ['method', { modality_config: { text: { ...text, method: 'get_text_features' } } }],
    ['method_output_name', { modality_config: { text: { ...text, method_output_name: 'pooler_output' } } }],
    ['query_length', { query_length: 32 }],
    ['query_expansion', { query_expansion: {} }],
    ['text', { processing_kwargs: { text: { max_length: 8 } } }],
    ['output_hidden_states', { model_args: { output_hidden_states: true } }],
    ['padding_side', { tokenizer_args: { padding_side: 'left' } }],
    ['is_decoder', { config_args: { is_decoder: true } }],
  ])('%s is refused by name', async (key, config) => {
    await expect(open({ files: { 'sentence_bert_config.json': config } })).rejects.toMatchObject({
      code: 'ERR_MODEL_UNSUPPORTED',
      message: expect.stringMatching(new RegExp(`^${key} is .* sentence_bert_config\\.json in `)),
    })
  })

  test('harmless arguments', async () => {
    const config = {
      model_args: { torch_dtype: 'float16', add_pooling_layer: false },
      config_args: { use_cache: false },
      query_length: null,
    }
    await expect(open({ files: { 'sentence_bert_config.json': config } })).resolves.toBeDefined()
  })
})

describe('config_sentence_transformers.json', () => {
  const prompts = async (config: unknown): Promise<ModelFolder['modules']> =>
    (await open({ files: { 'config_sentence_transformers.json': config } })).modules

  test('prompts, default prompt, similarity, dimensions', async () => {
    const config = { prompts: { query: 'q: ', document: null }, default_prompt_name: 'query', similarity_fn_name: 'dot', truncate_dim: 2 }
    expect(await prompts(config)).toMatchObject({
      prompts: { query: 'q: ', document: '' },
      defaultPromptName: 'query',
      similarity: 'dot',
      truncateDim: 2,
    })
  })

  test.each([
    ['as of 2.0', { __version__: { sentence_transformers: '2.0.0' } }],
    ['nothing set', { prompts: {}, default_prompt_name: null, similarity_fn_name: null, model_type: 'SentenceTransformer' }],
    ['a similarity of another kind of model', { similarity_fn_name: 'maxsim' }],
  ])('%s', async (_name, config) => {
    const modules = await prompts(config)
    expect(modules.prompts).toEqual({})
    expect([modules.defaultPromptName, modules.similarity, modules.truncateDim]).toEqual([undefined, undefined, undefined])
  })

  test('a prompt may have any name, and no name is there by itself', async () => {
    const modules = await prompts(JSON.stringify({ prompts: { x: 'p: ' } }).replace('"x"', '"__proto__"'))
    expect(Object.keys(modules.prompts)).toEqual(['__proto__'])
    expect('constructor' in modules.prompts).toBe(false)
  })

  test('query and document may be the default without being written down', async () => {
    expect((await prompts({ default_prompt_name: 'query' })).defaultPromptName).toBe('query')
  })

  test.each<[string, unknown, string, string]>([
    [
      'a default prompt that is not there',
      { prompts: { a: 'x' }, default_prompt_name: 'b' },
      'ERR_MODEL_FORMAT',
      "default_prompt_name is 'b'",
    ],
    [
      'a number for a prompt',
      { prompts: { a: 1 } },
      'ERR_MODEL_FORMAT',
      'Expected a string for a in prompts of config_sentence_transformers.json',
    ],
    ['another kind of model', { model_type: 'SparseEncoder' }, 'ERR_MODEL_UNSUPPORTED', 'model_type is "SparseEncoder"'],
    ['no dimension', { truncate_dim: 0 }, 'ERR_MODEL_FORMAT', 'truncate_dim'],
  ])('refused: %s', async (_name, config, code, message) => {
    await expect(prompts(config)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })
})
