import { promptsWith } from '../../lib/format/modules'
import { availableParallelism } from 'node:os'
import type { Precision } from '../../lib/encode/quantize'
import { Embeddings } from '../../lib/encode/embeddings'
import { type EncodeContext, type EncodeOptions, resolveEncode, resolveStream, type StreamOptions } from '../../lib/encode/options'
import { POOLING_NAMES } from '../../lib/pooling/poolings'
import { type LoadOptions, resolveLoad } from '../../lib/model/load-options'

function refused(message: string): Error {
  return expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(message) })
}

const modules: EncodeContext['modules'] = { pooling: ['mean'], steps: ['normalize'], dense: [], prompts: promptsWith([]), maxSeqLength: 64 }
const context: EncodeContext = { modules, config: { hiddenSize: 4, usablePositions: 128 }, texts: 3 }
const withModules = (changes: Partial<EncodeContext['modules']>): EncodeContext => ({ ...context, modules: { ...modules, ...changes } })
const withDense = withModules({
  dense: [{ path: '2_Dense', inFeatures: 4, outFeatures: 6, bias: true, activation: 'tanh' }],
  steps: [0, 'normalize'],
})

describe('load', () => {
  test('defaults', () => {
    expect(resolveLoad()).toEqual({
      dtype: 'float32',
      device: 'auto',
      threads: availableParallelism(),
      kernels: 'auto',
      libtorch: undefined,
      trustTokenizer: false,
      queueBytes: 268_435_456,
      verify: false,
      hub: {},
      heads: [],
      properties: {},
      onProgress: undefined,
      signal: undefined,
    })
  })

  test('every option given arrives', () => {
    const signal = new AbortController().signal
    const onProgress = (): void => {}
    const hub = { revision: 'v1', token: 't', cacheFolder: '/c', offline: true }
    const properties = { pooling: ['cls' as const], normalize: true, maxLength: 9, prompts: { a: 'b' }, defaultPromptName: 'a' }
    const given = {
      dtype: 'bfloat16',
      device: 'cuda:1',
      threads: 3,
      libtorch: '/t',
      queueBytes: 9,
      trustTokenizer: true,
      verify: true,
      onProgress,
      signal,
    } as const
    expect(resolveLoad({ ...given, ...hub, ...properties }, { SENTORCH_KERNELS: 'avx2' })).toEqual({
      ...given,
      onProgress: expect.any(Function),
      hub,
      heads: [],
      properties,
      kernels: 'avx2',
    })
  })

  test.each(['auto', 'cpu', 'cuda', 'cuda:0', 'cuda:12'] as const)('device %s', (device) => {
    expect(resolveLoad({ device }).device).toBe(device)
  })

  test.each<[string, object, string]>([
    ['an unknown option', { dType: 'float32' }, "'dType' for load. Did you mean 'dtype'?"],
    ['another dtype', { dtype: 'float16' }, "'bfloat16'"],
    ['null for a default', { dtype: null }, 'dtype'],
    ['a device', { device: 'gpu' }, "'cuda:N'"],
    ['a device number', { device: 'cuda:01' }, "'cuda:N'"],
    ['no threads', { threads: 0 }, '1..1024'],
    ['too many threads', { threads: 1025 }, '1..1024'],
    ['a fraction of threads', { threads: 1.5 }, '1..1024'],
    ['a queue of nothing', { queueBytes: 0 }, 'queueBytes'],
    ['an empty revision', { revision: '' }, 'revision'],
    ['a token that is no string', { token: 1 }, 'token'],
    ['a cache folder that is no string', { cacheFolder: true }, 'cacheFolder'],
    ['an empty libtorch', { libtorch: '' }, 'libtorch'],
    ['offline that is no boolean', { offline: 'yes' }, 'offline'],
    ['progress that is no function', { onProgress: {} }, 'onProgress'],
    ['a signal that is none', { signal: { aborted: false } }, 'AbortSignal'],
    ['a controller for its signal', { signal: new AbortController() }, 'AbortSignal'],
    ['no object', [] as object, 'options object'],
  ])('refuses %s', (_, options, message) => {
    expect(() => resolveLoad(options as LoadOptions)).toThrow(refused(message))
  })

  test('refuses an unknown SENTORCH_KERNELS, takes an empty one for none', () => {
    expect(() => resolveLoad({}, { SENTORCH_KERNELS: 'avx' })).toThrow(refused('SENTORCH_KERNELS'))
    expect(resolveLoad({}, { SENTORCH_KERNELS: '' }).kernels).toBe('auto')
  })
})

