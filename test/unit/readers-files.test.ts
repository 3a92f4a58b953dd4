import fs, { createReadStream, type PathLike } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import type { Example } from '../../lib/data/example'
import { readConll, readCsv, readJointBert, readJson, readJsonl, readParquet, readRasa } from '../../lib'
import { resolveJsonFile } from '../../lib/data/readers/options'
import { resolveParquet } from '../../lib/data/readers/parquet'
import { resolveRasa } from '../../lib/data/readers/rasa'
import { collect } from '../support/collect'
import { expectBroken, readText } from '../support/readers'
import { folderOf, scratch } from '../support/scratch'

/** The same sentence in every form. */
const LINES = {
  jsonl: ['{"text":"Zoë calls","labels":{"slots":[]}}', '{"text":"ok","labels":{}}'],
  csv: ['text,label', 'Zoë calls,a', 'ok,b'],
  conll: ['Zoë\tB-who', 'calls\tO', '', 'ok\tO'],
  json: ['{"rasa_nlu_data":{"common_examples":[', '{"text":"Zoë calls"},', '{"text":"ok"}]}}'],
  yml: ['nlu:', '- intent: a', '  examples: |', '    - Zoë calls', '    - ok'],
}
const FORMATS: [keyof typeof LINES, (file: string) => AsyncIterable<Example>][] = [
  ['jsonl', (file) => readJsonl(file)],
  ['csv', (file) => readCsv(file, { labels: { intent: 'label' } })],
  ['conll', (file) => readConll(file)],
  ['json', (file) => readRasa(file)],
  ['yml', (file) => readRasa(file)],
]

describe.each(FORMATS)('%s', (extension, read) => {
  const name = `a.${extension}`
  const texts = async (content: string | Buffer) => (await readText(read, name, content)).map(({ text }) => text)
  const lines = LINES[extension]

  test('a byte order mark, CRLF and a missing last line end are all the same', async () => {
    const expected = await texts(lines.join('\n'))
    expect(expected).toEqual(['Zoë calls', 'ok'])
    for (const content of [lines.join('\r\n'), `\uFEFF${lines.join('\n')}\n`, `\uFEFF${lines.join('\r\n')}\r\n`]) {
      expect(await texts(content)).toEqual(expected)
    }
  })

  test('lines may end with CR alone, as on an old Mac', async () => {
    expect(await texts(lines.join('\r'))).toEqual(['Zoë calls', 'ok'])
    expect(await texts(`\uFEFF${lines.join('\r')}\r`)).toEqual(['Zoë calls', 'ok'])
  })

  test('bytes that are not UTF-8 are refused with their line', async () => {
    const line = lines.findIndex((text) => text.includes('ë')) + 1
    await expectBroken(texts(Buffer.from(lines.join('\n'), 'latin1')), `${name}:${line}`, /not UTF-8/)
  })

  test('a missing file and a folder are refused by name', async () => {
    const folder = folderOf({ [`${name}/x`]: '' })
    await expectBroken(collect(read(path.join(folder, `b.${extension}`))), `b.${extension}`, /does not exist/)
    await expectBroken(collect(read(path.join(folder, name))), name, /a folder/)
  })
})

