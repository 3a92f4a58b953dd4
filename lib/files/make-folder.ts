import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/**
 * Makes a folder and those above it that are missing. As `mkdir` with `recursive`, except that it ends where a file system answers ENOENT for
 * whatever is made in it (/proc): Node's own asks for ever.
 */
export async function makeFolder(folder: string): Promise<void> {
  const path = resolve(folder)
  try {
    await mkdir(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && dirname(path) !== path) {
      await makeFolder(dirname(path))
      await mkdir(path).catch((again: NodeJS.ErrnoException) => {
        // Made by somebody else meanwhile.
        if (again.code !== 'EEXIST') throw again
      })
      return
    }
    // EEXIST, or what systems say of a root or of a folder that is there and may not be written to.
    if (await isFolder(path)) return
    throw error
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}
