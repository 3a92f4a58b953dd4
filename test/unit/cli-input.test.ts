import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { type InputFormat, inputFormat, openInput } from '../../lib/cli/input'
import { readLines } from '../../lib/base/text'
import { collect } from '../support/collect'
import { scratch } from '../support/scratch'

const folder = scratch()

function fileOf(name: string, content: string | Buffer): string {
  const file = path.join(folder, name)
  fs.writeFileSync(file, content)
  return file
}

async function textsOf(file: string, field = 'text', stdin: Readable = Readable.from([])): Promise<string[]> {
  return collect(await openInput(file, { format: inputFormat(file)!, field, stdin }))
}

const latin1 = Buffer.from([0x67, 0xfc, 0x0a])

describe('lines', () => {
  const TABLE: [string, string, string[]][] = [
    ['nothing', '', []],
    ['one line', 'a\n', ['a']],
    ['no end of the last line', 'a\nb', ['a', 'b']],
    ['empty lines are texts', '\n\na\n\n', ['', '', 'a', '']],
    ['CRLF', 'a\r\n\r\nb\r\n', ['a', '', 'b']],
    ['CR alone, as on an old Mac', 'a\r\rb\r', ['a', '', 'b']],
    ['CR alone, without the last, after a byte order mark', '\uFEFFa\rb', ['a', 'b']],
    ['one line that ends with CR', 'a\r', ['a']],
    ['CR alone stays where lines end with LF', 'a\rb\n', ['a\rb']],
    ['CR alone stays where lines end with CRLF', 'a\rb\r\nc\r\n', ['a\rb', 'c']],
    ['separators of Unicode and ASCII stay', 'a\u2028b\u2029c\u0085d\ve\ff\n', ['a\u2028b\u2029c\u0085d\ve\ff']],
    ['byte order mark', '\uFEFFa\nb', ['a', 'b']],
    ['byte order mark alone', '\uFEFF', []],
    ['byte order mark and an empty line', '\uFEFF\n', ['']],
    ['byte order mark in the middle stays', 'a\n\uFEFFb\n', ['a', '\uFEFFb']],
    ['more than ASCII', 'çé\n漢字\n😀', ['çé', '漢字', '😀']],
    ['NUL', 'a\0b\n', ['a\0b']],
  ]

  test.each(TABLE)('%s', async (_, content, expected) => {
    await expect(textsOf(fileOf('lines.txt', content))).resolves.toEqual(expected)
  })

  test.each(TABLE)('%s, byte by byte', async (_, content, expected) => {
    const bytes = Array.from(Buffer.from(content), (byte) => Buffer.of(byte))
    const lines = await collect(readLines(Readable.from(bytes), 'x'))
    expect(lines.map(({ text }) => text)).toEqual(expected)
    expect(lines.map(({ number }) => number)).toEqual(expected.map((_text, i) => i + 1))
  })

  test('lines that end with CR are given out before the whole file is read; a later LF is refused by line', async () => {
    let chunks = 0
    async function* macintosh(): AsyncGenerator<Buffer> {
      for (; chunks < 40; chunks++) yield Buffer.from(`${'x'.repeat(2 ** 16 - 1)}\r`)
      yield Buffer.from('y\rz\n')
    }
    const lines = readLines(macintosh(), 'x.txt')
    expect((await lines.next()).value).toEqual({ text: 'x'.repeat(2 ** 16 - 1), number: 1 })
    expect(chunks).toBeLessThan(20)
    await expect(collect(lines)).rejects.toThrow('x.txt:42: The lines before this one end with CR, but this one contains LF')
  })

  test('a line over the limit is refused by number, before its end is seen', async () => {
    async function* endless(): AsyncGenerator<Buffer> {
      yield Buffer.from('short\n')
      for (;;) yield Buffer.from('x'.repeat(10))
    }
    await expect(collect(readLines(endless(), 'x.txt', 100))).rejects.toThrow('x.txt:2: The line is longer than 100 bytes')
    await expect(collect(readLines(Readable.from([Buffer.from(`${'x'.repeat(100)}\n`)]), 'x.txt', 100))).resolves.toHaveLength(1)
  })
})

test.each<[string, string, string, string[]]>([
  ['JSON lines', 'a.jsonl', '{"text":"a","n":1}\n\n  \n{"text":"b\\n"}', ['a', 'b\n']],
  ['JSON lines with CRLF and a byte order mark', 'a.jsonl', '\uFEFF{"text":"a"}\r\n{"text":""}\r\n', ['a', '']],
  ['JSON', 'a.json', '["a", "", "\\ud800"]', ['a', '', '\ud800']],
  ['JSON with a byte order mark', 'a.json', '\uFEFF[]', []],
  ['empty JSON', 'a.json', '', []],
  ['empty JSON lines', 'a.jsonl', '\n', []],
  ['a name in capitals', 'A.JSON', '["x"]', ['x']],
])('%s', async (_, name, content, expected) => {
  await expect(textsOf(fileOf(name, content))).resolves.toEqual(expected)
})

test('another field', async () => {
  await expect(textsOf(fileOf('f.jsonl', '{"text":1,"body":"b"}'), 'body')).resolves.toEqual(['b'])
})

