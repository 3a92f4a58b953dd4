import { parseConfig } from '../../lib/format/config'
import { openFolder } from '../../lib/format/folder'
import { scratch, writeFiles } from '../support/scratch'
import { CONFIGS, tinyFiles, type FamilyName } from '../support/tiny-folder'

const parse = (change: Record<string, unknown>, family: FamilyName = 'bert'): unknown =>
  parseConfig({ ...CONFIGS[family], ...change }, 'config.json in ./x')

const error = (run: () => unknown): unknown => {
  try {
    return run()
  } catch (thrown) {
    return thrown
  }
}

describe('refused', () => {
  test.each<[string, Record<string, unknown>, string, string, FamilyName?]>([
    ['no model type', { model_type: undefined }, 'ERR_MODEL_FORMAT', 'Expected a string for model_type in config.json in ./x'],
    [
      'an unknown model type',
      { model_type: 'gpt2' },
      'ERR_MODEL_UNSUPPORTED',
      'model_type is "gpt2" in config.json in ./x; supported values are bert, distilbert,',
    ],
    ['a model type that every object has', { model_type: 'constructor' }, 'ERR_MODEL_UNSUPPORTED', '"constructor"'],
    ['an unknown activation', { hidden_act: 'quick_gelu' }, 'ERR_MODEL_UNSUPPORTED', 'hidden_act is "quick_gelu"'],
    ['an activation that every object has', { hidden_act: 'toString' }, 'ERR_MODEL_UNSUPPORTED', 'hidden_act is "toString"'],
    ['an unknown activation of DistilBERT', { activation: 'mish' }, 'ERR_MODEL_UNSUPPORTED', 'activation is "mish"', 'distilbert'],
    [
      'relative positions',
      { position_embedding_type: 'relative_key' },
      'ERR_MODEL_UNSUPPORTED',
      'position_embedding_type is "relative_key"',
    ],
    ['alibi', { position_embedding_type: 'alibi' }, 'ERR_MODEL_UNSUPPORTED', "only 'absolute'"],
    ['a decoder', { is_decoder: true }, 'ERR_MODEL_UNSUPPORTED', 'is_decoder is true in config.json in ./x; only encoders'],
    [
      'cross-attention',
      { add_cross_attention: true },
      'ERR_MODEL_UNSUPPORTED',
      'add_cross_attention is true in config.json in ./x; only encoders',
    ],
    [
      'quantized weights',
      { quantization_config: {} },
      'ERR_MODEL_UNSUPPORTED',
      'quantization_config is an instance of Object in config.json in ./x; only float32',
    ],
    [
      'pruned heads',
      { pruned_heads: { 1: [0] } },
      'ERR_MODEL_UNSUPPORTED',
      'pruned_heads is an instance of Object in config.json in ./x; layers with pruned',
    ],
    ['other buckets', { relative_attention_num_buckets: 64 }, 'ERR_MODEL_UNSUPPORTED', 'relative_attention_num_buckets is 64', 'mpnet'],
    [
      'hidden size not divisible',
      { num_attention_heads: 3 },
      'ERR_MODEL_FORMAT',
      'The hidden size 4 is not divisible by the 3 attention heads',
    ],
    ['no heads', { num_attention_heads: 0 }, 'ERR_MODEL_FORMAT', 'Expected an integer in 1..4096 for num_attention_heads'],
    ['negative size', { hidden_size: -4 }, 'ERR_MODEL_FORMAT', 'hidden_size in config.json in ./x, received -4'],
    ['a fraction', { hidden_size: 4.5 }, 'ERR_MODEL_FORMAT', 'received 4.5'],
    ['text for a number', { hidden_size: '4' }, 'ERR_MODEL_FORMAT', 'received "4"'],
    ['null for a number', { hidden_size: null }, 'ERR_MODEL_FORMAT', 'received null'],
    ['NaN', { hidden_size: NaN }, 'ERR_MODEL_FORMAT', 'received NaN'],
    ['Infinity', { intermediate_size: Infinity }, 'ERR_MODEL_FORMAT', 'intermediate_size'],
    ['a billion layers', { num_hidden_layers: 1e9 }, 'ERR_MODEL_FORMAT', 'Expected an integer in 1..1024 for num_hidden_layers'],
    ['no layer', { num_hidden_layers: 0 }, 'ERR_MODEL_FORMAT', 'num_hidden_layers'],
    ['ids beyond 32 bits', { vocab_size: 2 ** 31 }, 'ERR_MODEL_FORMAT', 'vocab_size'],
    ['epsilon NaN', { layer_norm_eps: NaN }, 'ERR_MODEL_FORMAT', 'Expected a number above 0 and at most 1 for layer_norm_eps'],
    ['epsilon 0', { layer_norm_eps: 0 }, 'ERR_MODEL_FORMAT', 'layer_norm_eps'],
    ['epsilon as text', { layer_norm_eps: '1e-12' }, 'ERR_MODEL_FORMAT', 'layer_norm_eps'],
    ['a padding id outside of the vocabulary', { pad_token_id: 11 }, 'ERR_MODEL_FORMAT', 'Expected an integer in 0..10 for pad_token_id'],
    ['no padding id where positions need it', { pad_token_id: null }, 'ERR_MODEL_FORMAT', 'pad_token_id', 'roberta'],
    ['positions used up by the padding id', { max_position_embeddings: 3 }, 'ERR_MODEL_FORMAT', 'so only 1 tokens fit', 'roberta'],
    [
      'two spellings that differ',
      { hidden_size: 8 },
      'ERR_MODEL_FORMAT',
      'dim and hidden_size in config.json in ./x have the same meaning but different values',
      'distilbert',
    ],
    ['negative token types', { type_vocab_size: -1 }, 'ERR_MODEL_FORMAT', 'type_vocab_size'],
  ])('%s', (...row) => {
    // A fifth parameter would be jest's `done` in rows of four.
    const [, change, code, message, family] = row
    expect(error(() => parse(change, family))).toMatchObject({ code, message: expect.stringContaining(message) })
  })

  test('any value under any key is read or refused, never a crash', () => {
    const values: unknown[] = [null, true, -1, 0.5, 1e308, '', 'x', [], [1], {}, { toString: 1 }]
    for (const family of ['bert', 'distilbert', 'roberta', 'mpnet'] as const) {
      const keys = [
        ...Object.keys(CONFIGS[family]),
        'layer_norm_eps',
        'position_embedding_type',
        'is_decoder',
        'pruned_heads',
        'pad_token_id',
      ]
      for (const key of keys) {
        for (const value of values) {
          const outcome = error(() => parse({ [key]: value }, family)) as { modelType?: string; code?: string }
          if (outcome.modelType === undefined) expect(outcome.code).toMatch(/^ERR_MODEL_(FORMAT|UNSUPPORTED)$/)
        }
      }
    }
  })

  test.each(['NaN', 'Infinity', '-Infinity', '1e999'])('%s as Python writes it into the file', async (number) => {
    const folder = scratch()
    const text = JSON.stringify({ ...CONFIGS.bert, layer_norm_eps: '#' }).replace('"#"', number)
    writeFiles(folder, { ...tinyFiles(), 'config.json': text })
    await expect(openFolder(folder)).rejects.toMatchObject({
      code: 'ERR_MODEL_FORMAT',
      message: expect.stringContaining(`config.json in ${folder}`),
    })
  })
})

