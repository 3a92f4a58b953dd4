import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { StagedFolder } from '../../lib/format/write-folder'
import { filesIn } from '../support/fake-model'
import { fakeSystem } from '../support/fake-system'
import { folderOf, scratch } from '../support/scratch'

jest.mock('../../lib/native/addon', () => ({ loadAddon: () => fakeSystem }))

async function stage(target: string, overwrite = false): Promise<StagedFolder> {
  const staged = await StagedFolder.create(target, { overwrite })
  await staged.folder('1_Pooling')
  await staged.json('config.json', { new: true })
  await staged.write('1_Pooling/config.json', '{}')
  return staged
}

const OLD = { 'model/config.json': { old: true }, 'model/more.txt': 'old' }

test('nothing stands under the name before commit, all of it after', async () => {
  const parent = scratch()
  const target = path.join(parent, 'deeper', 'model')
  const staged = await stage(target)
  expect(fs.existsSync(target)).toBe(false)
  await staged.commit()
  expect(filesIn(parent)).toEqual(['deeper/model/1_Pooling/config.json', 'deeper/model/config.json'])
  await staged.discard()
  expect(filesIn(target)).toHaveLength(2)
})

test('discard leaves nothing', async () => {
  const parent = scratch()
  const staged = await stage(path.join(parent, 'model'))
  await staged.discard()
  expect(fs.readdirSync(parent)).toEqual([])
})

test('an empty folder is taken as it is', async () => {
  const target = scratch()
  await (await stage(target)).commit()
  expect(filesIn(target)).toEqual(['1_Pooling/config.json', 'config.json'])
})

test.each<[string, Record<string, unknown>, boolean, RegExp]>([
  ['a folder that holds a model', OLD, false, /model\. It already exists.*overwrite: true/],
  ['a file', { model: 'text' }, true, /model\. It is a file/],
  [
    "a folder that holds somebody's documents",
    { 'model/letter.txt': 'dear' },
    true,
    /^Cannot write the folder .*model\. It has 1 entries but none of config\.json/,
  ],
])('%s is refused and left alone', async (_, files, overwrite, message) => {
  const parent = folderOf(files)
  await expect(StagedFolder.create(path.join(parent, 'model'), { overwrite })).rejects.toMatchObject({
    code: 'ERR_FILE',
    message: expect.stringMatching(message) as string,
  })
  expect(filesIn(parent)).toEqual(Object.keys(files).sort())
})

test('overwrite replaces the whole folder, and only at commit', async () => {
  const parent = folderOf(OLD)
  const target = path.join(parent, 'model')
  const staged = await stage(target, true)
  expect(filesIn(target)).toEqual(['config.json', 'more.txt'])
  await staged.commit()
  expect(filesIn(parent)).toEqual(['model/1_Pooling/config.json', 'model/config.json'])
})

test('overwrite through a symbolic link replaces what it leads to', async () => {
  const parent = folderOf(OLD)
  const link = path.join(parent, 'link')
  fs.symlinkSync('model', link)
  await (await stage(link, true)).commit()
  expect(fs.readlinkSync(link)).toBe('model')
  expect(filesIn(path.join(parent, 'model'))).toEqual(['1_Pooling/config.json', 'config.json'])
})

test('a folder that appeared meanwhile is not lost', async () => {
  const parent = scratch()
  const target = path.join(parent, 'model')
  const staged = await stage(target)
  fs.mkdirSync(target)
  fs.writeFileSync(path.join(target, 'other'), '')
  await expect(staged.commit()).rejects.toMatchObject({ code: 'ERR_FILE' })
  await staged.discard()
  expect(filesIn(parent)).toEqual(['model/other'])
})

test('what fails after the folder took the name does not make the call fail', async () => {
  const parent = folderOf(OLD)
  const target = path.join(parent, 'model')
  const staged = await stage(target, true)
  const { open } = fs.promises
  jest.spyOn(fs.promises, 'open').mockImplementation(async (file, ...rest) => {
    if (file === parent) throw new Error('EMFILE: too many open files')
    return open(file, ...rest)
  })
  jest.spyOn(fs.promises, 'rm').mockRejectedValue(new Error('EACCES: permission denied'))
  try {
    await staged.commit()
    await staged.discard()
  } finally {
    jest.restoreAllMocks()
  }
  expect(filesIn(target)).toEqual(['1_Pooling/config.json', 'config.json'])
  await (await stage(target, true)).commit()
  expect(filesIn(target)).toEqual(['1_Pooling/config.json', 'config.json'])
})

test.each([
  ['a flush', 'open'],
  ['the last look at the target', 'readdir'],
] as const)('where %s fails before that, the old folder stays', async (_, call) => {
  const parent = folderOf(OLD)
  const staged = await stage(path.join(parent, 'model'), true)
  jest.spyOn(fs.promises, call).mockRejectedValue(new Error('EIO: i/o error'))
  try {
    await expect(staged.commit()).rejects.toMatchObject({ code: 'ERR_FILE', message: expect.stringContaining('EIO') as string })
  } finally {
    jest.restoreAllMocks()
  }
  await staged.discard()
  expect(filesIn(parent)).toEqual(['model/config.json', 'model/more.txt'])
})

test('files and folders are flushed before the folder takes its name, the folder around it afterwards', async () => {
  const parent = folderOf(OLD)
  const target = path.join(parent, 'model')
  const flushed: string[] = []
  const { open } = fs.promises
  jest.spyOn(fs.promises, 'open').mockImplementation(async (file, ...rest) => {
    const handle = await open(file, ...rest)
    const sync = handle.sync.bind(handle)
    handle.sync = async () => {
      const when = fs.existsSync(path.join(target, 'more.txt')) ? 'before' : 'after'
      await sync()
      await delay(50)
      flushed.push(`${path.basename(file as string)} ${when}`)
    }
    return handle
  })
  try {
    await (await stage(target, true)).commit()
  } finally {
    jest.restoreAllMocks()
  }
  const before = ['config.json', 'config.json', '1_Pooling', 'new'].map((name) => `${name} before`)
  expect(flushed).toEqual([...before, `${path.basename(parent)} after`])
})

test('what a kill left is finished first, then counts as what is there; the rest is swept', async () => {
  const left = '.model.0123abcd.tmp'
  const parent = folderOf({
    [`${left}/lock`]: '',
    [`${left}/old/config.json`]: {},
    [`${left}/new/config.json`]: {},
    '.model.4567abcd.tmp/lock': '',
  })
  const target = path.join(parent, 'model')
  await expect(StagedFolder.create(target, { overwrite: false })).rejects.toThrow(/It already exists/)
  const staged = await stage(target, true)
  expect(fs.readdirSync(parent).filter((name) => name !== 'model')).toHaveLength(1)
  await staged.commit()
  expect(filesIn(parent)).toEqual(['model/1_Pooling/config.json', 'model/config.json'])
})
