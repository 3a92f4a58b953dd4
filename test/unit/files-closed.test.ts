import fs, { appendFileSync, cpSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StagedFile } from '../../lib/files/staged-file'
import { openRegular } from '../../lib/files/read'
import { openFolder } from '../../lib/format/folder'
import { verifyFolder } from '../../lib/format/manifest'
import { readNeeded } from '../../lib/libtorch/inspect'
import { saveModel } from '../../lib/model/save'
import { fakeModel } from '../support/fake-model'
import { seal } from '../support/manifest'
import { openFiles } from '../support/open-files'
import { folderOf, scratch } from '../support/scratch'
import { tinyFiles } from '../support/tiny-folder'
import { FIXTURES, makeVariant } from '../support/variant'

const BERT = join(FIXTURES, 'models', 'bert')
const dense = () => makeVariant({ base: 'bert', overlays: ['bert-dense'] })

describe('no file of a folder is open after it', () => {
  test('was opened', async () => {
    const folder = dense()
    await openFolder(folder)
    expect(openFiles(folder)).toEqual([])
  })

  test.each<[string, Record<string, unknown>]>([
    ['config.json is cut off', { 'config.json': '{' }],
    ['config.json is too large', { 'config.json': ' '.repeat(2 ** 24 + 1) }],
    ['the header of model.safetensors is cut off', { 'model.safetensors': 'cut' }],
    ['the header of model.safetensors is none', { 'model.safetensors': Buffer.alloc(64, 1) }],
    ['config.json is a folder', { 'config.json': undefined, 'config.json/x': '' }],
    ['the index of the shards is no JSON', { 'model.safetensors': undefined, 'model.safetensors.index.json': '[' }],
  ])('was refused: %s', async (_, changed) => {
    const files = Object.entries({ ...tinyFiles(), ...changed }).filter(([, content]) => content !== undefined)
    const folder = folderOf(Object.fromEntries(files))
    await expect(openFolder(folder)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_(MODEL|UNSAFE)_/) })
    expect(openFiles(folder)).toEqual([])
  })

  test.each<[string, (folder: string) => void]>([
    ['as it was written', () => {}],
    ['a byte more', (folder) => appendFileSync(join(folder, 'tokenizer.json'), ' ')],
    ['a byte changed', (folder) => writeFileSync(join(folder, 'config.json'), '{ }')],
    ['a manifest that is none', (folder) => writeFileSync(join(folder, 'sentorch-manifest.json'), 'x')],
  ])('was verified: %s', async (_, change) => {
    const folder = join(scratch(), 'model')
    cpSync(BERT, folder, { recursive: true })
    writeFileSync(join(folder, 'config.json'), '{}\n')
    seal(folder)
    change(folder)
    await verifyFolder(folder).catch(() => {})
    expect(openFiles(folder)).toEqual([])
  })

  test.each([false, true])('was saved, with weights that were trained: %p', async (trained) => {
    const source = dense()
    const { parts } = await fakeModel(source)
    parts.trained = trained
    const parent = scratch()
    for (let saves = 0; saves < 2; saves++) {
      await saveModel(parts, join(parent, 'saved'), { overwrite: true })
      expect([...openFiles(source), ...openFiles(parent)]).toEqual([])
    }
  })
})

test('a file that is replaced by a folder while it is opened is refused and closed', async () => {
  const folder = scratch()
  jest.spyOn(fs.promises, 'stat').mockResolvedValueOnce(fs.statSync(__filename))
  await expect(openRegular(folder)).rejects.toMatchObject({ code: 'ERR_UNSAFE_MODEL' })
  expect(openFiles(folder)).toEqual([])
})

test('an output that was written or given up is closed', async () => {
  const folder = scratch()
  for (const end of ['commit', 'discard'] as const) {
    const file = await StagedFile.create(join(folder, `${end}.npy`))
    await file.write(Buffer.from('x'))
    expect(openFiles(folder)).toHaveLength(1)
    await file[end]()
    expect(openFiles(folder)).toEqual([])
  }
  expect(readdirSync(folder)).toEqual(['commit.npy'])
})

test.each<[string, Buffer]>([
  ['none', Buffer.from('no library')],
  ['cut off', Buffer.concat([Buffer.from('\x7fELF\x02\x01', 'latin1'), Buffer.alloc(58, 0xff)])],
])('a library that was inspected is closed: %s', async (_, bytes) => {
  const folder = folderOf({ 'libx.so': bytes })
  expect(await readNeeded(join(folder, 'libx.so'))).toBeNull()
  expect(openFiles(folder)).toEqual([])
})