describe('read', () => {
  test.each([
    ['gelu', 'gelu'],
    ['gelu_python', 'gelu'],
    ['gelu_new', 'gelu_tanh'],
    ['gelu_fast', 'gelu_tanh'],
    ['gelu_pytorch_tanh', 'gelu_tanh'],
    ['relu', 'relu'],
    ['silu', 'silu'],
    ['swish', 'silu'],
    ['tanh', 'tanh'],
  ])('activation %s is %s', (name, activation) => {
    expect(parse({ hidden_act: name })).toMatchObject({ activation })
    expect(parse({ activation: name }, 'distilbert')).toMatchObject({ activation })
  })

  test('the smallest model', () => {
    const least = { num_hidden_layers: 1, intermediate_size: 1, hidden_size: 1, num_attention_heads: 1, vocab_size: 1, pad_token_id: 0 }
    expect(parse(least)).toMatchObject({ layers: 1, intermediateSize: 1, hiddenSize: 1, heads: 1, vocabSize: 1 })
  })

  test('what config.json leaves out is what transformers takes', () => {
    expect(parseConfig({ model_type: 'bert' }, 'x')).toEqual({
      modelType: 'bert',
      family: 'bert',
      vocabSize: 30522,
      hiddenSize: 768,
      heads: 12,
      layers: 12,
      intermediateSize: 3072,
      maxPositions: 512,
      usablePositions: 512,
      positionPadding: -1,
      wordPadding: 0,
      layerNormEps: 1e-12,
      activation: 'gelu',
      typeVocabSize: 2,
      relativeAttentionBuckets: 0,
      padTokenId: 0,
    })
    expect(parseConfig({ model_type: 'distilbert' }, 'x')).toMatchObject({ layers: 6, heads: 12, hiddenSize: 768, typeVocabSize: 0 })
    expect(parseConfig({ model_type: 'roberta' }, 'x')).toMatchObject({ padTokenId: 1, positionPadding: 1, usablePositions: 510 })
  })

  test('RoBERTa counts positions from its padding id, MPNet from 1 whatever that is', () => {
    expect(parse({ pad_token_id: 3 }, 'roberta')).toMatchObject({ positionPadding: 3, wordPadding: 3, usablePositions: 6, padTokenId: 3 })
    expect(parse({ pad_token_id: 3 }, 'mpnet')).toMatchObject({ positionPadding: 1, wordPadding: 1, usablePositions: 8, padTokenId: 3 })
  })

  test('a config without a padding token trains every word', () => {
    expect(parse({ pad_token_id: null }, 'bert')).toMatchObject({ wordPadding: -1 })
    expect(parse({ pad_token_id: 7 }, 'bert')).toMatchObject({ wordPadding: 7 })
  })

  test('the other spelling of DistilBERT', () => {
    const { dim, n_heads, n_layers, ...rest } = CONFIGS.distilbert
    const other = { ...rest, hidden_size: dim, num_attention_heads: n_heads, num_hidden_layers: n_layers }
    expect(parseConfig(other, 'x')).toEqual(parse({}, 'distilbert'))
    expect(parse({ hidden_size: dim }, 'distilbert')).toEqual(parse({}, 'distilbert'))
  })

  test.each([{ position_embedding_type: 'absolute' }, { is_decoder: false }, { pruned_heads: {} }, { quantization_config: null }])(
    'harmless: %j',
    (change) => expect(parse(change)).toEqual(parse({})),
  )
})
