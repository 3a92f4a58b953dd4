import { type JsonFileOptions, readJson } from '../../lib'
import { expectBroken, readText } from '../support/readers'

const read = (value: unknown, options?: JsonFileOptions) => readText(readJson, 'a.json', JSON.stringify(value, undefined, 1), options)

test('a list of records in any form that JSON lines may have', async () => {
  expect(
    await read([
      { text: 'a', labels: { x: 'y' } },
      { text: 'b', label: ['c'] },
      { text: 'no', answer: 'reject' },
    ]),
  ).toEqual([
    { text: 'a', labels: { x: 'y' } },
    { text: 'b', labels: { intent: 'c' } },
  ])
  expect(await read([{ s: 'a', l: 'b' }], { text: 's', labels: { intent: 'l' } })).toEqual([{ text: 'a', labels: { intent: 'b' } }])
})

const CLINC = { train: [['set an alarm', 'alarm']], test: [['hi', 'greeting']], oos_test: [['who won', 'oos']] }

test('lists of [text, label] by split, in the order asked for', async () => {
  expect(await read(CLINC, { split: ['oos_test', 'test'] })).toEqual([
    { text: 'who won', labels: { intent: 'oos' } },
    { text: 'hi', labels: { intent: 'greeting' } },
  ])
  expect(await read(CLINC, { split: 'train', heads: { sentence: 'act' } })).toEqual([{ text: 'set an alarm', labels: { act: 'alarm' } }])
  expect(await read(CLINC, { split: 'train', heads: { sentence: false } })).toEqual([{ text: 'set an alarm', labels: {} }])
  expect(await read([['x', 'y', 'z']], { text: 2, labels: { a: 0, b: -2 } })).toEqual([{ text: 'z', labels: { a: 'x', b: 'y' } }])
})

test.each([
  ['splits that were not chosen', CLINC, {}, 'a.json:1', /option split: train, test, oos_test/],
  ['a split that is not there', CLINC, { split: 'val' }, 'a.json:1', /The split 'val' does not exist, only train, test, oos_test/],
  ['a list where splits were asked for', [], { split: 'val' }, 'a.json:1', /object of splits, received an array/],
  ['a split that is no list', { train: [], val: {} }, { split: 'val' }, 'a.json:3', /list of records in 'val'/],
  [
    'a record without text',
    [
      ['a', 'b'],
      [3, 'c'],
    ],
    {},
    'a.json:6',
    /a string in column 0, received 3/,
  ],
  ['a record of no kind', { val: [['a', 'b'], 'c'] }, { split: 'val' }, 'a.json:7', /an object, received "c"/],
])('%s: refused with file and line', async (_, value, options, place, message) => {
  await expectBroken(read(value, options), place, message)
})

test('JSON that is broken is refused with its line', async () => {
  await expectBroken(readText(readJson, 'a.json', '[\n["a", "b"],\n["c" "d"]\n]'), 'a.json:3', /not JSON/)
  await expectBroken(readText(readJson, 'a.json', ''), 'a.json:1', /not JSON/)
})

test.each([
  ['whole', '['.repeat(1e5) + ']'.repeat(1e5), 'a.json:1', /Expected a string/],
  ['cut', '['.repeat(1e5), 'a.json', /is not JSON/],
])('JSON that is nested too deeply is refused: %s', async (_, text, place, reason) => {
  await expectBroken(readText(readJson, 'a.json', text), place, reason)
})

test.each([[{ split: [] }], [{ split: 3 }], [{ split: [3] }], [{ splits: 'a' }]])('%j: the options are refused', (options) => {
  expect(() => readJson('/nowhere', options as any)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
})

test('bytes that are not UTF-8 are refused with their line, whatever is on the lines before', async () => {
  await expectBroken(readText(readJson, 'a.json', Buffer.from('\n\n["\xff"]', 'latin1')), 'a.json:3', /not UTF-8/)
})

test('the file is in memory as a whole, so its size is bounded', async () => {
  const text = JSON.stringify([{ text: 'a', labels: {} }])
  expect(await readText(readJson, 'a.json', text, { maxBytes: text.length })).toHaveLength(1)
  await expectBroken(
    readText(readJson, 'a.json', text, { maxBytes: text.length - 1 }),
    'a.json',
    new RegExp(`has ${text.length} bytes; the limit is ${text.length - 1} \\(maxBytes\\).*readJsonl`),
  )
  expect(() => readJson('/nowhere', { maxBytes: 0.5 })).toThrow(/an integer of at least 1 for maxBytes/)
})

test('a refusal deep in a file finds its line without a tree, whatever the line ends', async () => {
  const records = [{ text: 'a', labels: { x: ['y', { start: 1 }] } }, [], { text: 'c' }, 'no']
  for (const end of ['\n', '\r\n', '\r']) {
    const content = JSON.stringify(records.slice(2), undefined, 1).replaceAll('\n', end)
    await expectBroken(readText(readJson, 'a.json', content), 'a.json:5', /received "no"/)
  }
  await expectBroken(read([['a', 'b'], records[0]]), 'a.json:6', /an entity in labels\.x\[0\]/)
  await expectBroken(read({ a: [['x', 'y']], b: records }, { split: ['a', 'b'] }), 'a.json:9', /an entity in labels\.x\[0\]/)
})
