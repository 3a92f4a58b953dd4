import fs from 'node:fs'
import path from 'node:path'
import { recoverFolder, StagedFolder } from '../../lib/format/write-folder'
import { filesIn } from '../support/fake-parts'
import { folderOf, scratch } from '../support/scratch'

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
  ['a folder that holds a model', OLD, false, /It is there already.*overwrite: true/],
  ['a file', { model: 'text' }, true, /It is a file/],
  ["a folder that holds somebody's documents", { 'model/letter.txt': 'dear' }, true, /holds 1 entries but none of config\.json/],
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

test('where the new folder cannot take the name, the old one gets it back', async () => {
  const parent = folderOf(OLD)
  const staged = await stage(path.join(parent, 'model'), true)
  fs.rmSync(staged.path, { recursive: true })
  fs.mkdirSync(path.join(staged.path, '1_Pooling'), { recursive: true })
  const rename = fs.promises.rename
  const spy = jest.spyOn(fs.promises, 'rename')
  spy.mockImplementation(async (from, to) => {
    if (from === staged.path) throw new Error('disk gone')
    return rename(from, to)
  })
  try {
    await expect(staged.commit()).rejects.toMatchObject({ code: 'ERR_FILE', message: expect.stringContaining('disk gone') as string })
  } finally {
    spy.mockRestore()
  }
  await staged.discard()
  expect(filesIn(parent)).toEqual(['model/config.json', 'model/more.txt'])
})

describe('after a kill', () => {
  // Above the largest number that Linux gives.
  const GONE = 4_194_305
  const left = (pid: number, kind: string): string => `.model.${pid}-0123abcd.${kind}`

  test('a folder that was put aside gets its name back, and nothing else does', async () => {
    const names = [left(GONE, 'tmp'), '.models.4194305-0123abcd.old', '.model.4194305-0123abcd.old2']
    const parent = folderOf(Object.fromEntries([left(GONE, 'old'), ...names].map((name) => [`${name}/config.json`, {}])))
    const target = path.join(parent, 'model')
    expect(await recoverFolder(target)).toBe(true)
    expect(filesIn(target)).toEqual(['config.json'])
    expect(await recoverFolder(target)).toBe(false)
    expect(await recoverFolder(path.join(parent, 'else'))).toBe(false)
    expect(fs.readdirSync(parent).sort()).toEqual(['model', ...names].sort())
  })

  test('what a running process has put aside is its own', async () => {
    const parent = folderOf({ [`${left(process.pid, 'old')}/config.json`]: {} })
    expect(await recoverFolder(path.join(parent, 'model'))).toBe(false)
  })

  test('the next save takes away what was half written, and replaces what was put aside only with overwrite', async () => {
    const files = { [`${left(GONE, 'old')}/config.json`]: {}, [`${left(GONE, 'tmp')}/x`]: '', [`${left(process.pid, 'tmp')}/x`]: '' }
    const parent = folderOf(files)
    const target = path.join(parent, 'model')
    await expect(StagedFolder.create(target, { overwrite: false })).rejects.toThrow(/It is there already/)
    await (await stage(target, true)).commit()
    expect(filesIn(parent)).toEqual([`${left(process.pid, 'tmp')}/x`, 'model/1_Pooling/config.json', 'model/config.json'])
  })
})
