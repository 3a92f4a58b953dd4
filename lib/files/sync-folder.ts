import { open } from 'node:fs/promises'

/** Flushes a folder to the disk: only then is a file's new name there after a loss of power. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows does not open folders.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
