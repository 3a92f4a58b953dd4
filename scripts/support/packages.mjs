/** npm packages: whether node_modules matches package-lock.json, and their installation. */
import fs from 'node:fs'
import { inRoot } from './paths.mjs'
import { npm } from './process.mjs'

/** True if an entry of the lock file is missing from node_modules or installed in another version. */
export function packagesAreStale() {
  let installed
  try {
    installed = JSON.parse(fs.readFileSync(inRoot('node_modules/.package-lock.json'), 'utf8')).packages
  } catch {
    return true
  }
  const wanted = JSON.parse(fs.readFileSync(inRoot('package-lock.json'), 'utf8')).packages
  return Object.entries(wanted).some(([place, entry]) => {
    if (place === '') return false
    const there = installed[place]
    // Packages for other platforms are optional and may be missing.
    return there ? there.version !== entry.version : !(entry.optional || entry.peer)
  })
}

/** No dependency needs its install script, and `prepare` would build what the caller builds next. */
export function installPackages() {
  return npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund'])
}
