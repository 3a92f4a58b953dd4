/** lib/ → dist/ */
import fs from 'node:fs'
import path from 'node:path'
import { Explained } from './console.mjs'
import { modified, newest, stamp } from './freshness.mjs'
import { inRoot } from './paths.mjs'
import { run } from './process.mjs'

const dist = inRoot('dist')
const stampFile = inRoot('build/.typescript')

export function typescriptIsStale() {
  return (
    !fs.existsSync(inRoot('dist/index.js')) || newest(inRoot('lib'), inRoot('tsconfig.json'), inRoot('binding.d.ts')) > modified(stampFile)
  )
}

export async function buildTypeScript() {
  const compiler = inRoot('node_modules/typescript/bin/tsc')
  if (!fs.existsSync(compiler)) throw new Explained('TypeScript is not installed. Run: npm ci')
  const began = Date.now()
  await run(process.execPath, [compiler])
  dropOrphans(dist)
  stamp(stampFile, began)
}

/** Removes compiled files whose source no longer exists: they would be packed and hide that the source is missing. */
function dropOrphans(folder) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name)
    const source = inRoot('lib', path.relative(dist, file).replace(/(\.d\.ts|\.js)$/, '.ts'))
    if (entry.isDirectory() && fs.existsSync(source)) dropOrphans(file)
    else if (entry.isDirectory() || !fs.existsSync(source)) fs.rmSync(file, { recursive: true })
  }
}
