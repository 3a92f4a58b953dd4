import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openLocked, withLock } from '../../lib/files/folders'
import { fakeSystem } from '../support/fake-system'
import { openFiles } from '../support/open-files'
import { scratch } from '../support/scratch'

jest.mock('../../lib/native/addon', () => ({ loadAddon: () => fakeSystem }))

let path: string
beforeEach(() => {
  fakeSystem.locks = true
  path = join(scratch(), 'deeper', 'x.lock')
})

test('one at a time, in spite of many', async () => {
  let inside = 0
  let most = 0
  const waited: boolean[] = []
  const work = async (hadToWait: boolean) => {
    waited.push(hadToWait)
    most = Math.max(most, ++inside)
    await delay(5)
    inside--
  }
  await Promise.all(Array.from({ length: 8 }, () => withLock(path, { pollMs: 1 }, work)))
  expect(most).toBe(1)
  expect(waited.filter((each) => !each)).toHaveLength(1)
  expect(existsSync(path)).toBe(false)
})

test('is given back after a failure, and the failure is passed on', async () => {
  await expect(withLock(path, {}, () => Promise.reject(new Error('inside')))).rejects.toThrow('inside')
  expect(await withLock(path, {}, () => Promise.resolve(7))).toBe(7)
  expect(openFiles(path)).toEqual([])
})

test('a file that cannot be locked is not left open', async () => {
  const lock = jest.spyOn(fakeSystem, 'lock').mockImplementation(() => {
    throw new Error('no lock')
  })
  const file = join(scratch(), 'file')
  await expect(openLocked(file, 'a+')).rejects.toThrow('no lock')
  lock.mockRestore()
  expect(openFiles(file)).toEqual([])
})

test('names its holder to who waits, and is waited for until the signal', async () => {
  await withLock(path, {}, async () => {
    expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`)
    const onWait = jest.fn()
    const second = withLock(path, { pollMs: 5, onWait, signal: AbortSignal.timeout(60) }, () => Promise.resolve('taken'))
    await expect(second).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    expect(onWait.mock.calls).toEqual([[process.pid]])
  })
})

test('an abort ends the wait at once', async () => {
  await withLock(path, {}, async () => {
    const controller = new AbortController()
    const second = withLock(
      path,
      { pollMs: 60_000, onWait: () => setTimeout(() => controller.abort(), 20), signal: controller.signal },
      () => Promise.resolve('taken'),
    )
    await expect(second).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })
})

test.each([
  ['a process that was killed', '4194305\n'],
  ['another process that has this number now', `${process.pid}\n`],
  ['nobody', ''],
])('a file that is left of %s is no lock: nobody has it open', async (_, content) => {
  path = join(scratch(), 'x.lock')
  writeFileSync(path, content)
  const onWait = jest.fn()
  expect(await withLock(path, { onWait }, (waited) => Promise.resolve(waited))).toBe(false)
  expect(onWait).not.toHaveBeenCalled()
  expect(existsSync(path)).toBe(false)
})

test('a lock on a file that its holder has removed meanwhile is none', async () => {
  path = join(scratch(), 'x.lock')
  const locking = jest.spyOn(fakeSystem, 'lock').mockImplementation(() => {
    rmSync(path)
    return 0
  })
  expect(await openLocked(path, 'a+')).toBeUndefined()
  locking.mockRestore()
  const lock = await openLocked(path, 'a+')
  expect(lock?.isLocked).toBe(true)
  await lock!.handle.close()
})

test('where there are no locks, works run at the same time', async () => {
  fakeSystem.locks = false
  expect(await withLock(path, {}, () => withLock(path, {}, () => Promise.resolve('both')))).toBe('both')
})
