import fs from 'node:fs'
import path from 'node:path'
import { type JointBertOptions, readJointBert } from '../../lib'
import { collect } from '../support/collect'
import { expectBroken } from '../support/readers'
import { folderOf } from '../support/scratch'

const FILES = {
  'seq.in': 'add it  to my playlist \nplay  \u00a0\tnow  \n',
  'seq.out': 'O B-item O O O\nO B-odd O  \n',
  label: 'AddToPlaylist\nPlay Music \n',
}
const read = (files: Record<string, string>, options?: JointBertOptions) => collect(readJointBert(folderOf(files), options))

const EXAMPLES = [
  {
    text: 'add it to my playlist',
    words: ['add', 'it', 'to', 'my', 'playlist'],
    labels: { slots: ['O', 'B-item', 'O', 'O', 'O'], intent: 'AddToPlaylist' },
  },
  { text: 'play \u00a0 now', words: ['play', '\u00a0', 'now'], labels: { slots: ['O', 'B-odd', 'O'], intent: 'Play Music' } },
]

test('words and tags are split at runs of white space, also at the end of lines', async () => {
  expect(await read(FILES)).toEqual(EXAMPLES)
})

test('a no-break space is a letter, in words, tags and at the ends of labels', async () => {
  expect(await read({ 'seq.in': '\u00a0 a\u00a0b\n', 'seq.out': 'O \u00a0B-x\n', label: ' \tx\u00a0 \n' })).toEqual([
    { text: '\u00a0 a\u00a0b', words: ['\u00a0', 'a\u00a0b'], labels: { slots: ['O', '\u00a0B-x'], intent: 'x\u00a0' } },
  ])
})

test('lines that are blank in all files are skipped', async () => {
  const blank = Object.fromEntries(Object.entries(FILES).map(([name, text]) => [name, text.replace('\n', '\n \n') + '\n']))
  expect(await read(blank)).toEqual(EXAMPLES)
})

test('heads may be named, or left out with their file', async () => {
  const { label: _label, ...untitled } = FILES
  expect((await read(untitled, { heads: { sentence: false, tokens: 'ner' } }))[0]!.labels).toEqual({ ner: EXAMPLES[0]!.labels.slots })
  expect((await read({ 'seq.in': FILES['seq.in'], label: FILES.label }, { heads: { tokens: false } }))[1]!.labels).toEqual({
    intent: 'Play Music',
  })
})

test.each([
  ['more tags than words', { 'seq.out': 'O O O O O\nO O O O\n' }, 'seq.out:2', /has 4 tags, but that of .*seq\.in has 3 words/],
  ['fewer tags than words', { 'seq.out': 'O O O O\nO O O\n' }, 'seq.out:1', /has 4 tags, but .* has 5 words/],
  ['a file that ends early', { label: 'AddToPlaylist\n' }, 'label:2', /has ended, but .*seq\.in has text/],
  ['a file that is longer', { label: `${FILES.label}Other\n` }, 'seq.in:3', /has ended, but .*label has text/],
  ['a blank line in one file', { 'seq.out': ' \nO O O\n' }, 'seq.out:1', /blank, but .*seq\.in has text/],
])('%s: refused with file and line', async (_, files, place, message) => {
  await expectBroken(read({ ...FILES, ...files }), place, message)
})

test('a loop that stops early, or at a refusal, closes all files', async () => {
  const opened: fs.ReadStream[] = []
  const original = fs.createReadStream
  jest.spyOn(fs, 'createReadStream').mockImplementation((...args) => {
    const stream = original(...args)
    opened.push(stream)
    return stream
  })
  try {
    const many = (text: string) => text.repeat(100_000)
    const folder = folderOf({ 'seq.in': many('a b\n'), 'seq.out': `O O\n${many('O\n')}`, label: many('x\n') })
    for await (const { text } of readJointBert(folder)) {
      expect(text).toBe('a b')
      break
    }
    await expectBroken(collect(readJointBert(folder)), 'seq.out:2', /has 1 tags, but .* has 2 words/)
    expect(opened).toHaveLength(6)
    for (const stream of opened) if (!stream.closed) await new Promise<void>((resolve) => stream.once('close', () => resolve()))
    expect(opened.every(({ bytesRead }) => bytesRead < 2 ** 18)).toBe(true)
  } finally {
    jest.restoreAllMocks()
  }
})

test('a missing file is refused by name, and so is a missing folder', async () => {
  const { 'seq.out': _out, ...files } = FILES
  await expectBroken(read(files), 'seq.out', /does not exist/)
  await expectBroken(collect(readJointBert(path.join(folderOf({}), 'none'))), path.join('none', 'seq.in'), /does not exist/)
})
