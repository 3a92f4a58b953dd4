import { type CsvOptions, readCsv } from '../../lib'
import { expectBroken, readText } from '../support/readers'

const read = (content: string, options: CsvOptions, name = 'a.csv') =>
  readText<CsvOptions>((path, given) => readCsv(path, given!), name, content, options)

test('columns by name, lists by their separator, empty cells as missing labels', async () => {
  const content = 'id,review,stars,topics\n1,"good, ""really""",5,food|service\n\n2,bad,,\n3,"two\nlines",1, food | \n'
  const options = { text: 'review', labels: { stars: 'stars', topics: { column: 'topics', separator: '|' } } }
  expect(await read(content, options)).toEqual([
    { text: 'good, "really"', labels: { stars: '5', topics: ['food', 'service'] } },
    { text: 'bad', labels: { topics: [] } },
    { text: 'two\nlines', labels: { stars: '1', topics: ['food'] } },
  ])
})

test('TSV by the name of the file: tabs, and quotes that are letters', async () => {
  expect(await read('text\tlabel\n"oh, he said\tx\n', { labels: { intent: 'label' } }, 'a.tsv')).toEqual([
    { text: '"oh, he said', labels: { intent: 'x' } },
  ])
  expect(await read('text\tlabel\n"a\tb"\tx\n', { labels: { intent: 'label' }, delimiter: '\t', quote: '"' })).toEqual([
    { text: 'a\tb', labels: { intent: 'x' } },
  ])
})

test('columns by place, without a header and from the end', async () => {
  expect(await read("x;a;'b;c'\n", { header: false, delimiter: ';', quote: "'", text: -1, labels: { intent: 0 } })).toEqual([
    { text: 'b;c', labels: { intent: 'x' } },
  ])
  expect(await read('a,x\n', { header: false, labels: { intent: 1 } })).toEqual([{ text: 'a', labels: { intent: 'x' } }])
  expect(await read('text,text\na,x\n', { text: 0, labels: { intent: 1 } })).toEqual([{ text: 'a', labels: { intent: 'x' } }])
})

test('words and their tags, split at spaces; a no-break space is a word', async () => {
  const words = { column: 'w', separator: ' ' }
  expect(await read('w,t\nNew York \u00a0  now,B-c I-c O O\n', { words, labels: { slots: { column: 't', separator: ' ' } } })).toEqual([
    { text: 'New York \u00a0 now', words: ['New', 'York', '\u00a0', 'now'], labels: { slots: ['B-c', 'I-c', 'O', 'O'] } },
  ])
})

test('whole numbers in cells are labels by their place in names; −1 is none, and a label of that name comes first', async () => {
  const names = ['no', 'yes', '7']
  const labels = { x: { column: 'x', names }, t: { column: 't', separator: ' ', names } }
  expect(await read('text,x,t\na,1,0 2\nb,-1,\nc,7,yes 0\nd,,-1 -1\ne,maybe,7\n', { labels })).toEqual([
    { text: 'a', labels: { x: 'yes', t: ['no', '7'] } },
    { text: 'b', labels: { t: [] } },
    { text: 'c', labels: { x: '7', t: ['yes', 'no'] } },
    { text: 'd', labels: {} },
    { text: 'e', labels: { x: 'maybe', t: ['7'] } },
  ])
  await expectBroken(read('text,x,t\na,3,\n', { labels }), 'a.csv:2', /0\.\.2 in 'x', received 3/)
  await expectBroken(read('text,x,t\na,1,0 0\n', { labels }), 'a.csv:2', /zeros and ones/)
  expect(await read('text,x\na,1\n', { labels: { x: 'x' } })).toEqual([{ text: 'a', labels: { x: '1' } }])
})

test('an empty file and a header alone have no examples', async () => {
  expect(await read('', { labels: {} })).toEqual([])
  expect(await read('text\n', { labels: {} })).toEqual([])
})

const LABELS = { labels: { intent: 'label' } }
test.each([
  ['a missing column', 'text,class\na,b\n', LABELS, 'a.csv:1', /'label' is not one of the 2 columns: text, class/],
  ['a column beyond the last', 'a,b\n', { header: false, labels: { x: 2 } }, 'a.csv:1', /column 2 is not one of the 2 columns/],
  ['two columns of the name', 'text,label,label\na,b,c\n', LABELS, 'a.csv:1', /Two columns are named 'label'/],
  ['a record of another length', 'text,label\n"a\nb",x\n\nc,y,z\n', LABELS, 'a.csv:5', /expect 2, got 3/],
  ['a quote inside a cell', 'text,label\na"b,x\n', LABELS, 'a.csv:2', /a quote is found/],
  ['a quote that is not closed', 'text,label\na,x\n"b,y\nc,z\n', LABELS, 'a.csv:4', /Quote Not Closed/],
  ['words in one string', 'w\na b\n', { words: 'w', labels: {} }, 'a.csv:2', /The words in 'w' are a single string/],
])('%s: refused with file and line', async (_, content, options, place, message) => {
  await expectBroken(read(content, options), place, message)
})

test('a CR inside of quotes is no line of the file', async () => {
  const content = 'text,label\n"a\r\rb",x\n"c\rd\n\re",\n,y\n'
  await expectBroken(read(`${content}c,y,z\n`, LABELS), 'a.csv:6', /Invalid Record Length: expect 2, got 3\.$/)
  await expectBroken(read(`${content}"f\r",y,z\n`, LABELS), 'a.csv:6', /got 3/)
  await expectBroken(
    read(content, { text: 'text', labels: { x: { column: 'label', names: ['a'] }, y: { column: 'text', json: true } } }),
    'a.csv:2',
    /not JSON/,
  )
  await expectBroken(
    read(`${content}g,1\n`, { labels: { x: { column: 'label', names: ['a'] } } }),
    'a.csv:6',
    /0\.\.0 in 'label', received 1/,
  )
})

test('a record that swallows the file is refused before it fills the memory', async () => {
  const line = `${'x'.repeat(2 ** 10 - 1)}\n`
  // The quote of line 2 takes in 1 MiB, which ends on line 1026.
  const content = `text,label\n"${line.repeat(2000)}`
  await expectBroken(read(content, LABELS), 'a.csv:1026', /Max Record Size/i)
})

test.each([
  [{}, /labels/],
  [{ labels: [] }, /head → column/],
  [{ labels: { x: null } }, /labels.x/],
  [{ labels: { x: { column: 'a', seperator: ',' } } }, /Unknown option 'seperator' for labels.x.*'separator'/],
  [{ labels: { x: { column: 'a', separator: '' } } }, /labels.x.separator/],
  [{ labels: { x: 'a' }, header: false }, /header: false/],
  [{ labels: {}, delimiter: ';;' }, /one character/],
])('%j: the options are refused before any file is opened', (options, message) => {
  expect(() => readCsv('/nowhere', options as any)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringMatching(message) }),
  )
})
