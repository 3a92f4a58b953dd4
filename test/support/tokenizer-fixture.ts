import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const FIXTURES = join(__dirname, '..', 'fixtures', 'tokenizers')

export function fixtureFolder(name: string): string {
  return join(FIXTURES, name)
}

/** A copy of a fixture tokenizer's folder with some files replaced, or removed where the content is null; objects are written as JSON. */
export function copyFixture(name: string | null, files: Record<string, unknown>): string {
  const folder = mkdtempSync(join(tmpdir(), 'sentorch-tokenizer-'))
  if (name !== null) cpSync(fixtureFolder(name), folder, { recursive: true })
  for (const [file, content] of Object.entries(files)) {
    if (content === null) rmSync(join(folder, file))
    else writeFileSync(join(folder, file), typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content))
  }
  return folder
}
