import { execFileSync } from 'node:child_process'
import { mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openFolder } from '../../lib/format/folder'
import { safetensors } from '../support/safetensors'
import { folderOf, scratch, writeFiles } from '../support/scratch'
import { CONFIGS, encoderTensors, POOLING, sentenceFiles, tinyFiles } from '../support/tiny-folder'

describe('paths and links', () => {
  const outside = folderOf(tinyFiles())

  test.each(['../outside', '/etc', 'a/../../b', '..', 'C:\\models', 'a\\..\\b', 'a\0b'])('modules.json names %j', async (path) => {
    const folder = folderOf(sentenceFiles({ modules: [{ type: 'Transformer', path }, POOLING] }))
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

  describe("the cache's store, shared by its repositories", () => {
    const HASH = `ab${'0'.repeat(62)}`
    const weights = safetensors(encoderTensors('bert'))
    const INDEX = { weight_map: Object.fromEntries(Object.keys(encoderTensors('bert')).map((name) => [name, 'w/a.safetensors'])) }

    /** A cache with `links` and `files` beside a snapshot that has its config; paths from the cache's folder. Returns the snapshot. */
    function sharedCache(links: Record<string, string>, files: Record<string, unknown> = { [`blobs/ab/${HASH}`]: weights }): string {
      const cache = folderOf({ 'models--x--y/snapshots/0123/config.json': CONFIGS.bert, ...files })
      for (const [name, target] of Object.entries(links)) {
        mkdirSync(join(cache, name, '..'), { recursive: true })
        symlinkSync(target.replace('CACHE', realpathSync(cache)), join(cache, name))
      }
      return join(cache, 'models--x--y', 'snapshots', '0123')
    }
    const POINTER = { 'models--x--y/snapshots/0123/model.safetensors': '../../blobs/abc' }
    const BLOB = { 'models--x--y/blobs/abc': `../../blobs/ab/${HASH}` }

    test.each([
      ['relative links, as Python makes them', { ...POINTER, ...BLOB }],
      ['an absolute one', { ...POINTER, 'models--x--y/blobs/abc': `CACHE/blobs/ab/${HASH}` }],
    ])("through the repository's blobs: %s", async (_name, links) => {
      const snapshot = sharedCache(links)
      expect((await openFolder(snapshot)).files).toEqual([realpathSync(join(snapshot, '../../../blobs/ab', HASH))])
    })

    test('weights in a folder of the snapshot', async () => {
      const snapshot = sharedCache({ 'models--x--y/snapshots/0123/0_T/model.safetensors': '../../../blobs/abc', ...BLOB })
      const { 'model.safetensors': _, ...files } = sentenceFiles({ modules: [{ type: 'Transformer', path: '0_T' }, POOLING] })
      writeFiles(snapshot, { ...files, '0_T/config.json': CONFIGS.bert })
      expect((await openFolder(snapshot)).files).toEqual([realpathSync(join(snapshot, '../../../blobs/ab', HASH))])
    })

    const pointer = (target: string) => ({ 'models--x--y/snapshots/0123/model.safetensors': target })
    const blob = (target: string) => ({ 'models--x--y/blobs/abc': target })
    test.each<[string, Record<string, string>, Record<string, unknown>?]>([
      ['straight from the snapshot', pointer(`../../../blobs/ab/${HASH}`)],
      [
        "through another repository's blobs",
        { ...pointer('../../../models--o--z/blobs/abc'), 'models--o--z/blobs/abc': BLOB['models--x--y/blobs/abc'] },
      ],
      ['one more link among the blobs', { ...pointer('../../blobs/first'), 'models--x--y/blobs/first': 'abc', ...BLOB }],
      ['one more link in the snapshot', { ...pointer('second'), 'models--x--y/snapshots/0123/second': '../../blobs/abc', ...BLOB }],
      ['one more link in the store', { ...POINTER, ...blob('../../blobs/ab/link'), 'blobs/ab/link': HASH }],
      [
        'a store that is a link',
        { ...POINTER, ...blob(`../../blobs/ab/${HASH}`), blobs: 'elsewhere' },
        { [`elsewhere/ab/${HASH}`]: weights },
      ],
      [
        'blobs that are a link',
        { ...POINTER, 'models--x--y/blobs': '../elsewhere', 'elsewhere/abc': `CACHE/blobs/ab/${HASH}` },
        { [`blobs/ab/${HASH}`]: weights },
      ],
      [
        'through a folder outside of the snapshot',
        { 'models--x--y/snapshots/0123/w': 'CACHE/w', 'w/a.safetensors': 'CACHE/models--x--y/blobs/abc', ...BLOB },
        { [`blobs/ab/${HASH}`]: weights, 'models--x--y/snapshots/0123/model.safetensors.index.json': INDEX },
      ],
      ['a file of the store under another name', { ...POINTER, ...blob('../../blobs/ab/weights') }, { 'blobs/ab/weights': weights }],
      ['a hash in the wrong folder', { ...POINTER, ...blob(`../../blobs/cd/${HASH}`) }, { [`blobs/cd/${HASH}`]: weights }],
      ['a hash in no folder', { ...POINTER, ...blob(`../../blobs/${HASH}`) }, { [`blobs/${HASH}`]: weights }],
      ['a folder below', { ...POINTER, ...blob(`../../blobs/ab/${HASH}/x`) }, { [`blobs/ab/${HASH}/x`]: weights }],
      ['the cache itself', { ...POINTER, ...blob('../../secret') }, { secret: weights }],
      ["another repository's file", { ...POINTER, ...blob('../../models--o--z/blobs/w') }, { 'models--o--z/blobs/w': weights }],
      ['anywhere else', { ...POINTER, ...blob(join(outside, 'model.safetensors')) }],
    ])('refused: %s', async (_name, ...cache) => {
      await expect(openFolder(sharedCache(...cache))).rejects.toMatchObject({ code: 'ERR_UNSAFE_MODEL' })
    })
  })
})
