import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ERROR_CODES, WARNING_CODES } from '../../lib/base/errors'

const root = resolve(__dirname, '../..')
const text = readFileSync(join(root, 'docs/errors.md'), 'utf8')
const codes: readonly string[] = ERROR_CODES

/** Sections by their heading. */
const sections = new Map(
  text
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')).trim(), section]),
)

test.each(ERROR_CODES)('%s: what it means, where it comes from, what to do, and how it reads', (code) => {
  const section = sections.get(code) ?? ''
  for (const part of ['Meaning', 'Causes', 'Remedy']) expect(section).toMatch(new RegExp(`^\\*\\*${part}\\.\\*\\* \\S`, 'm'))
  expect(section).toContain(`\n\`\`\`\n[${code}] `)
})

test('the sections stand in the order of lib/errors.ts, and there are no others', () => {
  expect([...sections.keys()]).toEqual(codes)
})

test('the overview names every code once', () => {
  const overview = text.slice(0, text.indexOf('\n## '))
  expect([...overview.matchAll(/`(ERR_\w+)`/g)].map(([, code]) => code).sort()).toEqual([...codes].sort())
})

test('the warnings are described, and no others', () => {
  expect([...text.matchAll(/^\| `(SENTORCH_\w+)` \|/gm)].map(([, code]) => code)).toEqual(WARNING_CODES)
})

test.each(['README.md', 'docs/errors.md', 'docs/api.md', 'docs/install.md', 'docs/models.md', 'docs/architecture.md'])(
  '%s names no code that does not exist',
  (file) => {
    expect(unknownCodes(readFileSync(join(root, file), 'utf8'), /\b(ERR_[A-Z_]+)\b/g)).toEqual([])
  },
)

const sources = ['lib', 'native', 'bin'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|js|cc|h)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name)),
)

test('the sources use no code that lib/errors.ts does not have', () => {
  const used = new Set<string>()
  const unknown = sources.flatMap((file) => {
    const source = readFileSync(file, 'utf8')
    if (file !== join(root, 'lib/base/errors.ts'))
      for (const [, , code] of source.matchAll(LITERAL)) if (code !== NODES_OWN) used.add(code!)
    return unknownCodes(source, LITERAL, 2)
      .filter((code) => code !== NODES_OWN)
      .map((code) => `${file}: ${code}`)
  })
  expect(unknown).toEqual([])
  // Every code is used somewhere: one that is not would be a promise without a reason.
  expect([...used].sort()).toEqual([...codes].sort())
})

/** Of a TextDecoder; looked at, never thrown by us. */
const NODES_OWN = 'ERR_ENCODING_INVALID_ENCODED_DATA'

/** A code in quotes, of JavaScript or of C++. */
const LITERAL = /(['"`])(ERR_\w+)\1/g

function unknownCodes(source: string, pattern: RegExp, group = 1): string[] {
  return [...source.matchAll(pattern)].map((match) => match[group]!).filter((code) => !codes.includes(code))
}
