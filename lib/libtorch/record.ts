import type { Wheel } from './wheel'

/** One file of a wheel, as its RECORD lists it. */
export interface Member {
  /** Inside the wheel, with forward slashes. */
  path: string
  /** In hexadecimal digits. */
  sha256: string
  bytes: number
}

/** Headers that no program without Python, protobuf or Metal includes: a tenth of the bytes. */
const NEVER_INCLUDED = /^torch\/include\/(google|pybind11|tensorpipe|kineto|c10\/metal)\//

const LICENSE = /^([^/]+\.dist-info\/(licenses\/)?|nvidia\/[^/]+\/)(LICENSE|NOTICE|License)(\.txt)?$/

/** Reads a wheel's RECORD. Lines without a hash (RECORD itself) are left out. */
export function parseRecord(text: string): Member[] {
  const members: Member[] = []
  for (const line of text.split(/\r?\n/)) {
    const match = /^(?:"((?:[^"]|"")*)"|([^,]*)),sha256=([\w-]+)=*,(\d+)$/.exec(line)
    if (!match) continue
    const path = match[1] !== undefined ? match[1].replaceAll('""', '"') : match[2]!
    members.push({ path, sha256: Buffer.from(match[3]!, 'base64url').toString('hex'), bytes: Number(match[4]) })
  }
  return members
}

/** The libraries that are kept of a wheel. */
export function keptLibraries(wheel: Wheel, cuda: boolean): string[] {
  return [...wheel.libraries, ...((cuda && wheel.cudaLibraries) || [])]
}

/** What is kept of a wheel: its libraries, where it has them the headers for building, and its licences. */
export function keptMembers(wheel: Wheel, cuda: boolean, members: readonly Member[]): { kept: Member[]; missing: string[] } {
  const libraries = new Set(keptLibraries(wheel, cuda))
  const isKept = (path: string): boolean =>
    libraries.has(path) || LICENSE.test(path) || (wheel.headers === true && path.startsWith('torch/include/') && !NEVER_INCLUDED.test(path))
  const kept = members.filter(({ path }) => isKept(path))
  for (const { path } of kept) libraries.delete(path)
  return { kept, missing: [...libraries] }
}

/** Where a wheel's RECORD lies in it: the file name begins with the folder's name. */
export function recordPath(wheel: Wheel): string {
  return `${wheel.file.split('-', 2).join('-')}.dist-info/RECORD`
}
