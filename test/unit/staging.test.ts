import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { makeFolder, openLocked } from '../../lib/files/folders'
import { resolveModel } from '../../lib/hub/hub'
import { recoverFolder, Staging, sweep } from '../../lib/files/staging'
import { fakeSystem } from '../support/fake-system'
import { filesIn } from '../support/fake-model'
import { openFiles } from '../support/open-files'
import { folderOf, scratch } from '../support/scratch'

jest.mock('../../lib/native/addon', () => ({ loadAddon: () => fakeSystem }))

beforeEach(() => Object.assign(fakeSystem, { exchanges: true, locks: true }))
afterEach(() => jest.restoreAllMocks())

const OLD = { 'model/old': '' }
const LEFT = '.model.0123abcd.tmp'
const LATER = '.model.4567abcd.tmp'

async function stage(target: string): Promise<Staging> {
  const staging = await Staging.create(target)
  fs.writeFileSync(path.join(staging.fresh, 'new'), '')
  return staging
}

/** What a process leaves that is killed between the two renames. */
const interrupted = (name = LEFT, content = 'new') => ({ [`${name}/lock`]: '', [`${name}/old/old`]: '', [`${name}/new/${content}`]: '' })

/** Makes calls of fs.renameSync fail by their number, from 1. */
function failRenames(which: (call: number) => boolean, code = 'EIO'): void {
  const { renameSync } = fs
  let calls = 0
  jest.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
    if (which(++calls)) throw Object.assign(new Error(`${code}: injected, rename`), { code })
    renameSync(from, to)
  })
}

describe.each([
  ['in one step', true],
  ['by two renames', false],
])('replacing %s', (_, exchanges) => {
  beforeEach(() => (fakeSystem.exchanges = exchanges))

  test('the new folder takes the name, and nothing else is left', async () => {
    const parent = folderOf(OLD)
    const staging = await stage(path.join(parent, 'model'))
    staging.place(true)
    expect(filesIn(path.join(parent, 'model'))).toEqual(['new'])
    await staging.remove()
    expect(fs.readdirSync(parent)).toEqual(['model'])
  })

  test('so it does where there is nothing yet', async () => {
    const parent = scratch()
    const staging = await stage(path.join(parent, 'deeper', 'model'))
    staging.place(true)
    await staging.remove()
    expect(filesIn(parent)).toEqual(['deeper/model/new'])
  })

  test('a folder that is not to be replaced is not', async () => {
    const parent = folderOf(OLD)
    const staging = await stage(path.join(parent, 'model'))
    expect(() => staging.place(false)).toThrow(/ENOTEMPTY|EEXIST/)
    await staging.remove()
    expect(filesIn(parent)).toEqual(['model/old'])
  })
})

describe('two renames', () => {
  beforeEach(() => (fakeSystem.exchanges = false))

  test('where the second fails, the old folder gets its name back', async () => {
    const parent = folderOf(OLD)
    const staging = await stage(path.join(parent, 'model'))
    failRenames((call) => call === 2)
    expect(() => staging.place(true)).toThrow('EIO')
    await staging.remove()
    expect(filesIn(parent)).toEqual(['model/old'])
  })

  test('where that fails too, both are kept, and the next to look puts the new one in place', async () => {
    const parent = folderOf(OLD)
    const target = path.join(parent, 'model')
    const staging = await stage(target)
    failRenames((call) => call >= 2)
    expect(() => staging.place(true)).toThrow('EIO')
    jest.restoreAllMocks()
    expect(staging.isInterrupted).toBe(true)
    for (const listener of process.listeners('exit')) listener(0)
    await staging.remove()
    expect(fs.existsSync(target)).toBe(false)
    expect(await recoverFolder(target)).toBe(true)
    expect(filesIn(parent)).toEqual(['model/new'])
  })

  test('another process that takes the name in between is replaced as well', async () => {
    const parent = folderOf(OLD)
    const target = path.join(parent, 'model')
    const staging = await stage(target)
    const { renameSync } = fs
    let calls = 0
    jest.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
      if (++calls === 2) fs.cpSync(folderOf({ other: '' }), target, { recursive: true })
      renameSync(from, to)
    })
    staging.place(true)
    expect(filesIn(target)).toEqual(['new'])
    await staging.remove()
    expect(fs.readdirSync(parent)).toEqual(['model'])
  })
})

