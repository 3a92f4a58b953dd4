import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesIn } from './fake-model'

const NAME = 'sentorch-manifest.json'

/** The correct manifest of a folder, computed without the code under test. */
export function manifestFor(folder: string): { format: number; files: Record<string, { size: number; sha256: string }> } {
  const names = filesIn(folder).filter((name) => name !== NAME)
  const entry = (name: string) => {
    const bytes = readFileSync(join(folder, name))
    return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
  }
  return { format: 1, files: Object.fromEntries(names.map((name) => [name, entry(name)])) }
}

/** Gives a folder that was changed on purpose a matching manifest. */
export function seal(folder: string): void {
  writeFileSync(join(folder, NAME), JSON.stringify(manifestFor(folder)))
}
