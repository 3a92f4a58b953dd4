import fs from 'node:fs'
import path from 'node:path'

/** The newest modification time below the given files and folders, in milliseconds; 0 when there are none. */
export function newest(...places) {
  let time = 0
  for (const place of places) {
    const stat = fs.statSync(place, { throwIfNoEntry: false })
    if (!stat) continue
    const inside = stat.isDirectory() ? newest(...fs.readdirSync(place).map((name) => path.join(place, name))) : stat.mtimeMs
    time = Math.max(time, inside)
  }
  return time
}

/** Modification time of a file, or 0 if it does not exist. */
export function modified(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** Sets the time of `file` to the start of a successful build, `began` (milliseconds), so that an edit made during the build is newer. */
export function stamp(file, began) {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, '')
  fs.utimesSync(file, new Date(began), new Date(began))
}