test.each<[string, string, string | Buffer, string]>([
  ['bytes that are not UTF-8', 'a.txt', Buffer.concat([Buffer.from('a\n'), latin1]), 'a.txt:2: The line is not UTF-8'],
  ['UTF-16', 'a.txt', Buffer.from('\uFEFFa\n', 'utf16le'), 'a.txt:1: The line is not UTF-8'],
  ['a line that is not JSON', 'a.jsonl', '{"text":"a"}\n{text:"b"}', 'a.jsonl:2: The line is not JSON'],
  ['a line that is no object', 'a.jsonl', '["a"]', 'a.jsonl:1: Expected an object, received an array of 1'],
  ['a line of null', 'a.jsonl', 'null', 'a.jsonl:1: Expected an object, received null'],
  [
    'a missing field',
    'a.jsonl',
    '\n{"body":"b"}',
    "a.jsonl:2: The object has no field 'text', only body. Pass the name of the field with --field",
  ],
  ['a field that is no string', 'a.jsonl', '{"text":"a"}\n{"text":null}', "a.jsonl:2: Expected a string in field 'text', received null"],
  ['an inherited field', 'a.jsonl', '{}', "no field 'text'"],
  ['JSON that is broken', 'a.json', '["a",\n\n"b"\n', 'a.json:4: The file is not JSON'],
  ['JSON with a comma too many', 'a.json', '["a",\n]', 'a.json:2: The file is not JSON'],
  ['JSON that is no array', 'a.json', '{"text":"a"}', 'a.json:1: Expected an array of strings'],
  ['JSON that is nested too deeply', 'a.json', '['.repeat(1e5) + ']'.repeat(1e5), 'a.json:1: Expected a string at index 0'],
  ['JSON that is nested too deeply, and cut', 'a.json', '['.repeat(1e5), 'a.json:1: '],
  ['JSON with a number', 'a.json', '["a",\n"b",\n3]', 'a.json:3: Expected a string at index 2, received 3'],
])('refuses %s', async (_, name, content, message) => {
  await expect(textsOf(fileOf(name, content))).rejects.toMatchObject({
    code: 'ERR_FILE',
    message: expect.stringContaining(message),
  })
})

test('refuses a folder and a file that is not there', async () => {
  fs.mkdirSync(path.join(folder, 'folder.txt'))
  await expect(textsOf(path.join(folder, 'folder.txt'))).rejects.toThrow('It is a folder')
  await expect(textsOf(path.join(folder, 'none.txt'))).rejects.toThrow('The file does not exist')
})

test('refuses a large .json file before it is read', async () => {
  const file = fileOf('large.json', '[]')
  fs.truncateSync(file, 128 * 2 ** 20 + 1)
  await expect(textsOf(file)).rejects.toMatchObject({
    code: 'ERR_FILE',
    message: expect.stringMatching(
      /^Cannot read .*large\.json\. It has 134217729 bytes\..* at most 134217728 bytes are accepted\. Convert it to a \.jsonl file/,
    ) as string,
  })
})

test.each<[string, string | undefined, InputFormat | undefined]>([
  ['a/b.txt', undefined, '.txt'],
  ['b.JsonL', undefined, '.jsonl'],
  ['-', undefined, '.txt'],
  ['-', 'body', '.jsonl'],
  ['b.csv', undefined, undefined],
  ['txt', undefined, undefined],
])('the format of %s with field %p is %p', (name, field, format) => {
  expect(inputFormat(name, field)).toBe(format)
})

test('stdin', async () => {
  await expect(textsOf('-', 'text', Readable.from([Buffer.from('a\nb')]))).resolves.toEqual(['a', 'b'])
  await expect(textsOf('-', 'text', Readable.from([latin1]))).rejects.toThrow('stdin:1')
})

test('a named pipe', async () => {
  const file = path.join(folder, 'pipe.txt')
  execFileSync('mkfifo', [file])
  const reading = textsOf(file)
  await fs.promises.writeFile(file, 'a\nb\n')
  await expect(reading).resolves.toEqual(['a', 'b'])
})

test('a long line takes time in proportion to its length', async () => {
  let looks = 0
  class Counted extends Uint8Array {
    override includes(byte: number): boolean {
      looks++
      return super.includes(byte)
    }
  }
  const chunks = Array.from({ length: 3000 }, () => new Counted(1024).fill(97))
  const lines = []
  for await (const { text } of readLines(Readable.from(chunks, { objectMode: true }), 'x')) lines.push(text.length)
  expect(lines).toEqual([3000 * 1024])
  expect(looks).toBeLessThan(4 * chunks.length)
})

test('reads no further than it is asked to', async () => {
  let given = 0
  async function* source(): AsyncGenerator<Buffer> {
    for (;;) {
      given++
      yield Buffer.from('line\n'.repeat(10))
    }
  }
  const input = await openInput('-', {
    format: '.txt',
    field: 'text',
    stdin: Readable.from(source(), { objectMode: false, highWaterMark: 1 }),
  })
  let count = 0
  for await (const text of input) {
    expect(text).toBe('line')
    if (++count === 25) break
  }
  expect(given).toBeLessThan(10)
})

test('counts the bytes of what it gave', async () => {
  const input = await openInput(fileOf('count.txt', 'a\n'.repeat(100_000)), { format: '.txt', field: 'text', stdin: Readable.from([]) })
  const seen: number[] = [input.bytesRead]
  for await (const text of input) if (text === 'a') seen.push(input.bytesRead)
  expect(seen).toHaveLength(100_001)
  expect(seen).toEqual([...seen].sort((a, b) => a - b))
  expect([seen[0], seen[1]! < 200_000, seen.at(-1), input.bytesTotal]).toEqual([0, true, 200_000, 200_000])
})

test('an abort ends the wait for a silent stdin', async () => {
  const controller = new AbortController()
  const input = await openInput('-', { format: '.txt', field: 'text', stdin: new PassThrough(), signal: controller.signal })
  const reading = collect(input)
  setImmediate(() => controller.abort())
  await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
})
