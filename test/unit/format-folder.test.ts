import * as fs from 'node:fs'
import { join } from 'node:path'
import { openFolder } from '../../lib/format/folder'
import { folderOf, scratch } from '../support/scratch'
import { CONFIGS, DENSE, POOLING, sentenceFiles, TINY, tinyFiles, TRANSFORMER } from '../support/tiny-folder'

const { hidden } = TINY

describe('folders that hold no model', () => {
  test.each<[string, () => string, string, RegExp]>([
    ['no folder', () => join(scratch(), 'none'), 'ERR_MODEL_NOT_FOUND', /The folder .*none does not exist/],
    ['a file', () => join(folderOf({ 'model.bin': 'x' }), 'model.bin'), 'ERR_MODEL_NOT_FOUND', /is a file/],
    ['an empty folder', () => scratch(), 'ERR_MODEL_NOT_FOUND', /contains no config\.json, so it is not the folder of a model/],
    ['config without weights', () => folderOf({ 'config.json': CONFIGS.bert }), 'ERR_MODEL_FORMAT', /neither model\.safetensors nor/],
    [
      'a Transformer that is not there',
      () => folderOf(sentenceFiles({ modules: [{ type: 'Transformer', path: '0_T' }, POOLING] })),
      'ERR_MODEL_NOT_FOUND',
      /contains no 0_T\/config\.json: modules\.json names/,
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
      /config\.json in .* has \d+ bytes; the limit is/,
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
      ...sentenceFiles({ modules: [TRANSFORMER, POOLING, DENSE] }),
      '2_Dense/config.json': { in_features: hidden, out_features: 3 },
      '2_Dense/pytorch_model.bin': 'x',
    })
    await expect(openFolder(folder)).rejects.toMatchObject({
      code: 'ERR_UNSAFE_MODEL',
      message: expect.stringMatching(/The weights in 2_Dense in .* are pickled \(pytorch_model\.bin\).*SentenceTransformer as M/),
    })
  })

  const bert = { 'config.json': CONFIGS.bert }
  test.each<[string, Record<string, unknown>, RegExp[]]>([
    [
      'ONNX in a folder of its own',
      { ...bert, 'onnx/model.onnx': 'x', 'onnx/model_int8.onnx': 'x' },
      [/neither model\.safetensors nor/, /ONNX \(onnx\/model\.onnx, onnx\/model_int8\.onnx\)/, /cannot be converted back.*exported from/],
    ],
    ['ONNX without a config', { 'model.onnx': 'x', 'model.onnx_data': 'x' }, [/no config\.json/, /ONNX \(model\.onnx, model\.onnx_data\)/]],
    [
      'TensorFlow',
      { ...bert, 'tf_model.h5': 'x' },
      [
        /TensorFlow \(tf_model\.h5\)/,
        /pip install "transformers<5" torch tensorflow/,
        /from_tf=True\)\.save_pretrained\("[^"]*-safetensors"\)/,
      ],
    ],
    ['Flax', { ...bert, 'flax_model.msgpack': 'x' }, [/Flax \(flax_model\.msgpack\)/, /from_flax=True/]],
    ['GGUF', { 'minilm.Q8_0.gguf': 'x', 'README.md': 'x' }, [/no config\.json/, /GGUF \(minilm\.Q8_0\.gguf\)/]],
    [
      'OpenVINO',
      { ...bert, 'openvino/openvino_model.xml': 'x', 'openvino_model.bin': 'x' },
      [/OpenVINO \(openvino\/openvino_model\.xml, openvino_model\.bin\)/],
    ],
    [
      'several of them',
      { ...bert, 'tf_model.h5': 'x', 'rust_model.ot': 'x', ...Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`onnx/m${n}.onnx`, 'x'])) },
      [/ONNX \(onnx\/m1\.onnx, onnx\/m2\.onnx, onnx\/m3\.onnx and 2 more\)/, /TensorFlow/, /rust-bert/],
    ],
    ['safetensors of another name', { ...bert, 'pytorch_model.safetensors': 'x' }, [/contains pytorch_model\.safetensors, .*Rename/]],
  ])('%s: the refusal says what was found and what to do', async (_, files, messages) => {
    const folder = folderOf(files)
    const error = await openFolder(folder).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'ERR_MODEL_UNSUPPORTED', detail: { folder, files: Object.keys(files).sort() } })
    for (const message of messages) expect((error as Error).message).toMatch(message)
  })

  test('shards without their index, and a folder of models', async () => {
    await expect(openFolder(folderOf({ ...bert, 'model-00001-of-00002.safetensors': 'x' }))).rejects.toMatchObject({
      code: 'ERR_MODEL_FORMAT',
      message: expect.stringMatching(/contains model-00001-of-00002\.safetensors, but not their index/),
    })
    await expect(openFolder(folderOf({ 'run/checkpoint-5/config.json': '{}', '1_Pooling/config.json': '{}' }))).rejects.toMatchObject({
      code: 'ERR_MODEL_NOT_FOUND',
      message: expect.stringMatching(/run\/checkpoint-5 contains a config\.json: pass that folder/),
    })
  })

  test('weights of other frameworks beside ours are nobody’s business', async () => {
    expect((await openFolder(folderOf({ ...tinyFiles(), 'tf_model.h5': 'x', 'onnx/model.onnx': 'x' }))).files).toHaveLength(1)
  })

  test('a byte order mark is skipped', async () => {
    const folder = folderOf({ ...tinyFiles(), 'config.json': `\ufeff${JSON.stringify(CONFIGS.bert)}` })
    expect((await openFolder(folder)).config.modelType).toBe('bert')
  })
})

test.each(['config.json', 'model.safetensors', 'modules.json'])(
  'a disk that fails while %s is read is not blamed on the file',
  async (name) => {
    const folder = folderOf(sentenceFiles({ modules: [TRANSFORMER, POOLING] }))
    const failure = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' })
    const { open } = fs.promises
    const spy = jest.spyOn(fs.promises, 'open').mockImplementation(async (file, ...rest) => {
      const handle = await open(file, ...rest)
      if (String(file).endsWith(name)) handle.read = () => Promise.reject(failure)
      return handle
    })
    const opening = openFolder(folder).finally(() => spy.mockRestore())
    await expect(opening).rejects.toMatchObject({ code: 'ERR_FILE', cause: failure, message: expect.stringContaining(`${name} `) })
  },
)
