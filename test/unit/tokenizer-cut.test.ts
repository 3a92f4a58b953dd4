import { Tokenizer as Backend } from 'tokenizers'
import { openRoot } from '../../lib/files/read'
import { Tokenizer } from '../../lib/tokenizer/tokenizer'
import { openingOf, spaceAfter, steadyAfter } from '../../lib/tokenizer/cut'
import { readTokenizer } from '../../lib/tokenizer/read'
import nasty from '../golden/nasty-texts.json'
import golden from '../golden/tokenizer.json'
import { randomBelow } from '../support/random'
import { fixtureFolder } from '../support/tokenizer-fixture'

const PIECES = [
  ...Object.values(nasty).filter((text) => text.length < 200),
  'the ',
  'fox',
  'a',
  'é',
  '猫',
  '_',
  '\n',
  '  ',
  ' <mask> ',
  'ß',
  '한',
  '\ud83d',
]

/** Texts of a few thousand characters, with and without spaces, of few or many kinds of piece. */
function mixed(seed: number): string {
  const random = randomBelow(seed)
  const kinds = Array.from({ length: 1 + random(6) }, () => PIECES[random(PIECES.length)]!)
  const glue = ['', ' ', ' ', '. ', '-'][random(5)]!
  let text = ''
  while (text.length < 6000)
    text += kinds[random(kinds.length)]! + (random(3) > 0 ? glue : '') + (random(20) === 0 ? 'x'.repeat(random(900)) : '')
  return text
}

const FAMILIES = ['bert', 'bert-cased', 'distilbert', 'mpnet', 'roberta', 'roberta-old', 'xlm-roberta']

/** What it is, the unit that is repeated, and the tokenizers that can only take it whole: see `Pipeline.steady`. */
const HUGE: [string, string, string[]?][] = [
  ['words', 'The quick brown fox jumps over the lazy dog, doesn’t it? '],
  ['one letter', 'a'],
  ['long words', 'x'.repeat(500) + ' '],
  ['blank lines', '\n'.repeat(900) + 'fox', ['roberta-old']],
  ['underscores', '_'],
  ['base64', 'aGVsbG8gd29ybGQ+/w=='],
  ['ideographs', '机器学习模型把句子变成向量，abc', ['roberta', 'roberta-old']],
  ['minified', '{"id":12,"name":"fox"},'],
]

