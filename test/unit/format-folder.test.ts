import { execFileSync } from 'node:child_process'
import { mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { openFolder } from '../../lib/format/folder'
import { safetensors } from '../support/safetensors'
import { scratch, writeFiles } from '../support/scratch'
import { CONFIGS, encoderTensors, sentenceFiles, TINY, tinyFiles, type FamilyName, type Tensors } from '../support/tiny-folder'

const { vocab, hidden, heads, layers, wide, positions, types } = TINY

function folderOf(files: Record<string, unknown>): string {
  const folder = scratch()
  writeFiles(folder, files)
  return folder
}

const without = (tensors: Tensors, ...names: string[]): Tensors =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => !names.includes(name)))

const HEADS: Record<FamilyName, string[]> = {
  bert: [
    'cls.predictions.bias',
    'cls.predictions.transform.dense.weight',
    'cls.seq_relationship.weight',
    'classifier.weight',
    'qa_outputs.bias',
  ],
  roberta: ['lm_head.dense.weight', 'lm_head.bias', 'classifier.dense.weight', 'classifier.out_proj.bias', 'qa_outputs.weight'],
  mpnet: ['lm_head.decoder.weight', 'lm_head.layer_norm.bias', 'classifier.dense.bias', 'qa_outputs.weight'],
  distilbert: [
    'vocab_transform.weight',
    'vocab_layer_norm.bias',
    'vocab_projector.weight',
    'pre_classifier.weight',
    'classifier.bias',
    'qa_outputs.bias',
  ],
}

