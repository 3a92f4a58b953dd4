import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { findLibtorch } from '../../lib/libtorch/find'
import { scratch } from './scratch'

/** Links to the files of the libtorch in use, with one library replaced. Returns the folder for SENTORCH_LIBTORCH. */
export async function brokenLibtorch(library: string, replace: (from: string, to: string) => void): Promise<string> {
  const { libraryDir, libraries, version } = await findLibtorch()
  const root = scratch('sentorch-libtorch')
  const lib = join(root, 'torch', 'lib')
  const nvidia = join(root, 'nvidia', 'cu13', 'lib')
  for (const folder of [lib, nvidia]) mkdirSync(folder, { recursive: true })
  writeFileSync(join(root, 'torch', 'version.py'), `__version__ = '${version}'\n`)
  // Without CUDA, for that is what is not tested.
  for (const name of readdirSync(libraryDir).filter((name) => !/cuda/.test(name) && statSync(join(libraryDir, name)).isFile())) {
    if (name === library) replace(join(libraryDir, name), join(lib, name))
    else symlinkSync(join(libraryDir, name), join(lib, name))
  }
  for (const file of libraries.filter((file) => dirname(file) !== libraryDir)) symlinkSync(file, join(nvidia, basename(file)))
  return root
}
