import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Member } from './record'

/** What `install-libtorch` put into a folder; written last, before the folder gets its name. */
export interface Manifest {
  version: string
  platform: string
  cuda: boolean
  /** The files that the libraries came from. */
  wheels: { file: string; record: string }[]
  libraries: Member[]
  /** Bytes of all that was kept, headers included. */
  bytes: number
}

const NAME = 'manifest.json'

export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await writeFile(join(folder, NAME), JSON.stringify(manifest, null, 2) + '\n')
}

export async function readManifest(folder: string): Promise<Manifest | null> {
  try {
    return JSON.parse(await readFile(join(folder, NAME), 'utf8')) as Manifest
  } catch {
    return null
  }
}

/** The libraries that are absent or have another length than when they were installed. */
export async function damagedLibraries(folder: string, manifest: Manifest): Promise<string[]> {
  const damaged: string[] = []
  for (const { path, bytes } of manifest.libraries) {
    const info = await stat(join(folder, path)).catch(() => null)
    if (info?.size !== bytes) damaged.push(path)
  }
  return damaged
}
