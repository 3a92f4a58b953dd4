import { execFileSync, spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const root = path.resolve(__dirname, '../..')

/** Runs a program that imports the benchmark's modules (they are ES modules) and gives what it prints as JSON. */
function evaluate(program: string, args: string[] = []): any {
  const source = `const from = (name) => import(${JSON.stringify(`file://${root}/bench/`)} + name)\n${program}`
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', source, ...args], { encoding: 'utf8' }))
}

describe('processor time of other processes', () => {
  const STAT = (ticks: number[]) => `cpu  ${ticks.join(' ')}\ncpu0 1 1 1 1 1 1 1 1 0 0\nintr 5\n`
  const SELF = (utime: number, stime: number, cutime: number, cstime: number) =>
    `42 (a) odd) name) R 1 1 1 0 -1 4194304 99 0 0 0 ${utime} ${stime} ${cutime} ${cstime} 20 0 1 0 55685 0\n`

  test('is the busy time less that of our own process and its children', () => {
    const readings = [
      { stat: STAT([100, 10, 50, 1000, 40, 5, 5, 20, 7, 7]), self: SELF(10, 5, 100, 50) },
      { stat: STAT([250, 10, 80, 1200, 60, 5, 15, 30, 9, 9]), self: SELF(12, 6, 180, 67) },
    ]
    const found = evaluate(
      `const { machineTicks, ownTicks, othersShare } = await from('quiet.mjs')
       const [before, after] = JSON.parse(process.argv[1]).map(({ stat, self }) => ({ ...machineTicks(stat), own: ownTicks(self) }))
       console.log(JSON.stringify({ before, after, share: othersShare(before, after), none: othersShare(before, before) ?? null }))`,
      [JSON.stringify(readings)],
    )
    // 200 busy ticks (user 150, system 30, softirq 10, steal 10), 100 of them ours, of 420 in all.
    expect(found.before).toEqual({ busy: 190, total: 1230, own: 165 })
    expect(found.after).toEqual({ busy: 390, total: 1650, own: 265 })
    expect(found.share).toBeCloseTo(100 / 420)
    expect(found.none).toBeNull()
  })

  const spin = (milliseconds: number) => `const end = Date.now() + ${milliseconds}; while (Date.now() < end);`

  test('a busy process outside is counted, busy children are not', () => {
    const outside = spawn(process.execPath, ['-e', spin(30_000)])
    try {
      const { others, own } = evaluate(
        `import { spawnSync } from 'node:child_process'
         const { readTicks, watched } = await from('quiet.mjs')
         const before = readTicks().own
         const { others } = await watched(() => spawnSync(process.execPath, ['-e', process.argv[1]]))
         console.log(JSON.stringify({ others, own: readTicks().own - before }))`,
        [spin(1500)],
      )
      // Ticks are hundredths of a second. On a machine where others are busy too, each of the two gets a part of a processor.
      expect(own).toBeGreaterThan(15)
      expect(others).toBeGreaterThan(0.2 / os.cpus().length)
    } finally {
      outside.kill()
    }
  })

  test.each([
    [{ a: 0.02, b: 0.1 }, null],
    [{ a: 0.02, 'Long passages': 0.537 }, expect.stringMatching(/more than 10\.0 % of the machine \(Long passages: 53\.7 %\)/)],
    [{ a: 0.02, b: undefined }, expect.stringContaining('does not tell')],
  ])('%p', (loads, expected) => {
    const entries = Object.entries(loads)
    const found = evaluate(
      `const { refusal } = await from('quiet.mjs')
       console.log(JSON.stringify(refusal(Object.fromEntries(JSON.parse(process.argv[1]).map(([k, v]) => [k, v ?? undefined]))) ?? null))`,
      [JSON.stringify(entries)],
    )
    expect(found).toEqual(expected)
  })
})

describe('publishing', () => {
  const marked = (text: string) => `before\n\n<!-- bench:encode -->\n\n${text}\n\n<!-- /bench:encode -->\n\nafter\n`
  let folder: string
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentorch-bench-'))
    fs.mkdirSync(path.join(folder, 'docs'))
    for (const name of ['docs/benchmarks.md', 'README.md']) fs.writeFileSync(path.join(folder, name), marked('old'))
  })
  afterEach(() => fs.rmSync(folder, { recursive: true }))

  const publish = (load: number) =>
    evaluate(
      `const { publish } = await from('report.mjs')
       const rows = [['short', '2 texts/s', 'peer', '1 texts/s', '2.00 ×', '≥ 1 ×']]
       const why = publish('encode', { text: 'new $& text', rows, loads: { one: Number(process.argv[2]) } }, process.argv[1])
       console.log(JSON.stringify(why ?? null))`,
      [folder, String(load)],
    )
  const read = (name: string) => fs.readFileSync(path.join(folder, name), 'utf8')

  test('writes the text and a summary between their markers', () => {
    expect(publish(0.05)).toBeNull()
    expect(read('docs/benchmarks.md')).toBe(marked('new $& text'))
    expect(read('README.md')).toContain('| short | 2 texts/s | peer: 1 texts/s | 2.00 × |')
    expect(read('README.md')).toMatch(/^before[^]*after\n$/)
  })

  test('leaves the documents as they are when others used the machine', () => {
    expect(publish(0.11)).toContain('one: 11.0 %')
    for (const name of ['docs/benchmarks.md', 'README.md']) expect(read(name)).toBe(marked('old'))
  })

  test.each(['encode', 'training'])('the documents have the places of %s', (part) => {
    for (const name of ['docs/benchmarks.md', 'README.md'])
      expect(fs.readFileSync(path.join(root, name), 'utf8')).toMatch(new RegExp(`<!-- bench:${part} -->[^]*<!-- /bench:${part} -->`))
  })
})