describe('encode', () => {
  test('defaults are those of the model', () => {
    expect(resolveEncode({}, context)).toEqual({
      prompt: '',
      maxLength: 64,
      batchTokens: 2048,
      pooling: ['mean'],
      steps: ['normalize'],
      truncateDim: 0,
      normalizeLast: false,
      truncation: 'cut',
      onTruncated: undefined,
      dimension: 4,
      precision: 'float32',
      ranges: undefined,
      tokenEmbeddings: false,
      onProgress: undefined,
      signal: undefined,
    })
  })

  test.each([
    [undefined, 128],
    [64, 64],
    [512, 128],
  ])('a max_seq_length of %p gives a default of %i', (maxSeqLength, expected) => {
    expect(resolveEncode({}, withModules({ maxSeqLength })).maxLength).toBe(expected)
  })

  test.each<[string, EncodeOptions<Precision>, EncodeContext, object]>([
    ['normalize', { normalize: true }, context, { steps: ['normalize'], normalizeLast: true }],
    ['no normalize', { normalize: false }, withDense, { steps: [0], normalizeLast: false }],
    ['truncation', { truncateDim: 3 }, context, { truncateDim: 3, dimension: 3 }],
    ['no truncation', { truncateDim: 4 }, context, { truncateDim: 0, dimension: 4 }],
    ["the model's own truncation", {}, withModules({ truncateDim: 2 }), { truncateDim: 2, dimension: 2 }],
    ["more than the model's own truncation", { truncateDim: 4 }, withModules({ truncateDim: 2 }), { truncateDim: 0, dimension: 4 }],
    ['a truncation of the model beyond its dimension', {}, withModules({ truncateDim: 9 }), { truncateDim: 0, dimension: 4 }],
    ['truncation behind Dense', { truncateDim: 5 }, withDense, { truncateDim: 5, dimension: 5 }],
    ['Dense modules', {}, withDense, { steps: [0, 'normalize'], dimension: 6 }],
    ['another pooling', { pooling: 'cls' }, context, { pooling: ['cls'], dimension: 4 }],
    ['another pooling before Dense', { pooling: 'cls' }, withDense, { pooling: ['cls'], dimension: 6 }],
    ['two poolings in the order given', { pooling: ['mean', 'cls'] }, context, { pooling: ['mean', 'cls'], dimension: 8 }],
    ['truncation of two poolings', { pooling: ['mean', 'cls'], truncateDim: 7 }, context, { dimension: 7 }],
    ['the longest text', { maxLength: 128 }, context, { maxLength: 128 }],
    ['the shortest text', { maxLength: 2 }, context, { maxLength: 2 }],
    ['bits', { precision: 'binary' }, context, { precision: 'binary', dimension: 4, ranges: undefined }],
    ['token embeddings', { tokenEmbeddings: true }, withDense, { tokenEmbeddings: true, pooling: [], steps: [], dimension: 4 }],
  ])('%s', (_, options, model, expected) => {
    expect(resolveEncode(options, model)).toMatchObject(expected)
  })

  test('the model itself is left as it is', () => {
    const resolved = resolveEncode({}, context)
    resolved.steps.push(1)
    resolved.pooling.push('cls')
    expect([modules.steps, modules.pooling]).toEqual([['normalize'], ['mean']])
  })

  test.each<[string, object, string, EncodeContext?]>([
    ['an unknown option', { truncate: 3 }, 'Unknown option'],
    ['batchTexts where nothing streams', { batchTexts: 3 }, "Unknown option 'batchTexts'"],
    ['normalize that is no boolean', { normalize: 1 }, 'normalize'],
    ['truncation to nothing', { truncateDim: 0 }, '1..4'],
    ['truncation beyond the dimension', { truncateDim: 5 }, '1..4'],
    ['truncation beyond the Dense module', { truncateDim: 7 }, '1..6', withDense],
    ['an unknown pooling', { pooling: 'avg' }, "'weightedmean'"],
    ['no pooling', { pooling: [] }, 'at least one'],
    ['a pooling twice', { pooling: ['cls', 'cls'] }, 'at most once'],
    [
      'poolings that Dense does not take',
      { pooling: ['cls', 'mean'] },
      "gives 8 dimensions, but the model's Dense module '2_Dense' takes 4",
      withDense,
    ],
    ['two prompts', { prompt: 'a', promptName: 'query' }, "'promptName'"],
    ['a prompt that is no string', { prompt: 1 }, 'prompt'],
    ['a prompt name that is no string', { promptName: 1 }, 'promptName'],
    ['a length of 1', { maxLength: 1 }, '2..128'],
    ['a length beyond the positions', { maxLength: 129 }, '2..128'],
    ['no batch', { batchTokens: 0 }, '1..1048576'],
    ['an unknown precision', { precision: 'int4' }, "'ubinary'"],
    ['null for a precision', { precision: null }, "'ubinary'"],
    ['int8 of one text', { precision: 'int8' }, 'single text', { ...context, texts: 1 }],
    ['int8 of a stream', { precision: 'uint8' }, 'stream', { ...context, texts: 'streamed' }],
    ['ranges without int8', { ranges: [[], []] }, "'ranges' applies only to precision"],
    ['calibration without int8', { precision: 'binary', calibration: {} }, "'calibration' applies only to precision"],
    ['ranges and calibration', { precision: 'int8', ranges: [[], []], calibration: {} }, 'cannot be combined'],
    ['ranges that are no pair', { precision: 'int8', ranges: [[0, 0, 0, 0]] }, '[min, max]'],
    ['ranges of another dimension', { precision: 'int8', ranges: [[0, 0, 0, 0], [1]] }, 'for ranges[1], received "1 numbers"'],
    [
      'ranges of the dimension before truncation',
      {
        precision: 'int8',
        truncateDim: 2,
        ranges: [
          [0, 0, 0, 0],
          [1, 1, 1, 1],
        ],
      },
      '2 numbers',
    ],
    [
      'ranges of text',
      {
        precision: 'int8',
        ranges: [
          ['0', 0, 0, 0],
          [1, 1, 1, 1],
        ],
      },
      'ranges[0][0]',
    ],
    [
      'ranges with NaN',
      {
        precision: 'int8',
        ranges: [
          [0, 0, 0, 0],
          [1, NaN, 1, 1],
        ],
      },
      'ranges[1][1]',
    ],
    [
      'ranges beyond float32',
      {
        precision: 'int8',
        ranges: [
          [0, 0, 0, 0],
          [1, 1, 1e300, 1],
        ],
      },
      'ranges[1][2]',
    ],
    [
      'ranges upside down',
      {
        precision: 'int8',
        ranges: [
          [0, 0, 2, 0],
          [1, 1, 1, 1],
        ],
      },
      'ranges[1][2]',
    ],
    ['a calibration set that is an array', { precision: 'int8', calibration: [[1, 2, 3, 4]] }, 'float32 embeddings'],
    ['a calibration set of null', { precision: 'int8', calibration: null }, 'float32 embeddings'],
    ['a calibration set of another dimension', { precision: 'int8', calibration: new Embeddings(new Float32Array(6), 3) }, 'vectors of 4'],
    ['an empty calibration set', { precision: 'int8', calibration: new Embeddings(new Float32Array(0), 4) }, 'at least one vector'],
    ['tokenEmbeddings that is no boolean', { tokenEmbeddings: 'yes' }, 'tokenEmbeddings'],
    ['progress that is no function', { onProgress: 1 }, 'a function'],
    ['a signal that is none', { signal: {} }, 'AbortSignal'],
    ...(['precision', 'truncateDim', 'normalize', 'pooling', 'ranges', 'calibration'] as const).map((name): [string, object, string] => [
      `token embeddings with ${name}`,
      { tokenEmbeddings: true, [name]: 1 },
      `'${name}'`,
    ]),
  ])('refuses %s', (_, options, message, model = context) => {
    expect(() => resolveEncode(options as EncodeOptions, model)).toThrow(refused(message))
  })

  test.each<[string, number | 'streamed', EncodeOptions<Precision>, object | undefined]>([
    ['two texts have ranges of their own', 2, {}, undefined],
    ['no texts need none', 0, {}, undefined],
    [
      'ranges of one text',
      1,
      { ranges: [[0, 0, 0, 0], Float64Array.of(1, 1, 1, 0.1)] },
      { min: new Float32Array(4), max: Float32Array.of(1, 1, 1, 0.1) },
    ],
    [
      'a calibration set of a stream',
      'streamed',
      { calibration: new Embeddings(Float32Array.of(1, 5, 1, 0, 2, 4, 1, -1), 4) },
      { min: Float32Array.of(1, 4, 1, -1), max: Float32Array.of(2, 5, 1, 0) },
    ],
  ])('int8: %s', (_, texts, options, ranges) => {
    expect(resolveEncode({ precision: 'int8', ...options }, { ...context, texts }).ranges).toEqual(ranges)
  })

  test('a stream: batchTexts, and the checks of encode', () => {
    expect(resolveStream({}, context)).toMatchObject({ batchTexts: 1024, maxLength: 64 })
    expect(resolveStream({ batchTexts: 7, normalize: true }, context)).toMatchObject({ batchTexts: 7, normalizeLast: true })
    expect(() => resolveStream({ precision: 'int8' }, context)).toThrow(refused('stream'))
    expect(() => resolveStream({ batchTexts: 0 }, context)).toThrow(refused('batchTexts'))
    expect(() => resolveStream({ batchText: 1 } as StreamOptions, context)).toThrow(refused("'batchTexts'"))
  })

  test('every pooling of the native surface has a name', () => {
    for (const pooling of POOLING_NAMES) expect(resolveEncode({ pooling }, context).pooling).toEqual([pooling])
  })
})

