import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const root = path.resolve(__dirname, '../..')
let folder: string

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentorch-long-'))
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

/** Runs a program that imports the scripts (they are ES modules) and gives what it prints as JSON. */
function evaluate(program: string, args: string[] = []): any {
  const source = `const from = (name) => import(${JSON.stringify(`file://${root}/scripts/`)} + name)\n${program}`
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', source, ...args], { encoding: 'utf8' }))
}

describe('docs/tested.md', () => {
  const write = (outcomes: Record<string, unknown>[]): string => {
    const file = path.join(folder, 'tested.md')
    if (!fs.existsSync(file)) fs.copyFileSync(path.join(root, 'docs/tested.md'), file)
    evaluate(
      `const { writeOutcomes, writeSizes } = await from('support/tested.mjs')
       writeOutcomes(process.argv[1], ['one', 'two', 'three'], JSON.parse(process.argv[2]))
       writeSizes(process.argv[1], ${JSON.stringify(root)})
       console.log('null')`,
      [file, JSON.stringify(outcomes)],
    )
    return fs.readFileSync(file, 'utf8')
  }
  const outcome = (stage: string, summary: string, passed = true) => ({
    ...{ stage, summary, passed, took: '2.0 s', commit: 'abc1234', date: '2026-01-02', machine: 'CPU' },
  })
  const table = (text: string) => /<!-- tested:stages -->\n\n([^]*)\n\n<!-- \/tested:stages -->/.exec(text)![1]!.split('\n').slice(2)

  test('a stage that ran replaces its row; the rows of the others stay', () => {
    write([outcome('two', '5 things | 0 faults')])
    const text = write([outcome('one', 'ten', false)])
    expect(table(text)).toEqual([
      '| one | **failed** | ten | 2.0 s | abc1234 | 2026-01-02 | CPU |',
      '| two | passed | 5 things \\| 0 faults | 2.0 s | abc1234 | 2026-01-02 | CPU |',
    ])
    expect(table(write([outcome('one', 'ten')]))[0]).toContain('| passed | ten |')
    expect(text).toMatch(/has [\d,]{5,} lines of TypeScript and [\d,]{5,} lines of C\+\+\. [\d,]{5,} lines of programs test it/)
    expect(text.startsWith('# How sentorch is tested\n')).toBe(true)
  })

  test('describes every stage', () => {
    const source = fs.readFileSync(path.join(root, 'scripts/check-long.mjs'), 'utf8')
    const stages = [.../^const STAGES = \{\n([^]*?)\n\}/m.exec(source)![1]!.matchAll(/^ {2}'?([\w-]+)'?:/gm)].map((match) => match[1])
    expect(stages).toContain('soak')
    const text = fs.readFileSync(path.join(root, 'docs/tested.md'), 'utf8')
    for (const stage of stages) expect(text).toContain(`| \`${stage}\` |`)
  })
})

test.each([
  [['--only', 'folders,nonsense'], 'there is no "nonsense"'],
  [['--minutes', 'ten'], '--minutes takes a number above 0.'],
])('check-long %p is refused before anything is done', (args, message) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, 'scripts/check-long.mjs'), ...args], { encoding: 'utf8' })
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toContain(message)
})

test('changes to a folder are those of their seed, touch one file, and leave nothing outside', () => {
  const files = { 'config.json': '{"a":{"b":[1,"x",true]},"c":null}', 'vocab.txt': 'a\nb\nc\n', 'model.safetensors': '' }
  const header = Buffer.from('{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   ')
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  const safetensors = Buffer.concat([length, header, Buffer.alloc(8)])
  const found = evaluate(
    `import fs from 'node:fs'
     import path from 'node:path'
     const { changeFolder } = await from('check-long/support/mutations.mjs')
     const { randomFrom } = await from('support/random.mjs')
     const [folder, files, safetensors] = [process.argv[1], JSON.parse(process.argv[2]), Buffer.from(process.argv[3], 'base64')]
     const outside = path.join(folder, 'outside.txt')
     fs.writeFileSync(outside, 'outside')
     const results = []
     for (let seed = 0; seed < 150; seed++) {
       const twice = []
       for (const name of ['a', 'b']) {
         const place = path.join(folder, name, 'model')
         fs.rmSync(path.join(folder, name), { recursive: true, force: true })
         fs.mkdirSync(place, { recursive: true })
         for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(place, file), file.endsWith('safetensors') ? safetensors : text)
         const what = changeFolder(place, outside, randomFrom(seed))
         const now = fs.readdirSync(place).map((file) => {
           const stat = fs.lstatSync(path.join(place, file))
           return [file, stat.isFile() ? fs.readFileSync(path.join(place, file), 'base64') : String(stat.mode)]
         })
         twice.push({ what, now })
       }
       const [a, b] = twice.map((each) => JSON.stringify(each))
       const changed = Object.keys(files).filter((file) => {
         const there = twice[0].now.find(([name]) => name === file)?.[1]
         return there !== (file.endsWith('safetensors') ? safetensors : Buffer.from(files[file])).toString('base64')
       })
       results.push({ same: a === b, what: twice[0].what, changed })
     }
     console.log(JSON.stringify({ results, outside: fs.readFileSync(outside, 'utf8') }))`,
    [folder, JSON.stringify(files), safetensors.toString('base64')],
  )
  expect(found.outside).toBe('outside')
  expect(found.results.filter(({ same }: any) => !same)).toEqual([])
  const kinds = new Set<string>()
  for (const { what, changed } of found.results) {
    const [name, kind] = what.split(': ')
    kinds.add(kind)
    expect(changed.filter((each: string) => each !== name)).toEqual([])
  }
  expect([...kinds].sort()).toEqual(
    expect.arrayContaining([
      'a FIFO',
      'a link out of the folder',
      'changeBytes',
      'changeJson',
      'changeSafetensors',
      'changeText',
      'removed',
    ]),
  )
})