describe.each(FAMILIES)('%s', (name) => {
  let tokenizer: Tokenizer
  let whole: (text: string) => Promise<{ ids: number[]; tokens: string[]; offsets: number[][] }>
  beforeAll(async () => {
    const config = golden.find((entry) => entry.fixture === name)!
    tokenizer = await Tokenizer.open(fixtureFolder(name), { maxLength: 128, doLowerCase: false, config })
    const backend = Backend.fromString(
      (await readTokenizer({ root: await openRoot(fixtureFolder(name)), path: '' }, config.modelType, false)).text,
    )
    backend.disablePadding()
    backend.disableTruncation()
    whole = async (text) => {
      const encoding = await backend.encode(text.toWellFormed())
      return { ids: encoding.getIds(), tokens: encoding.getTokens(), offsets: encoding.getOffsets() }
    }
  })
  afterAll(() => tokenizer.dispose())

  test('a text that is tokenized in part has the ids, tokens and spans of the whole', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const text = mixed(seed)
      const { ids, tokens, offsets } = await whole(text)
      for (const limit of [2, 9, 40]) {
        const content = Math.min(limit - 2, ids.length - 2)
        const cut = await tokenizer.encodeWithOffsets([text], limit)
        expect([seed, ...cut.ids]).toEqual([seed, ...ids.slice(0, 1 + content), ids.at(-1)])
        expect(cut.tokens[0]!.slice(0, -1)).toEqual(tokens.slice(0, 1 + content))
        const points = [...text.toWellFormed()]
        const spans = offsets
          .slice(1, 1 + content)
          .flat()
          .map((point) => points.slice(0, point).join('').length)
        expect([seed, ...cut.spans[0]!]).toEqual([seed, 0, 0, ...spans, 0, 0])
      }
    }
  }, 300_000)

  test('a cut inside of a word shows in no token, whatever the limit', async () => {
    for (const word of ['runningwalkedhighest'.repeat(4) + 'x', 'the', 'zqj'.repeat(40)]) {
      const text = `${word},`.repeat(Math.ceil(9000 / word.length))
      const { ids } = await whole(text)
      for (let limit = 2; limit <= 60; limit += 5) {
        expect([word, limit, ...(await tokenizer.encode([text], limit)).ids]).toEqual([word, limit, ...ids.slice(0, limit - 1), ids.at(-1)])
      }
    }
  }, 120_000)

  test('a huge text that cannot be cut is refused, not tokenized until memory ends', async () => {
    const text = '👍'.repeat(3 * 2 ** 20)
    await expect(tokenizer.encode([text], 128)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })

  test('a text that is counted in pieces has as many tokens as the whole', async () => {
    const text = Array.from({ length: 30 }, (_, i) => mixed(100 + i)).join(' and then ')
    expect(text.length).toBeGreaterThan(150_000)
    expect(await tokenizer.count([text, 'the end'])).toEqual([(await whole(text)).ids.length, (await whole('the end')).ids.length])
  })

  test.each(HUGE.filter(([, , wholeFor]) => !wholeFor?.includes(name)))(
    '50 MB of %s cost little',
    async (_, unit) => {
      const text = unit.repeat(Math.ceil((50 * 2 ** 20) / unit.length))
      const reference = (await whole(text.slice(0, 120_000))).ids
      globalThis.gc?.()
      const before = process.memoryUsage().rss
      const start = performance.now()
      const { ids } = await tokenizer.encode([text], 128)
      expect(performance.now() - start).toBeLessThan(20_000)
      expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20)
      expect([...ids]).toEqual([...reference.slice(0, -1).slice(0, 127), reference.at(-1)])
    },
    60_000,
  )
})

test.each([
  ['one two three', 2, 3],
  ['one two three', 4, 7],
  ['one  two', 0, undefined],
  ['one \u0301two', 0, undefined],
  ['one\ttwo', 0, undefined],
  ['\u0e01 \u0e33', 0, undefined],
])('spaceAfter(%j, %i) is %p', (text, from, place) => {
  expect(spaceAfter(text, from, false)).toBe(place)
})

test.each([
  ['one\ttwo', 0, 3],
  ['one\n\n two', 1, 3],
  ['one \u0301two', 0, undefined],
])('spaceAfter(%j, %i) is %p where white space is dropped', (text, from, place) => {
  expect(spaceAfter(text, from, true)).toBe(place)
})

test.each([
  ['abcdefgh', 4, 3, 4],
  ['abc\u0301defgh', 4, 3, 7],
  ['a  bcdefgh', 2, 4, 7],
  ['👍👍👍', 0, 2, undefined],
  ['ｶ\uff9eｶ，。x', 0, 4, 6],
  ['\uff9e\uff9e\uff9e', 0, 2, undefined],
])('steadyAfter(%j, %i, %i) is %p', (text, from, length, place) => {
  expect(steadyAfter(text, from, length, 'letters')).toBe(place)
})

test('openingOf leaves out the middle of long runs, and says where', () => {
  const text = `ab ${'c'.repeat(50)} ${'d'.repeat(20)}${' '.repeat(40)}e`
  const runs = { classes: ['a-z', ' '], keep: 3 }
  expect(openingOf(text, 100, runs)).toEqual({
    text: 'ab cccccc dddddd      e',
    gaps: [
      { at: 6, length: 44 },
      { at: 13, length: 14 },
      { at: 19, length: 34 },
    ],
    complete: true,
  })
  expect(openingOf(text, 1000, runs)).toEqual({ text, gaps: [], complete: true })
  expect(openingOf(text, 5, { classes: [], keep: 0 })).toEqual({ text: text.slice(0, 5), gaps: [], complete: false })
})
