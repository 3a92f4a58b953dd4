import { existsSync, fstatSync, renameSync } from 'node:fs'
import { constants } from 'node:os'

const { EAGAIN, ENOENT, ENOSYS } = constants.errno
/** By file: the descriptor that has its lock. */
const holders = new Map<string, number>()

/** What the addon does with files, on any system; for jest.mock of lib/native/addon. The tests say what this system can. */
export const fakeSystem = {
  exchanges: true,
  locks: true,

  exchange(a: string, b: string): number {
    if (!fakeSystem.exchanges) return ENOSYS
    if (!existsSync(a) || !existsSync(b)) return ENOENT
    renameSync(a, `${a}.x`)
    renameSync(b, a)
    renameSync(`${a}.x`, b)
    return 0
  },

  lock(fd: number): number {
    if (!fakeSystem.locks) return ENOSYS
    const file = fileOf(fd)!
    const holder = holders.get(file)
    if (holder !== undefined && holder !== fd && fileOf(holder) === file) return EAGAIN
    holders.set(file, fd)
    return 0
  },
}

/** Undefined where it was closed: then its lock is free. */
function fileOf(fd: number): string | undefined {
  try {
    const { dev, ino } = fstatSync(fd)
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}
