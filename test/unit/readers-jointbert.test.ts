import path from 'node:path'
import { type JointBertOptions, readJointBert } from '../../lib/data/readers'
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
  ['more tags than words', { 'seq.out': 'O O O O O\nO O O O\n' }, 'seq.out:2', /4 tags for the 3 words in .*seq\.in/],
  ['fewer tags than words', { 'seq.out': 'O O O O\nO O O\n' }, 'seq.out:1', /4 tags for the 5 words/],
  ['a file that ends early', { label: 'AddToPlaylist\n' }, 'label:2', /has ended, but .*seq\.in has something/],
  ['a file that is longer', { label: `${FILES.label}Other\n` }, 'seq.in:3', /has ended, but .*label has something/],
  ['a blank line in one file', { 'seq.out': ' \nO O O\n' }, 'seq.out:1', /blank, but .*seq\.in has something/],
])('%s: refused with file and line', async (_, files, place, message) => {
  await expectBroken(read({ ...FILES, ...files }), place, message)
})

test('a missing file is refused by name, and so is a missing folder', async () => {
  const { 'seq.out': _out, ...files } = FILES
  await expectBroken(read(files), 'seq.out', /no such file/)
  await expectBroken(collect(readJointBert(path.join(folderOf({}), 'none'))), path.join('none', 'seq.in'), /no such file/)
})
