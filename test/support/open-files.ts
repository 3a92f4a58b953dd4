import fs from 'node:fs'

/** Files below a folder that this process has open. */
export function openFiles(folder: string): string[] {
  return fs
    .readdirSync('/proc/self/fd')
    .flatMap((fd) => {
      try {
        return [fs.readlinkSync(`/proc/self/fd/${fd}`)]
      } catch {
        return []
      }
    })
    .filter((file) => file.startsWith(folder))
}