describe('after a kill', () => {
  test('a replacement that was interrupted is finished, whoever looks', async () => {
    const parent = folderOf(interrupted())
    const target = path.join(parent, 'model')
    expect(await recoverFolder(target)).toBe(true)
    expect(filesIn(parent)).toEqual(['model/new'])
    expect(openFiles(parent)).toEqual([])
    expect(await recoverFolder(target)).toBe(false)
    expect(await recoverFolder(path.join(parent, 'none'))).toBe(false)
  })

  test('so by a load, and through a link that leads to nothing for the moment', async () => {
    const parent = folderOf(interrupted())
    const link = path.join(scratch(), 'link')
    fs.symlinkSync(path.join(parent, 'model'), link)
    expect(await resolveModel(link)).toEqual({ folder: link, source: 'local' })
    expect(filesIn(path.join(parent, 'model'))).toEqual(['new'])
  })

  test('of two, the last wins', async () => {
    const parent = folderOf({ ...interrupted(LEFT, 'last'), ...interrupted(LATER, 'stale') })
    const seconds = Date.now() / 1000
    fs.utimesSync(path.join(parent, LATER), seconds - 9, seconds - 9)
    const target = path.join(parent, 'model')
    expect(await recoverFolder(target)).toBe(true)
    expect(filesIn(target)).toEqual(['last'])
    await sweep(target)
    expect(fs.readdirSync(parent)).toEqual(['model'])
  })

  test.each<[string, Record<string, unknown>]>([
    ['that was not finished', { [`${LEFT}/lock`]: '', [`${LEFT}/new/new`]: '' }],
    ['that was replaced', { [`${LEFT}/lock`]: '', [`${LEFT}/old/old`]: '' }],
    ['next to another name', interrupted('.models.0123abcd.tmp')],
    ['of somebody else', interrupted('.model.backup.tmp')],
  ])('a folder %s is not brought back', async (_, files) => {
    const parent = folderOf(files)
    expect(await recoverFolder(path.join(parent, 'model'))).toBe(false)
    expect(filesIn(parent)).toEqual(Object.keys(files).sort())
  })

  test('what has the name stays, and an interrupted replacement next to it can no longer come back', async () => {
    const parent = folderOf({ ...OLD, ...interrupted() })
    const target = path.join(parent, 'model')
    expect(await recoverFolder(target)).toBe(false)
    const removing = jest.spyOn(fs.promises, 'rm').mockRejectedValue(new Error('killed here'))
    await sweep(target)
    expect(removing).toHaveBeenCalledTimes(1)
    fs.rmSync(target, { recursive: true })
    expect(await recoverFolder(target)).toBe(false)
  })

  test('a replacement that is under way is waited for', async () => {
    const parent = folderOf(interrupted())
    const target = path.join(parent, 'model')
    const owner = await openLocked(path.join(parent, LEFT, 'lock'), 'r+')
    const opened = jest.spyOn(fs.promises, 'open')
    const start = performance.now()
    const recovering = recoverFolder(target)
    await delay(100)
    fs.renameSync(path.join(parent, LEFT, 'new'), target)
    expect(await recovering).toBe(false)
    // A look every 10 ms, which timers keep to the millisecond.
    expect(opened.mock.calls.length).toBeLessThanOrEqual(2 + (performance.now() - start) / 9)
    await owner!.handle.close()
  })

  test('one that another process finishes first counts as finished', async () => {
    const parent = folderOf(interrupted())
    const target = path.join(parent, 'model')
    const { open } = fs.promises
    jest.spyOn(fs.promises, 'open').mockImplementationOnce(async (file, ...rest) => {
      fs.renameSync(path.join(parent, LEFT, 'new'), target)
      fs.rmSync(path.join(parent, LEFT), { recursive: true })
      return open(file, ...rest)
    })
    expect(await recoverFolder(target)).toBe(false)
    expect(filesIn(target)).toEqual(['new'])
  })

  test('one that cannot be finished says where the folder lies', async () => {
    const parent = folderOf(interrupted())
    jest.spyOn(fs.promises, 'rename').mockRejectedValue(new Error('EROFS: read-only file system, rename'))
    await expect(recoverFolder(path.join(parent, 'model'))).rejects.toMatchObject({
      code: 'ERR_FILE',
      message: expect.stringContaining(path.join(parent, LEFT, 'new')) as string,
    })
  })

  test('leftovers are swept by their lock, not by anything in their name', async () => {
    const parent = folderOf({
      ...OLD,
      [`${LEFT}/lock`]: '',
      [`${LEFT}/new/x`]: '',
      // Half removed by a sweep that was killed.
      [`${LATER}/new/x`]: '',
      '.model.aaaaaaaa.tmp/lock': '',
      '.model.bbbbbbbb.tmp': 'a file that was to become `model`',
    })
    fs.mkdirSync(path.join(parent, '.model.cccccccc.tmp'))
    const owner = await openLocked(path.join(parent, '.model.aaaaaaaa.tmp', 'lock'), 'r+')
    await sweep(path.join(parent, 'model'))
    expect(fs.readdirSync(parent).sort()).toEqual(['.model.aaaaaaaa.tmp', 'model'])
    await owner!.handle.close()
    await sweep(path.join(parent, 'model'))
    expect(fs.readdirSync(parent)).toEqual(['model'])
    expect(openFiles(parent)).toEqual([])
  })

  test('where there are no locks nothing is swept: its owner may be alive', async () => {
    fakeSystem.locks = false
    const parent = folderOf({ [`${LEFT}/lock`]: '', [`${LEFT}/new/x`]: '' })
    await sweep(path.join(parent, 'model'))
    expect(fs.readdirSync(parent)).toEqual([LEFT])
    // A replacement is finished even so: nothing else has the name.
    fs.mkdirSync(path.join(parent, LEFT, 'old'))
    expect(await recoverFolder(path.join(parent, 'model'))).toBe(true)
  })

  test('one that another process sweeps while it is made is made again', async () => {
    const parent = scratch()
    const { open } = fs.promises
    const spy = jest.spyOn(fs.promises, 'open')
    spy.mockImplementationOnce(async (file, ...rest) => {
      const handle = await open(file, ...rest)
      fs.rmSync(path.dirname(file as string), { recursive: true })
      return handle
    })
    spy.mockImplementationOnce(async (file, ...rest) => {
      fs.rmSync(path.dirname(file as string), { recursive: true })
      return open(file, ...rest)
    })
    const staging = await stage(path.join(parent, 'model'))
    expect(spy).toHaveBeenCalledTimes(3)
    staging.place(true)
    await staging.remove()
    expect(fs.readdirSync(parent)).toEqual(['model'])
  })
})

test('at the exit one listener removes what all were writing', async () => {
  const parent = scratch()
  const before = process.listeners('exit')
  const stagings = await Promise.all(Array.from({ length: 20 }, (_, i) => stage(path.join(parent, `model-${i}`))))
  const added = process.listeners('exit').filter((listener) => !before.includes(listener))
  expect(added.length).toBeLessThanOrEqual(1)
  stagings[0]!.place(true)
  await stagings[0]!.remove()
  // What it no longer owns is no longer its to remove.
  fs.mkdirSync(stagings[0]!.path)
  for (const listener of process.listeners('exit')) listener(0)
  expect(fs.readdirSync(parent).sort()).toEqual([path.basename(stagings[0]!.path), 'model-0'])
  for (const staging of stagings) await staging.remove()
})

test.each(['/proc/sentorch/model', '/dev/null/model'])(
  'a folder that cannot be made is refused, and not tried for ever: %s',
  async (folder) => {
    await expect(makeFolder(folder)).rejects.toMatchObject({ code: expect.stringMatching(/ENOENT|ENOTDIR|EACCES|EPERM/) as string })
  },
)
