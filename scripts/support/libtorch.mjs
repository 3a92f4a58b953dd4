/** libtorch for the build, through the finder of the library and the installer of the command line. */
import { createRequire } from 'node:module'
import { Explained, note } from './console.mjs'
import { inRoot } from './paths.mjs'
import { run } from './process.mjs'

const require = createRequire(import.meta.url)

export const finder = () => require(inRoot('dist/libtorch/find.js'))

/** The libtorch that would be used, or undefined if there is none (or only one of another version). */
export async function libtorchIfAny() {
  try {
    return await finder().findLibtorch()
  } catch (error) {
    if (error?.code === 'ERR_LIBTORCH_MISSING' || error?.code === 'ERR_LIBTORCH_VERSION') return undefined
    throw error
  }
}

export async function installLibtorch() {
  const { PLATFORMS, TORCH_VERSION } = require(inRoot('dist/libtorch/versions.js'))
  const { platformName } = require(inRoot('dist/base/platform.js'))
  const { cacheFolder } = require(inRoot('dist/libtorch/find.js'))
  const row = PLATFORMS[platformName()]
  if (!row)
    throw new Explained(`libtorch ${TORCH_VERSION} cannot be downloaded for ${platformName()}. Set SENTORCH_LIBTORCH to your own copy.`)
  const megabytes = Math.round(row.wheels.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6)
  note(
    `libtorch ${TORCH_VERSION} was not found on this machine. It comes out of PyTorch's wheel: with pip that is a download of ${megabytes} MB.`,
  )
  note(`What is needed of it is kept in ${cacheFolder()}; nothing else is touched.`)
  await run(process.execPath, [inRoot('bin/sentorch.js'), 'install-libtorch'])
}
