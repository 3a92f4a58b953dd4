/** npm packages: whether node_modules holds what package-lock.json says, and installing them. */
import fs from 'node:fs'
import { inRoot } from './paths.mjs'
import { npm } from './process.mjs'

/** True when an entry of the lock file is missing from node_modules or lies there in another version. */
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
    // Packages of other platforms are optional and rightly absent.
    return there ? there.version !== entry.version : !(entry.optional || entry.peer)
  })
}

/** No dependency needs its install script; `prepare` would build what the caller builds next. */
export function installPackages() {
  return npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund'])
}
