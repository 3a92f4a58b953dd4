import { type ConllOptions, readConll } from '../../lib'
import { expectBroken, readText } from '../support/readers'

const read = (content: string, options?: ConllOptions) => readText(readConll, 'a.conll', content, options)
const wordsOf = async (content: string, options?: ConllOptions) => (await read(content, options)).map(({ words }) => words)

test('four columns with two token heads, -DOCSTART- lines left out', async () => {
  const content = '-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\n-DOCSTART- -X- -X- O\nPeter NNP B-NP B-PER\n'
  expect(await read(content, { labels: { pos: 1, ner: -1 } })).toEqual([
    { text: 'EU rejects', words: ['EU', 'rejects'], labels: { pos: ['NNP', 'VBZ'], ner: ['B-ORG', 'O'] } },
    { text: 'Peter', words: ['Peter'], labels: { pos: ['NNP'], ner: ['B-PER'] } },
  ])
})

test('the word may stand in any column; by default the last column feeds slots', async () => {
  expect(await read('O\tx\ta\nB-p\ty\tb\n', { word: 2, labels: { slots: 0 } })).toEqual([
    { text: 'a b', words: ['a', 'b'], labels: { slots: ['O', 'B-p'] } },
  ])
  expect(await read('a\tx\tO\n')).toEqual([{ text: 'a', words: ['a'], labels: { slots: ['O'] } }])
})

test('sentences end with empty lines and with lines of a lone tab or of spaces, any number of them', async () => {
  const content = '\n\t\na\tO\n\nb\tO\n\t\nc\tO\n   \n \t \nd\tO'
  expect(await wordsOf(content)).toEqual([['a'], ['b'], ['c'], ['d']])
})

// A variation selector, a joiner, a control character, a no-break and an ideographic space, a byte order mark, U+2028, a decomposed é.
const ODD = ['\ufe0f', '\u200d', '\u0007', '\u00a0', '\u3000', '\ufeff', '\u2028', 'e\u0301', '😀', 'a\u00a0b', '\u0085']

test.each(['\t', ' '])('odd words are kept as they stand (separator %j)', async (separator) => {
  const content = ['a', ...ODD].map((word) => `${word}${separator}O\n`).join('')
  expect(await read(content)).toEqual([
    { text: ['a', ...ODD].join(' '), words: ['a', ...ODD], labels: { slots: ['a', ...ODD].map(() => 'O') } },
  ])
})

test('a word may hold spaces between tabs, and lines may end in white space', async () => {
  expect(await wordsOf('New York\tB-c\t\nnow\tO \n')).toEqual([['New York', 'now']])
  expect(await wordsOf('now O\t\nthen O \t \n')).toEqual([['now', 'then']])
})

describe('comments', () => {
  const TABS = '# sent_id = 1\n# text = # a\n#\tO\na\tO\n'
  const SPACES = '# O\na O\n'
  test('in files with tabs, lines that begin with # and have no tab', async () => {
    expect(await wordsOf(TABS)).toEqual([['#', 'a']])
  })
  test('in files with spaces, # is a word', async () => {
    expect(await wordsOf(SPACES)).toEqual([['#', 'a']])
    expect(await wordsOf('#\n\n# O\n', { comment: '#' })).toEqual([])
  })
  test('by the option, any beginning, or none', async () => {
    expect(await wordsOf('%% hello\na O\n', { comment: '%%' })).toEqual([['a']])
    expect(await wordsOf(SPACES, { comment: '# ' })).toEqual([['a']])
    await expectBroken(read('a\tO\n#x\n', { comment: false }), 'a.conll:2', /has 1 column /)
  })
  test('a comment does not end a sentence', async () => {
    expect(await wordsOf('a\tO\n# x\nb\tO\n')).toEqual([['a', 'b']])
  })
})

