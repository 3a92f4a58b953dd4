import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { spawnSync } from 'node:child_process'
import { withLock } from '../../lib/libtorch/lock'
import { scratch } from '../support/scratch'

let path: string
beforeEach(() => {
  path = join(scratch(), 'deeper', 'x.lock')
})

const deadPid = () => spawnSync(process.execPath, ['-e', '']).pid

function abandoned(holder: object | string): void {
  path = join(scratch(), 'x.lock')
  writeFileSync(path, typeof holder === 'string' ? holder : JSON.stringify(holder))
}

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
})

test('names its holder, and is refreshed while it is held', async () => {
  await withLock(path, { staleMs: 120 }, async () => {
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ pid: process.pid, host: hostname() })
    const onWait = jest.fn()
    const second = withLock(path, { staleMs: 120, pollMs: 5, onWait, signal: AbortSignal.timeout(400) }, () => Promise.resolve('taken'))
    await expect(second).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    expect(onWait.mock.calls).toEqual([[process.pid]])
  })
})

test.each([
  ['a process that is gone', () => ({ pid: deadPid(), host: hostname() })],
  ['a process that is gone, found by many at once', () => ({ pid: deadPid(), host: hostname() })],
])('the lock of %s is taken over', async (_, holder) => {
  abandoned(holder())
  let inside = 0
  const work = async () => {
    expect(++inside).toBe(1)
    await delay(3)
    inside--
  }
  await Promise.all(Array.from({ length: 5 }, () => withLock(path, { pollMs: 1 }, work)))
  expect(existsSync(path)).toBe(false)
  expect(existsSync(`${path}.takeover`)).toBe(false)
})

test.each([
  ['of another machine', { pid: 1, host: 'elsewhere' }],
  ['of nobody', ''],
  ['of a live process that has this number now', { pid: process.pid, host: hostname() }],
])('a lock %s is waited for while it is fresh, and taken over when it is old', async (_, holder) => {
  abandoned(holder)
  const signal = AbortSignal.timeout(60)
  await expect(withLock(path, { pollMs: 5, signal }, () => Promise.resolve())).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  const old = new Date(Date.now() - 61_000)
  utimesSync(path, old, old)
  expect(await withLock(path, { pollMs: 5 }, () => Promise.resolve('taken'))).toBe('taken')
})