describe('prompts, as sentence-transformers 6.2 chooses them', () => {
  const none = {}
  const e5 = { query: 'query: ', passage: 'passage: ' }
  const both = { query: 'Q ', document: 'D ', corpus: 'C ' }
  type Role = EncodeContext['role']
  test.each<[Record<string, string>, string | undefined, Role, EncodeOptions, string]>([
    [none, undefined, undefined, {}, ''],
    [none, undefined, undefined, { prompt: 'p ' }, 'p '],
    [none, undefined, undefined, { promptName: 'query' }, ''],
    [both, undefined, undefined, {}, ''],
    [both, 'corpus', undefined, {}, 'C '],
    [both, 'corpus', undefined, { prompt: '' }, ''],
    [both, 'corpus', undefined, { promptName: 'query' }, 'Q '],
    [both, 'corpus', 'query', {}, 'Q '],
    [both, 'corpus', 'document', {}, 'D '],
    [both, undefined, 'query', { promptName: 'corpus' }, 'C '],
    [both, undefined, 'document', { prompt: 'x' }, 'x'],
    [none, undefined, 'query', {}, ''],
    [e5, 'query', 'document', {}, ''],
    [{ other: 'o ' }, 'other', 'query', {}, ''],
  ])('%j, default %p, role %p, %j: %j', (stored, defaultPromptName, role, options, expected) => {
    const prompts = promptsWith(Object.entries(stored))
    expect(resolveEncode(options, { ...withModules({ prompts, defaultPromptName }), role }).prompt).toBe(expected)
  })

  test('an unknown name lists what there is', () => {
    const call = () => resolveEncode({ promptName: 'toString' }, withModules({ prompts: promptsWith(Object.entries(e5)) }))
    expect(call).toThrow(refused('"toString". Its prompts: query, document, passage.'))
  })
})
