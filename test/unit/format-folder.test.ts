import { join } from 'node:path'
import { openFolder } from '../../lib/format/folder'
import { folderOf, scratch } from '../support/scratch'
import { CONFIGS, DENSE, POOLING, sentenceFiles, TINY, tinyFiles, TRANSFORMER } from '../support/tiny-folder'

const { hidden } = TINY

describe('folders that hold no model', () => {
  test.each<[string, () => string, string, RegExp]>([
    ['no folder', () => join(scratch(), 'none'), 'ERR_MODEL_NOT_FOUND', /There is no folder .*none/],
    ['a file', () => join(folderOf({ 'model.bin': 'x' }), 'model.bin'), 'ERR_MODEL_NOT_FOUND', /is a file/],
    ['an empty folder', () => scratch(), 'ERR_MODEL_NOT_FOUND', /There is no config\.json .* not the folder of a model/],
    ['config without weights', () => folderOf({ 'config.json': CONFIGS.bert }), 'ERR_MODEL_FORMAT', /neither model\.safetensors nor/],
    [
      'a Transformer that is not there',
      () => folderOf(sentenceFiles({ modules: [{ type: 'Transformer', path: '0_T' }, POOLING] })),
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
      ...sentenceFiles({ modules: [TRANSFORMER, POOLING, DENSE] }),
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
