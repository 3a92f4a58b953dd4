import fs, { createReadStream, type PathLike } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import type { Example } from '../../lib/data/example'
import { readConll, readCsv, readJointBert, readJson, readJsonl, readParquet, readRasa } from '../../lib/data/readers'
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

  test('bytes that are not UTF-8 are refused with their line', async () => {
    const line = lines.findIndex((text) => text.includes('ë')) + 1
    await expectBroken(texts(Buffer.from(lines.join('\n'), 'latin1')), `${name}:${line}`, /not UTF-8/)
  })

  test('a missing file and a folder are refused by name', async () => {
    const folder = folderOf({ [`${name}/x`]: '' })
    await expectBroken(collect(read(path.join(folder, `b.${extension}`))), `b.${extension}`, /no such file/)
    await expectBroken(collect(read(path.join(folder, name))), name, /a folder/)
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
