import path from 'node:path'
import { readParquet } from '../../lib'
import { collect } from '../support/collect'
import { folderOf } from '../support/scratch'

const fixture = (name: string) => path.join(__dirname, '..', 'fixtures', 'data', name)

const MAPPING = {
  text: 'utterance',
  labels: { intent: 'intent', urgent: 'urgent', topics: 'topics', slots: 'entities' },
}

test.each(['none', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4'])('columns become labels, with nulls left out (%s)', async (codec) => {
  expect(await collect(readParquet(fixture(`rows-${codec}.parquet`), MAPPING))).toEqual([
    {
      text: 'fly to Oslo',
      labels: { intent: 'flight', urgent: true, topics: ['travel', 'air'], slots: [{ start: 7, end: 11, label: 'city' }] },
    },
    { text: '😀 play Björk', labels: { intent: 'music', urgent: false, topics: [], slots: [{ start: 8, end: 13, label: 'artist' }] } },
    { text: 'ok', labels: { slots: [] } },
  ])
})

test('numbers are labels by the names that the datasets library wrote, and words are kept as they are', async () => {
  const examples = await collect(
    readParquet(fixture('class-labels.parquet'), { words: 'tokens', labels: { slots: 'ner_tags', yes: 'label' } }),
  )
  expect(examples).toEqual([
    { text: 'New York calls', words: ['New', 'York', 'calls'], labels: { slots: ['B-LOC', 'I-LOC', 'O'], yes: 'yes' } },
    { text: '\u200d hello', words: ['\u200d', 'hello'], labels: { slots: ['O', 'O'], yes: 'no' } },
  ])
})

test.each(['sequence', 'list', 'large-list', 'oldest'])(
  'the names of a list are found as each version of the library writes them (%s)',
  async (notation) => {
    const examples = await collect(
      readParquet(fixture(`class-labels-${notation}.parquet`), { words: 'tokens', labels: { slots: 'ner_tags' } }),
    )
    expect(examples.map(({ labels }) => labels.slots)).toEqual([
      ['B-LOC', 'I-LOC', 'O'],
      ['O', 'O'],
    ])
  },
)

test('−1 is no label: test splits have it in every row', async () => {
  const examples = await collect(readParquet(fixture('class-labels-hidden.parquet'), { labels: { yes: 'label', slots: 'tags' } }))
  expect(examples).toEqual([
    { text: 'a', labels: {} },
    { text: 'b', labels: { yes: 'yes', slots: ['O', 'B-LOC'] } },
    { text: 'c', labels: { slots: [] } },
  ])
})

test('a row group is read whole, so its columns that are read are bounded', async () => {
  const read = (maxBytes: number, labels: Record<string, string>) =>
    collect(readParquet(fixture('class-labels-list.parquet'), { words: 'tokens', labels, maxBytes }))
  await expect(read(200, { slots: 'ner_tags' })).rejects.toMatchObject({
    code: 'ERR_DATA',
    message: expect.stringMatching(
      /class-labels-list\.parquet, row group 0: The selected columns have \d{3} uncompressed bytes; the limit is 200 \(maxBytes\).*row_group_size/,
    ),
  })
  expect(await read(200, {})).toHaveLength(2)
  expect(() => readParquet('/nowhere', { labels: {}, maxBytes: 0 })).toThrow(/an integer of at least 1 for maxBytes/)
})

test('names can be given, and take precedence over those of the file', async () => {
  const labels = { slots: { column: 'ner_tags', names: ['out', 'one', 'two'] } }
  for (const name of ['numbers.parquet', 'class-labels.parquet']) {
    const examples = await collect(readParquet(fixture(name), { words: 'tokens', labels }))
    expect(examples[0]!.labels).toEqual({ slots: ['one', 'two', 'out'] })
  }
})

test.each([
  ['numbers without names', 'numbers.parquet', { words: 'tokens', labels: { slots: 'ner_tags' } }, /row 0: .*'ner_tags'\[0\].*names/],
  [
    'a number beyond the names',
    'numbers.parquet',
    { words: 'tokens', labels: { yes: { column: 'label', names: ['no'] } } },
    /row 0: .*0\.\.0 in 'label'/,
  ],
  ['a missing column', 'rows-none.parquet', { text: 'text', labels: {} }, /The column 'text' does not exist, only utterance, intent/],
  [
    'a text that is null',
    'rows-none.parquet',
    { text: 'intent', labels: {} },
    /row 2: Expected a string in 'intent', received (undefined|null)/,
  ],
  [
    'offsets outside of the text',
    'rows-none.parquet',
    { text: 'intent', labels: { slots: 'entities' } },
    /row 0: The entity 'city' \(7–11\)/,
  ],
  ['bytes that are not UTF-8', 'not-utf8.parquet', { labels: {} }, /rows 0–0: A text is not valid UTF-8/],
])('%s: refused with file and row', async (_, name, options, message) => {
  await expect(collect(readParquet(fixture(name), options))).rejects.toMatchObject({
    code: 'ERR_DATA',
    message: expect.stringMatching(new RegExp(`${name}.*(${message.source})`)),
  })
})

test('a file that is no Parquet, an empty one, or none at all is refused by name', async () => {
  const folder = folderOf({ 'text.parquet': 'text,label\nhello,greet\n', 'empty.parquet': '' })
  for (const name of ['text.parquet', 'empty.parquet']) {
    await expect(collect(readParquet(path.join(folder, name), { labels: {} }))).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringContaining(`${name}: It cannot be read as Parquet`),
    })
  }
  await expect(collect(readParquet(path.join(folder, 'none.parquet'), { labels: {} }))).rejects.toMatchObject({
    code: 'ERR_DATA',
    message: expect.stringContaining('none.parquet: The file does not exist.'),
  })
})