describe('line ends of other kinds do not make one line of many, silently', () => {
  const OTHERS = ['\v', '\f', '\x1c', '\x1d', '\x1e', '\x85', '\u2028', '\u2029']
  const ROWS: [keyof typeof LINES, string][] = [
    ['csv', 'text,label|Zoë calls,a|ok,b|'],
    ['conll', 'Zoë\tO|calls\tO|'],
    ['conll', 'Zoë O|calls O|'],
  ]

  test.each(OTHERS)('%j is refused by name where a whole file is one line, and is a letter elsewhere', async (end) => {
    const name = `U\\+${end.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
    for (const [extension, content] of ROWS) {
      const [, read] = FORMATS.find(([each]) => each === extension)!
      const rows = content.replaceAll('|', end)
      await expectBroken(readText(read, `a.${extension}`, rows), `a.${extension}:1`, new RegExp(`a single line that contains ${name}`))
      await expectBroken(readText(read, `a.${extension}`, `${rows}\n`), `a.${extension}:1`, /End lines with LF, CRLF or CR/)
    }
    const label = `x${end}y`
    expect(await readText((file) => readCsv(file, { labels: { x: 'b' } }), 'a.csv', `text,b\na${end},${label}\n`)).toEqual([
      { text: `a${end}`, labels: { x: label } },
    ])
    expect(await readText((file) => readConll(file), 'a.conll', `a\tO\n${end}\t${label}\n`)).toMatchObject([{ words: ['a', end] }])
    expect(await readText((file) => readJsonl(file), 'a.jsonl', `{"text":"a"}\n{"text":${JSON.stringify(label)}}\n`)).toMatchObject([
      { text: 'a' },
      { text: label },
    ])
    const yaml = `nlu:\n- intent: x\n  examples: |\n    - a\u2028b\n`
    expect(await readText((file) => readRasa(file), 'a.yml', yaml)).toMatchObject([{ text: 'a\u2028b' }])
  })

  test('JSON lines keep separators raw in their strings, also in a file of one line', async () => {
    expect(await readText((file) => readJsonl(file), 'a.jsonl', '{"text":"a\u2028b\x85c"}')).toEqual([
      { text: 'a\u2028b\x85c', labels: {} },
    ])
  })

  test('folders of JointBERT', async () => {
    const files = { 'seq.in': 'a b\u2028c\n', 'seq.out': 'O O\u2028O\n', label: 'x\u2028y\n' }
    await expectBroken(collect(readJointBert(folderOf(files))), 'seq.in:1', /U\+2028/)
    const macintosh = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, text.replaceAll(/[\n\u2028]/g, '\r')]))
    expect((await collect(readJointBert(folderOf(macintosh)))).map(({ words }) => words)).toEqual([['a', 'b'], ['c']])
  })

  test.each([
    ['conll', 'a\tO\rb\tO\n'],
    ['conll', 'x\tO\n\na O\rb O\n'],
  ] as const)('%s: a CR inside of a line is refused', async (extension, content) => {
    const [, read] = FORMATS.find(([each]) => each === extension)!
    await expectBroken(readText(read, 'a', content), `a:${content.split('\n').length - 1}`, /contains a CR, but lines end with LF/)
  })

  test('CSV: a CR among the names of columns is refused, one inside quotes is kept', async () => {
    const read = (content: string) => readText((file) => readCsv(file, { labels: { x: 'label' } }), 'a.csv', content)
    await expectBroken(read('text,label\rone,pos\n'), 'a.csv:1', /The first record contains a CR/)
    expect(await read('text,label\n"a\rb",x\n')).toEqual([{ text: 'a\rb', labels: { x: 'x' } }])
  })
})

test('several files are read one after another, and again by each loop', async () => {
  const folder = folderOf({ 'a.jsonl': '{"text":"a"}\n', 'b.jsonl': '{"text":"b"}\n{"text":"c"}\n' })
  const examples = readJsonl([path.join(folder, 'b.jsonl'), path.join(folder, 'a.jsonl')])
  for (let i = 0; i < 2; i++) expect((await collect(examples)).map(({ text }) => text)).toEqual(['b', 'c', 'a'])
})

test.each([[[]], [''], [[3]], [undefined]])('paths %j are refused at once', (paths) => {
  for (const read of [readJsonl, readJson, readConll, readJointBert, readRasa]) {
    expect(() => (read as (paths: unknown) => unknown)(paths)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  }
  for (const read of [readCsv, readParquet]) {
    expect(() => (read as (...args: unknown[]) => unknown)(paths, { labels: {} })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
    )
  }
})

describe('a large file', () => {
  const COUNT = 30_000
  const LONG = 'x'.repeat(200)
  const ROWS = {
    jsonl: (i: number) => `{"text":"sentence ${i} ${LONG}","labels":{"intent":"a"}}\n`,
    csv: (i: number) => `${i === 0 ? 'text,label\n' : ''}"sentence\n${i} ${LONG}",a\n`,
    conll: (i: number) => `sentence\tO\n${i}\tB-x\n${LONG}\tO\n${i % 2 ? '\t' : ''}\n`,
  }

  async function write(extension: keyof typeof ROWS): Promise<string> {
    const file = path.join(scratch(), `large.${extension}`)
    const handle = await open(file, 'w')
    for (let i = 0; i < COUNT; i += 10_000) await handle.write(Array.from({ length: 10_000 }, (_, k) => ROWS[extension](i + k)).join(''))
    await handle.close()
    return file
  }

  test.each(FORMATS.filter(([extension]) => extension in ROWS))(
    '%s: every record, and never more of the file than a few chunks ahead',
    async (extension, read) => {
      const file = await write(extension as keyof typeof ROWS)
      const { size } = fs.statSync(file)
      let opened: ReturnType<typeof createReadStream> | undefined
      jest.spyOn(fs, 'createReadStream').mockImplementation((...args: unknown[]) => (opened = original(...(args as [PathLike]))))
      let count = 0
      let furthest = 0
      for await (const { text } of read(file)) {
        if (count % 1000 === 0) expect(text.replace('\n', ' ')).toBe(`sentence ${count} ${LONG}`)
        // Records are about equally long: what was read beyond their share is what waits in memory.
        furthest = Math.max(furthest, opened!.bytesRead - (size * count) / COUNT)
        count++
      }
      expect(count).toBe(COUNT)
      expect(opened!.bytesRead).toBe(size)
      expect(furthest).toBeLessThan(2 ** 20)
    },
  )

  const original = createReadStream
  afterEach(() => jest.restoreAllMocks())

  test.each(FORMATS.filter(([extension]) => extension in ROWS))('%s: a loop that stops early closes the file', async (extension, read) => {
    const file = await write(extension as keyof typeof ROWS)
    let opened: ReturnType<typeof createReadStream> | undefined
    jest.spyOn(fs, 'createReadStream').mockImplementation((...args: unknown[]) => (opened = original(...(args as [PathLike]))))
    for await (const { text } of read(file)) {
      expect(text).toBeTruthy()
      break
    }
    if (!opened!.closed) await new Promise((resolve) => opened!.once('close', () => resolve(undefined)))
    expect(opened!.bytesRead).toBeLessThan(2 ** 20)
  })
})

test('how much is read whole, as docs/data.md says', () => {
  const MIB = 2 ** 20
  expect(resolveJsonFile({}).maxBytes).toBe(128 * MIB)
  expect(resolveRasa({}).maxBytes).toEqual({ json: 128 * MIB, yaml: 16 * MIB })
  expect(resolveParquet({ text: 'text', labels: {} }).maxBytes).toBe(256 * MIB)
})
