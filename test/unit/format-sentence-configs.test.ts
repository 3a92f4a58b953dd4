import { openFolder, type ModelFolder } from '../../lib/format/folder'
import { folderOf } from '../support/scratch'
import { openSentence } from '../support/sentence-folder'
import { TINY, tinyFiles } from '../support/tiny-folder'

const { positions } = TINY

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
    expect((await openSentence({ files })).modules.maxSeqLength).toBe(expected)
  })

  test('a plain folder takes the tokenizer and nothing of sentence-transformers', async () => {
    const folder = folderOf({
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
      prompts: { query: '', document: '' },
      implied: true,
    })
  })

  test.each([0, 1, -1, 2.5, '5', true])('%j is refused', async (value) => {
    await expect(openSentence({ files: { 'sentence_bert_config.json': { max_seq_length: value } } })).rejects.toMatchObject({
      code: 'ERR_MODEL_FORMAT',
      message: expect.stringContaining('Expected an integer of at least 2 for max_seq_length in sentence_bert_config.json'),
    })
  })
})

describe('sentence_bert_config.json', () => {
  const text = { method: 'forward', method_output_name: 'last_hidden_state' }
  test('as sentence-transformers 6 writes it', async () => {
    const config = { transformer_task: 'feature-extraction', modality_config: { text }, module_output_name: 'token_embeddings' }
    expect((await openSentence({ files: { 'sentence_bert_config.json': config } })).modules.maxSeqLength).toBe(positions)
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
    await expect(openSentence({ files: { 'sentence_bert_config.json': config } })).rejects.toMatchObject({
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
    await expect(openSentence({ files: { 'sentence_bert_config.json': config } })).resolves.toBeDefined()
  })
})

describe('config_sentence_transformers.json', () => {
  const prompts = async (config: unknown): Promise<ModelFolder['modules']> =>
    (await openSentence({ files: { 'config_sentence_transformers.json': config } })).modules

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
    expect(modules.prompts).toEqual({ query: '', document: '' })
    expect([modules.defaultPromptName, modules.similarity, modules.truncateDim]).toEqual([undefined, undefined, undefined])
  })

  test('a prompt may have any name, and no other than query and document is there by itself', async () => {
    const modules = await prompts(JSON.stringify({ prompts: { x: 'p: ' } }).replace('"x"', '"__proto__"'))
    expect(Object.keys(modules.prompts)).toEqual(['query', 'document', '__proto__'])
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
      "is 'b', but the model's prompts are",
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
