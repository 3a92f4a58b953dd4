// Everything from a bare clone to a working library: packages, TypeScript, libtorch, the native build. Does only what is missing.
import { pathToFileURL } from 'node:url'
import { Explained, main, ready, step } from './support/console.mjs'
import { finder, installLibtorch, libtorchIfAny } from './support/libtorch.mjs'
import { installPackages, packagesAreStale } from './support/packages.mjs'
import { requireBuildTools } from './support/tools.mjs'
import { buildTypeScript, typescriptIsStale } from './support/typescript.mjs'
import { buildNative, nativeIsStale } from './build-native.mjs'

export async function setup() {
  requireNode()
  // Checked before anything is downloaded, so that a missing compiler is not discovered after half a gigabyte.
  if (nativeIsStale()) requireBuildTools()

  if (packagesAreStale()) await step('Installing npm packages', installPackages)
  else ready('npm packages are installed')

  if (typescriptIsStale()) await step('Compiling TypeScript', buildTypeScript)
  else ready('TypeScript is compiled')

  const found = await libtorchIfAny()
  // A location that was set explicitly is not skipped: its error says what is wrong there.
  if (!found && process.env.SENTORCH_LIBTORCH) await finder().findLibtorch()
  if (!found || (nativeIsStale() && found.includeDirs.length === 0 && found.source !== 'environment'))
    await step('Fetching libtorch', installLibtorch)
  else ready(`libtorch ${found.version} is in ${found.root}`)

  if (nativeIsStale()) await step('Building the native libraries (some minutes the first time)', buildNative)
  else ready('The native libraries are built')
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  throw new Explained(`sentorch needs Node 20.19 or newer; this is ${process.version}.`)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(setup)