describe('families', () => {
  test.each<[string, FamilyName, string]>([
    ['bert', 'bert', 'bert.'],
    ['distilbert', 'distilbert', 'distilbert.'],
    ['roberta', 'roberta', 'roberta.'],
    ['xlm-roberta', 'roberta', 'roberta.'],
    ['camembert', 'roberta', 'roberta.'],
    ['mpnet', 'mpnet', 'mpnet.'],
  ])('%s: with and without its prefix, in every stored type, with heads on top', async (modelType, family, prefix) => {
    for (const at of ['', prefix]) {
      for (const dtype of ['F32', 'F16', 'BF16']) {
        const tensors = encoderTensors(family, at, dtype)
        const extras: Tensors = {
          [`${at}embeddings.position_ids`]: { dtype: 'I64', shape: [1, positions] },
          [`${at}pooler.dense.weight`]: { shape: [hidden, hidden] },
          [`${at}pooler.dense.bias`]: { shape: [hidden] },
          ...Object.fromEntries(HEADS[family].map((name) => [name, { dtype: 'F64', shape: [3] }])),
        }
        const folder = folderOf({
          'config.json': { ...CONFIGS[family], model_type: modelType },
          'model.safetensors': safetensors({ ...extras, ...tensors }),
        })
        const { encoder, config, weightBytes, files } = await openFolder(folder)
        expect(files).toEqual([join(realpathSync(folder), 'model.safetensors')])
        expect(config).toMatchObject({ modelType, family, hiddenSize: hidden, heads, layers, intermediateSize: wide, vocabSize: vocab })
        const sources = sourcesIn(encoder)
        expect(sources.map(({ name }) => name).sort()).toEqual(Object.keys(tensors).sort())
        for (const { name, shape, dtype: stored } of sources) expect({ shape, dtype: stored }).toEqual(tensors[name])
        expect(weightBytes).toBe(Object.values(tensors).reduce((sum, { shape }) => sum + count(shape) * (dtype === 'F32' ? 4 : 2), 0))
      }
    }
  })

  test.each<[FamilyName, object]>([
    ['bert', { positionPadding: -1, usablePositions: positions, typeVocabSize: types, relativeAttentionBuckets: 0, layerNormEps: 1e-12 }],
    ['distilbert', { positionPadding: -1, usablePositions: positions, typeVocabSize: 0, relativeAttentionBuckets: 0, layerNormEps: 1e-12 }],
    [
      'roberta',
      { positionPadding: 1, usablePositions: positions - 2, typeVocabSize: types, relativeAttentionBuckets: 0, layerNormEps: 1e-5 },
    ],
    ['mpnet', { positionPadding: 1, usablePositions: positions - 2, typeVocabSize: 0, relativeAttentionBuckets: 32, layerNormEps: 1e-12 }],
  ])('%s: positions, token types, bias', async (family, expected) => {
    const { config, encoder, modules } = await openFolder(folderOf(tinyFiles(family)))
    expect(config).toMatchObject(expected)
    expect(encoder.positionPadding).toBe(config.positionPadding)
    expect(encoder.tokenTypeEmbeddings === null).toBe(config.typeVocabSize === 0)
    expect(encoder.relativeAttentionBias?.shape).toEqual(family === 'mpnet' ? [32, heads] : undefined)
    expect(modules).toMatchObject({ implied: true, pooling: ['mean'], steps: [], maxSeqLength: config.usablePositions })
  })

  test('each tensor lies where the file has it', async () => {
    const names = Object.keys(encoderTensors('bert'))
    const { encoder } = await openFolder(folderOf(tinyFiles()))
    const sources = new Map(sourcesIn(encoder).map((source) => [source.name, source]))
    let at = sources.get(names[0]!)!.offset
    for (const name of names) {
      expect({ name, offset: sources.get(name)!.offset }).toEqual({ name, offset: at })
      at += count(sources.get(name)!.shape) * 4
    }
    const layer = encoder.layers[1]!
    expect(layer.query.weight.name).toBe('encoder.layer.1.attention.self.query.weight')
    expect(layer.attentionOutput.bias?.name).toBe('encoder.layer.1.attention.output.dense.bias')
    expect(layer.outputNorm.weight.name).toBe('encoder.layer.1.output.LayerNorm.weight')
  })

  test('LayerNorm under its old names gamma and beta', async () => {
    const old = Object.fromEntries(
      Object.entries(encoderTensors('bert', 'bert.')).map(([name, spec]) => [
        name.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta'),
        spec,
      ]),
    )
    const { encoder } = await openFolder(folderOf({ 'config.json': CONFIGS.bert, 'model.safetensors': safetensors(old) }))
    expect(encoder.embeddingNorm.weight.name).toBe('bert.embeddings.LayerNorm.gamma')
    expect(encoder.layers[1]!.outputNorm.bias.name).toBe('bert.encoder.layer.1.output.LayerNorm.beta')
  })

  test.each([0, 1])('a token-type table of %d rows', async (rows) => {
    const tensors = { ...encoderTensors('roberta'), 'embeddings.token_type_embeddings.weight': { shape: [rows, hidden] } }
    const config = { ...CONFIGS.roberta, type_vocab_size: rows }
    const { encoder } = await openFolder(folderOf({ 'config.json': config, 'model.safetensors': safetensors(tensors) }))
    expect(encoder.tokenTypeEmbeddings?.shape).toEqual(rows === 0 ? undefined : [1, hidden])
  })
})

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
      `looks in ${parts[1]} for tensor ${names[0]}, which ${parts[0]} holds`,
    ],
    [
      'a tensor in no shard',
      files({ ...map, ghost: parts[0] }),
      'ERR_MODEL_FORMAT',
      'looks in model-00001-of-00002.safetensors for tensor ghost, which is not there',
    ],
    [
      'a tensor that the index leaves out',
      files(without(map as never, names[0]!)),
      'ERR_MODEL_FORMAT',
      `does not name tensor ${names[0]}, which`,
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
    ['DistilBERT weights under a BERT config', 'distilbert', 'bert', 'The weights look like distilbert, the config says bert.'],
    [
      'BERT weights under an MPNet config',
      'bert',
      'mpnet',
      'The weights look like bert or roberta or xlm-roberta or camembert, the config says mpnet.',
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
      message: `model.safetensors in ${folder} stores embeddings.LayerNorm.bias as ${dtype}; supported are F32, F16, BF16.`,
    })
  })

  test('a Dense module and the encoder, both wrong, in one error', async () => {
    const folder = folderOf({
      ...sentenceFiles({ modules: [pooled[0]!, pooled[1]!, { type: 'Dense', path: '2_Dense' }] }),
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

const pooled = [
  { type: 'Transformer', path: '' },
  { type: 'Pooling', path: '1_Pooling' },
]

describe('folders that hold no model', () => {
  test.each<[string, () => string, string, RegExp]>([
    ['no folder', () => join(scratch(), 'none'), 'ERR_MODEL_NOT_FOUND', /There is no folder .*none/],
    ['a file', () => join(folderOf({ 'model.bin': 'x' }), 'model.bin'), 'ERR_MODEL_NOT_FOUND', /is a file/],
    ['an empty folder', () => scratch(), 'ERR_MODEL_NOT_FOUND', /There is no config\.json .* not the folder of a model/],
    ['config without weights', () => folderOf({ 'config.json': CONFIGS.bert }), 'ERR_MODEL_FORMAT', /neither model\.safetensors nor/],
    [
      'a Transformer that is not there',
      () => folderOf(sentenceFiles({ modules: [{ type: 'Transformer', path: '0_T' }, pooled[1]!] })),
      'ERR_MODEL_NOT_FOUND',
      /There is no 0_T\/config\.json .* modules\.json says/,
    ],
    ['an adapter', () => folderOf({ ...tinyFiles(), 'adapter_config.json': {} }), 'ERR_MODEL_UNSUPPORTED', /merge_and_unload/],
    [
      'a Git LFS pointer for weights',
      () => folderOf({ ...tinyFiles(), 'model.safetensors': 'version https://git-lfs.github.com/spec/v1\n' }),
      'ERR_MODEL_FORMAT',
      /model\.safetensors is a Git LFS pointer/,
    ],
    [
      'a Git LFS pointer for config.json',
      () => folderOf({ ...tinyFiles(), 'config.json': 'version https://git-lfs.github.com/spec/v1\n' }),
      'ERR_MODEL_FORMAT',
      /config\.json in .* is a Git LFS pointer/,
    ],
    ['config.json empty', () => folderOf({ ...tinyFiles(), 'config.json': '' }), 'ERR_MODEL_FORMAT', /config\.json in .* is empty/],
    [
      'config.json no JSON',
      () => folderOf({ ...tinyFiles(), 'config.json': '{"a":' }),
      'ERR_MODEL_FORMAT',
      /config\.json in .* is not JSON: /,
    ],
    [
      'config.json a list',
      () => folderOf({ ...tinyFiles(), 'config.json': [] }),
      'ERR_MODEL_FORMAT',
      /Expected a JSON object in config\.json/,
    ],
    [
      'config.json too large',
      () => folderOf({ ...tinyFiles(), 'config.json': `{}${' '.repeat(17 * 2 ** 20)}` }),
      'ERR_MODEL_FORMAT',
      /config\.json in .* has \d+ bytes; at most/,
    ],
    [
      'config.json not UTF-8',
      () => folderOf({ ...tinyFiles(), 'config.json': Buffer.from([0x7b, 0xff, 0x7d]) }),
      'ERR_MODEL_FORMAT',
      /is not JSON/,
    ],
  ])('%s', async (_name, make, code, message) => {
    await expect(openFolder(make())).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  test.each(['pytorch_model.bin', 'model.pt', 'weights.ckpt', 'a.pkl'])(
    'pickle only (%s): refused with the way to convert it',
    async (name) => {
      const folder = folderOf({ 'config.json': CONFIGS.bert, [name]: 'x', 'training_args.bin': 'x' })
      await expect(openFolder(folder)).rejects.toMatchObject({
        code: 'ERR_UNSAFE_MODEL',
        message: expect.stringContaining(
          `M.from_pretrained("${folder}").save_pretrained("${folder}-safetensors", safe_serialization=True)`,
        ),
        detail: { folder, files: [name] },
      })
    },
  )

  test('pickle only in a Dense module', async () => {
    const folder = folderOf({
      ...sentenceFiles({ modules: [...pooled, { type: 'Dense', path: '2_Dense' }] }),
      '2_Dense/config.json': { in_features: hidden, out_features: 3 },
      '2_Dense/pytorch_model.bin': 'x',
    })
    await expect(openFolder(folder)).rejects.toMatchObject({
      code: 'ERR_UNSAFE_MODEL',
      message: expect.stringMatching(/The weights in 2_Dense in .* are pickled \(pytorch_model\.bin\).*SentenceTransformer as M/),
    })
  })

  test('a byte order mark is skipped', async () => {
    const folder = folderOf({ ...tinyFiles(), 'config.json': `\ufeff${JSON.stringify(CONFIGS.bert)}` })
    expect((await openFolder(folder)).config.modelType).toBe('bert')
  })
})

describe('paths and links', () => {
  const outside = folderOf(tinyFiles())

  test.each(['../outside', '/etc', 'a/../../b', '..', 'C:\\models', 'a\\..\\b', 'a\0b'])('modules.json names %j', async (path) => {
    const folder = folderOf(sentenceFiles({ modules: [{ type: 'Transformer', path }, pooled[1]!] }))
    await expect(openFolder(folder)).rejects.toMatchObject({
      code: 'ERR_UNSAFE_MODEL',
      message: `modules.json in ${folder} names the path ${JSON.stringify(path)}: only paths inside the model's folder are allowed.`,
    })
  })

  test.each(['model.safetensors', 'config.json', 'modules.json', '1_Pooling'])('%s is a link that leads out', async (name) => {
    const folder = folderOf(sentenceFiles())
    rmSync(join(folder, name), { recursive: true })
    const target = join(outside, name === '1_Pooling' ? '' : 'config.json')
    symlinkSync(target, join(folder, name))
    await expect(openFolder(folder)).rejects.toMatchObject({
      code: 'ERR_UNSAFE_MODEL',
      message: expect.stringMatching(new RegExp(`^${name}.*is a symbolic link that leads out of the model's folder`)),
    })
  })

  test('a link that stays inside', async () => {
    const folder = folderOf({ 'config.json': CONFIGS.bert, 'weights/a.safetensors': safetensors(encoderTensors('bert')) })
    symlinkSync(join('weights', 'a.safetensors'), join(folder, 'model.safetensors'))
    expect((await openFolder(folder)).files).toEqual([join(realpathSync(folder), 'weights', 'a.safetensors')])
  })

  test('the folder itself may be a link', async () => {
    const link = join(scratch(), 'link')
    symlinkSync(outside, link)
    expect((await openFolder(link)).folder).toBe(realpathSync(outside))
  })

  test('a link to a sibling whose name begins alike leads out', async () => {
    const parent = scratch()
    writeFiles(parent, { 'model/config.json': CONFIGS.bert, 'model-secret/w': safetensors(encoderTensors('bert')) })
    symlinkSync('../model-secret/w', join(parent, 'model', 'model.safetensors'))
    await expect(openFolder(join(parent, 'model'))).rejects.toMatchObject({ code: 'ERR_UNSAFE_MODEL' })
  })

  test.each(['model.safetensors', 'modules.json'])('%s is a loop of links', async (name) => {
    const folder = folderOf({ 'config.json': CONFIGS.bert })
    symlinkSync('b', join(folder, name))
    symlinkSync(name, join(folder, 'b'))
    await expect(openFolder(folder)).rejects.toMatchObject({
      code: 'ERR_UNSAFE_MODEL',
      message: `${name} in ${folder} is a loop of symbolic links.`,
    })
  })

  test.each(['model.safetensors', 'config.json', 'modules.json'])('%s is a FIFO', async (name) => {
    const folder = folderOf(tinyFiles())
    rmSync(join(folder, name), { force: true })
    execFileSync('mkfifo', [join(folder, name)])
    await expect(openFolder(folder)).rejects.toMatchObject({ code: 'ERR_UNSAFE_MODEL', message: expect.stringContaining('is a FIFO') })
  })

  /** A hub cache with the weights under `blobs`; `target` is where the snapshot's link points. */
  function hubCache(target: string): string {
    const cache = scratch()
    writeFiles(cache, {
      'models--x--y/blobs/abc': safetensors(encoderTensors('bert')),
      'models--x--y/blobs-evil/abc': safetensors(encoderTensors('bert')),
      'models--other--z/blobs/abc': safetensors(encoderTensors('bert')),
      'models--x--y/snapshots/0123/config.json': CONFIGS.bert,
    })
    const snapshot = join(cache, 'models--x--y', 'snapshots', '0123')
    symlinkSync(target, join(snapshot, 'model.safetensors'))
    return snapshot
  }

  test("a link into the same repository's blobs", async () => {
    const snapshot = hubCache('../../blobs/abc')
    expect((await openFolder(snapshot)).files).toEqual([realpathSync(join(snapshot, '../../blobs/abc'))])
  })

  test.each([
    ["another repository's blobs", '../../../models--other--z/blobs/abc'],
    ['a folder whose name begins like blobs', '../../blobs-evil/abc'],
    ['anywhere else', join(outside, 'model.safetensors')],
  ])('from a hub cache to %s', async (_name, target) => {
    await expect(openFolder(hubCache(target))).rejects.toMatchObject({ code: 'ERR_UNSAFE_MODEL' })
  })

  test('blobs outside of a hub cache are nothing special', async () => {
    const parent = scratch()
    writeFiles(parent, { 'blobs/abc': safetensors(encoderTensors('bert')), 'snapshots/0123/config.json': CONFIGS.bert })
    const folder = join(parent, 'snapshots', '0123')
    symlinkSync('../../blobs/abc', join(folder, 'model.safetensors'))
    await expect(openFolder(folder)).rejects.toMatchObject({ code: 'ERR_UNSAFE_MODEL' })
  })

  test('blobs that are a link themselves do not open the way', async () => {
    const snapshot = hubCache('../../blobs/abc')
    const repository = join(snapshot, '..', '..')
    rmSync(join(repository, 'blobs'), { recursive: true })
    mkdirSync(join(repository, '..', 'elsewhere'))
    writeFileSync(join(repository, '..', 'elsewhere', 'abc'), safetensors(encoderTensors('bert')))
    symlinkSync('../elsewhere', join(repository, 'blobs'))
    await expect(openFolder(snapshot)).rejects.toMatchObject({ code: 'ERR_UNSAFE_MODEL' })
  })
})

interface Source {
  name: string
  file: number
  offset: number
  dtype: string
  shape: number[]
}

/** Every tensor that a request names, wherever it stands in it. */
function sourcesIn(value: unknown): Source[] {
  if (typeof value !== 'object' || value === null) return []
  if ('offset' in value) return [value as Source]
  return Object.values(value).flatMap(sourcesIn)
}

function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}