describe('CoNLL-U', () => {
  const row = (id: string, form: string, upos: string) => [id, form, form.toLowerCase(), upos, '_', '_', '0', 'dep', '_', '_'].join('\t')
  const CONTENT = [
    '# newdoc id = 1',
    '# text = Au bar\tx',
    row('1-2', 'Au', '_'),
    row('1', 'À', 'ADP'),
    row('2', 'le', 'DET'),
    '# a comment inside',
    row('3', 'bar', 'NOUN'),
    row('3.1', 'est', 'VERB'),
    row('4', '#', 'SYM'),
    '',
    '# text = Oui 10-11',
    row('0.1', 'il', 'PRON'),
    row('1', '20 000', 'NUM'),
    row('2', '10-11', 'NUM'),
    '',
  ].join('\n')
  const EXPECTED = [
    { text: 'À le bar #', words: ['À', 'le', 'bar', '#'], labels: { upos: ['ADP', 'DET', 'NOUN', 'SYM'] } },
    { text: '20 000 10-11', words: ['20 000', '10-11'], labels: { upos: ['NUM', 'NUM'] } },
  ]

  test('words and parts of speech; multi-word tokens, empty nodes and comments are skipped', async () => {
    expect(await read(CONTENT)).toEqual(EXPECTED)
    expect(await read(CONTENT, { word: 1, labels: { upos: 3 } })).toEqual(EXPECTED)
    expect((await read(CONTENT, { labels: { dep: 7 } }))[0]).toEqual({
      ...EXPECTED[0],
      labels: { dep: ['dep', 'dep', 'dep', 'dep'] },
    })
  })

  test('a file may begin with an empty node or a multi-word token, and another may have other columns', async () => {
    const after = CONTENT.slice(CONTENT.indexOf('# text = Oui'))
    expect(await read(after)).toEqual(EXPECTED.slice(1))
    const narrow = CONTENT.replaceAll(/\t\S+\t_\t_\t0\tdep\t_\t_(?=\n)/g, '')
    expect((await read(narrow, { word: 1, labels: { lemma: 2 } })).map(({ words }) => words)).toEqual(EXPECTED.map(({ words }) => words))
  })

  test('numbers in the first column of another file are words', async () => {
    expect(await wordsOf('1\tB-n\n2-3\tO\n# x\n#\tO\n')).toEqual([['1', '2-3', '#']])
    expect(await wordsOf('1 O\n# O\n1.5 O\n')).toEqual([['1', '#', '1.5']])
    // Ten columns of which the first is the word: it does not begin as numbers of words do.
    const wide = ['In', ...'abcdefghi'].join('\t')
    expect(await wordsOf(`${wide}\n${wide.replace('In', '1-2')}\n`)).toEqual([['In', '1-2']])
  })
})

describe('files of lines that begin with #', () => {
  test.each([
    ['with tabs', '#\tO\n'],
    ['with tabs, and a comment', '# x\n#\tO\n'],
    ['with spaces', '# O\n'],
  ])('%s: they are words', async (_, content) => {
    expect(await wordsOf(content)).toEqual([['#']])
  })
})

test('the separator may be given', async () => {
  expect(await wordsOf('a b O\n', { separator: 'space' })).toEqual([['a']])
  await expectBroken(read('a b O\n', { separator: 'tab' }), 'a.conll:1', /the same column: the line has 1 column \(by tabs\)/)
})

test.each([
  ['a line without its tag', 'a\tO\n\nb\tO\nc\n', {}, 'a.conll:4', /Expected 2 columns.*has 1 column \(by tabs\)/],
  ['a lone no-break space, which ends no sentence', 'a\tO\n\u00a0\n', {}, 'a.conll:2', /has 1 column /],
  ['spaces among tabs', 'a\tO\nb O\n', {}, 'a.conll:2', /by tabs/],
  ['an empty word', 'a\tO\n\tO\n', {}, 'a.conll:2', /Column 0, the word, is empty/],
  ['an empty tag', 'a\tx\tO\nb\t\tO\n', { labels: { pos: 1 } }, 'a.conll:2', /Column 1, the tag of 'pos', is empty/],
  [
    'a column that is not there',
    'a O\n',
    { labels: { pos: 2 } },
    'a.conll:1',
    /Column 2 for the tag of 'pos' does not exist: the line has 2/,
  ],
  ['a column before the first', 'a O\n', { word: -3 }, 'a.conll:1', /Column -3 for the word does not exist/],
  ['a sentence without end', 'a O\n'.repeat(100_001), {}, 'a.conll:100001', /more than 100000 words/],
])('%s: refused with file and line', async (_, content, options, place, message) => {
  await expectBroken(read(content, options), place, message)
})

test.each([
  [{ labels: { x: 'tag' } }, /labels.x/],
  [{ word: 0.5 }, /word/],
  [{ separator: ',' }, /one of 'auto', 'tab', 'space'/],
  [{ comment: '' }, /comment/],
  [{ label: {} }, /Did you mean 'labels'/],
])('%j: the options are refused', (options, message) => {
  expect(() => readConll('/nowhere', options as any)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringMatching(message) }),
  )
})
