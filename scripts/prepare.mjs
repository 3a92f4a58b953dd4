// Runs after `npm install` in a clone: compiles TypeScript, and builds the native libraries if libtorch is available.
// A missing tool is reported in one line and is not a failure: `npm install` must work without libtorch and without a compiler.
import fs from 'node:fs'
import { Explained, main, ready } from './support/console.mjs'
import { libtorchIfAny } from './support/libtorch.mjs'
import { inRoot } from './support/paths.mjs'
import { requireBuildTools } from './support/tools.mjs'
import { buildTypeScript, typescriptIsStale } from './support/typescript.mjs'
import { buildNative, nativeIsStale } from './build-native.mjs'

const skip = (reason) => console.log(`sentorch: nothing is built here, ${reason}`)

await main(async () => {
  // `npm install --omit=dev` and installation from git do not include development tools.
  if (!fs.existsSync(inRoot('node_modules/typescript')) || !fs.existsSync(inRoot('node_modules/cmake-js'))) {
    return skip('the development packages are not installed.')
  }
  if (typescriptIsStale()) await buildTypeScript()
  if (!nativeIsStale()) return ready('sentorch is built')
  const libtorch = await libtorchIfAny()
  if (!libtorch || libtorch.includeDirs.length === 0)
    return skip('no libtorch with headers was found. `npm run setup` fetches it and builds.')
  try {
    requireBuildTools()
  } catch (error) {
    if (error instanceof Explained) return skip(error.message.replaceAll(/\s*\n\s*/g, ' '))
    throw error
  }
  await buildNative()
})
