import fs from 'node:fs'
import path from 'node:path'
import { scratch } from '../support/scratch'

const root = path.resolve(__dirname, '../..')
const DOCUMENTS = [
  ...fs.readdirSync(root).filter((name) => name.endsWith('.md')),
  ...fs.readdirSync(path.join(root, 'docs')).map((name) => `docs/${name}`),
]
const read = (file: string) => fs.readFileSync(path.join(root, file), 'utf8')

/** The anchors of a document's headings, as GitHub makes them; a repeated one gets a number. */
function anchors(file: string): Set<string> {
  const found = new Map<string, number>()
  const text = read(file).replace(/^```[^]*?^```$/gm, '')
  for (const [, heading] of text.matchAll(/^#{1,6} +(.+)$/gm)) {
    const plain = heading!.replace(/`/g, '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    const slug = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-')
    found.set(slug, (found.get(slug) ?? -1) + 1)
  }
  return new Set([...found].flatMap(([slug, repeats]) => [slug, ...Array.from({ length: repeats }, (_, i) => `${slug}-${i + 1}`)]))
}

/** Names with a place for something in them, and units. */
const GENERAL = /STAGE|^examples\/s$/

/** Whether there is such a file; `scripts/make-*.py`: whether a name begins so. */
function exists(name: string): boolean {
  const [start] = name.split('*')
  if (start === name) return fs.existsSync(path.join(root, name))
  const folder = path.join(root, path.posix.dirname(`${start}x`))
  return fs.existsSync(folder) && fs.readdirSync(folder).some((each) => each.startsWith(path.posix.basename(`${start}x`).slice(0, -1)))
}

test('the architecture names functions where they are', () => {
  const named = [...read('docs/architecture.md').matchAll(/`(\w+(?:(?:\.|::)\w+)?)` \(`([\w./-]+\.(?:ts|cc|h))`\)/g)]
  expect(named.length).toBeGreaterThan(25)
  const gone = named.filter(([, name, file]) => {
    const text = fs.existsSync(path.join(root, file!)) ? read(file!) : ''
    return !name!.split(/\.|::/).every((part) => new RegExp(`\\b${part}\\b`).test(text))
  })
  expect(gone.map(([text]) => text)).toEqual([])
})

describe.each(DOCUMENTS)('%s', (file) => {
  const text = read(file)

  test('its links lead to files and headings that exist', () => {
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!).filter((link) => !/^[a-z]+:/.test(link))
    const broken = links.filter((link) => {
      const [place, anchor] = link.split('#')
      const target = place === '' ? file : path.posix.join(path.posix.dirname(file), place!)
      return !fs.existsSync(path.join(root, target)) || (anchor !== undefined && !anchors(target).has(anchor))
    })
    expect(broken).toEqual([])
  })

  test('the files of the repository that it names exist', () => {
    const named = [...text.matchAll(/(?<![\w./-])(?:lib|native|scripts|bench|test|examples|docs|bin)\/[\w./*-]*[\w*]/g)].map(
      ([name]) => name,
    )
    const gone = named.filter((name) => !GENERAL.test(name) && !exists(name))
    expect(gone).toEqual([])
  })

  test('the commands that it names exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const cli = fs
      .readdirSync(path.join(root, 'lib/cli'))
      .map((name) => read(`lib/cli/${name}`))
      .join('\n')
    const unknown = [...text.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1]!).filter((name) => !scripts[name])
    for (const [, command, options] of text.matchAll(/npx sentorch(?: --verbose)? ([a-z-]+)([^\n`#]*)/g)) {
      if (!cli.includes(`'${command}'`) && !cli.includes(`.command('${command}`)) unknown.push(`sentorch ${command}`)
      for (const [option] of options!.matchAll(/--[a-z-]+/g)) if (!cli.includes(option)) unknown.push(`sentorch ${command} ${option}`)
    }
    expect(unknown).toEqual([])
  })
})

test('anchors are made as GitHub makes them', () => {
  const file = path.join(scratch('sentorch-documents'), 'a.md')
  fs.writeFileSync(file, '# `encode` and *more*: a, b!\n## Same\n### Same\n```\n# not a heading\n```\n## ERR_X\n')
  expect([...anchors(path.relative(root, file))]).toEqual(['encode-and-more-a-b', 'same', 'same-1', 'err_x'])
})