describe('made texts', () => {
  const made = evaluate(
    `const { utterances, passages } = await from('made/utterances.mjs')
     const train = utterances(2000, 1)
     const text = ({ words }) => words.join(' ').toLowerCase()
     const test = utterances(300, 2, new Set(train.map(text)))
     const repeated = JSON.stringify(utterances(2000, 1)) === JSON.stringify(train)
     console.log(JSON.stringify({ train, test, repeated, long: passages(200, train.map(text), 3) }))`,
  )

  test('are the same every time, and no sentence of the test split is trained on', () => {
    expect(made.repeated).toBe(true)
    const seen = new Set(made.train.map(({ words }: any) => words.join(' ').toLowerCase()))
    expect(seen.size).toBe(2000)
    expect(made.test.filter(({ words }: any) => seen.has(words.join(' ').toLowerCase()))).toEqual([])
  })

  test('have one valid IOB2 tag per word, and every template is resolved', () => {
    for (const { words, tags } of [...made.train, ...made.test]) {
      expect(tags).toHaveLength(words.length)
      expect(words.join(' ')).not.toMatch(/[{}()|]|^$| {2}/)
      tags.forEach((tag: string, i: number) => {
        if (tag.startsWith('I-')) expect(['B-', 'I-'].map((prefix) => prefix + tag.slice(2))).toContain(tags[i - 1])
      })
    }
  })

  test('are as long as they are said to be', () => {
    const lengths = made.train.map(({ words }: any) => words.length)
    const mean = lengths.reduce((sum: number, length: number) => sum + length) / lengths.length
    expect(Math.min(...lengths)).toBeGreaterThanOrEqual(2)
    expect(Math.max(...lengths)).toBeLessThanOrEqual(20)
    expect(mean).toBeGreaterThan(8.5)
    expect(mean).toBeLessThan(10.5)
    const long = made.long.map((text: string) => text.split(' ').length).sort((a: number, b: number) => a - b)
    expect(long[0]).toBeGreaterThanOrEqual(40)
    expect(long.at(-1)).toBeLessThan(240)
    expect(long[100]).toBeGreaterThan(130)
    expect(long[100]).toBeLessThan(165)
  })
})

test.each([
  ['bench/run.mjs', ['--only', 'speed'], '--only takes one of encode, training.'],
  ['scripts/results/run.mjs', ['--sets', 'snips'], 'snips is read from a folder that holds the public data sets: --data DIR.'],
  ['scripts/results/run.mjs', ['--sets', 'sonnets'], 'there is no "sonnets"'],
])('%s %p is refused before anything is done', (program, args, message) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, program), ...args], { encoding: 'utf8' })
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toContain(message)
})
