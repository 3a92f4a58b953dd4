import { rmSync } from 'node:fs'
import { align, wordPlaces } from '../../lib/data/align'
import { Tokenizer } from '../../lib/tokenizer/tokenizer'
import golden from '../golden/alignment-words.json'
import { copyFixture, fixtureFolder } from '../support/tokenizer-fixture'

function open(folder: string, modelType: string): Promise<Tokenizer> {
  return Tokenizer.open(folder, { maxLength: 128, doLowerCase: false, config: { vocabSize: 1 << 20, modelType } })
}

async function aligned(tokenizer: Tokenizer, words: readonly string[], text = words.join(' ')) {
  const { ids, spans, wordIds } = await tokenizer.encodeWithOffsets([text], 1 << 20)
  const places = wordPlaces({ text, words }, 'the text')
  return { ids: [...ids], wordIds: [...align(text, places, spans[0]!, wordIds[0]!).wordOfToken] }
}

/** The tokenizers that the golden file was made with. RoBERTa's takes pre-split words in Python with add_prefix_space alone. */
const SETTINGS: Record<string, Record<string, unknown>> = { roberta: { add_prefix_space: true } }

const families = [...new Set(golden.cases.map((one) => one.tokenizer))]

describe.each(families)('%s: words joined by a space align as transformers aligns pre-split words', (family) => {
  const cases = golden.cases.filter((one) => one.tokenizer === family)
  let folder: string
  let tokenizer: Tokenizer
  beforeAll(async () => {
    const config = require(`${fixtureFolder(family)}/tokenizer_config.json`) as object
    folder = copyFixture(family, { 'tokenizer_config.json': { ...config, ...SETTINGS[family] } })
    tokenizer = await open(folder, family)
  })
  afterAll(() => {
    tokenizer.dispose()
    rmSync(folder, { recursive: true })
  })

  test.each(cases.map((one) => [one.name, one] as const))('%s', async (name, { words, ids, wordIds }) => {
    const found = await aligned(tokenizer, words)
    const differs = family === 'roberta' && SPECIAL_AS_WORD.includes(name)
    if (differs) expect(found).not.toEqual({ ids, wordIds })
    expect(differs ? withoutSpaces(found) : found).toEqual(differs ? withoutSpaces({ ids, wordIds }) : { ids, wordIds })
  })
})

/** Where a special token is a word of a byte-level tokenizer, the space before it is a token of its own in a joined text. It goes with the word. */
const SPECIAL_AS_WORD = ['roberta specials', 'roberta specials glued', 'special tokens as words']

function withoutSpaces({ ids, wordIds }: { ids: number[]; wordIds: number[] }) {
  const space = 225
  return { ids: ids.filter((id) => id !== space), wordIds: wordIds.filter((_, i) => ids[i] !== space) }
}

describe('a tokenizer without add_prefix_space', () => {
  let tokenizer: Tokenizer
  beforeAll(async () => (tokenizer = await open(fixtureFolder('roberta'), 'roberta')))
  afterAll(() => tokenizer.dispose())

  test('a token that stands for no character is no word', async () => {
    const text = 'the <mask>'
    const { spans, wordIds, tokens } = await tokenizer.encodeWithOffsets([text], 64)
    expect(tokens[0]).toContain('Ġ')
    const { words, wordOfToken } = align(text, undefined, spans[0]!, wordIds[0]!)
    expect([...words]).toEqual([0, 3, 4, 10])
    expect(wordOfToken[tokens[0]!.indexOf('Ġ')]).toBe(-1)
    expect(wordOfToken[tokens[0]!.indexOf('<mask>')]).toBe(1)
  })

  test('pre-split words are tokenised as their text is: the first has no space before it', async () => {
    const words = ['Paris', 'is', 'the', 'capital', '中', '.']
    const found = await aligned(tokenizer, words)
    const { ids, offsets } = await tokenizer.encode([words.join(' ')], 64)
    expect(found.ids).toEqual([...ids.subarray(offsets[0], offsets[1])])
    expect(new Set(found.wordIds)).toEqual(new Set([-1, 0, 1, 2, 3, 4, 5]))
  })
})

test.each([
  ['xlm-roberta', '(the fox), e-mail! 😀😀ok 12.5', ['(', 'the', 'fox', '),', 'e', '-', 'mail', '!', '😀😀', 'ok', '12', '.', '5']],
  ['roberta', '(the fox), e-mail! 😀😀ok 12.5', ['(', 'the', 'fox', '),', 'e', '-', 'mail', '!', '😀😀', 'ok', '12', '.', '5']],
])('%s: signs are words of their own in plain text', async (family, text, wanted) => {
  const tokenizer = await open(fixtureFolder(family), family)
  const { spans, wordIds } = await tokenizer.encodeWithOffsets([text], 64)
  tokenizer.dispose()
  const { words, wordOfToken } = align(text, undefined, spans[0]!, wordIds[0]!)
  expect(Array.from({ length: words.length / 2 }, (_, i) => text.slice(words[2 * i], words[2 * i + 1]))).toEqual(wanted)
  expect([...new Set(wordOfToken)]).toEqual([-1, ...wanted.keys()])
})

describe('words in a text of their own', () => {
  let bert: Tokenizer
  beforeAll(async () => (bert = await open(fixtureFolder('bert'), 'bert')))
  afterAll(() => bert.dispose())

  test('tokens between words are of no word, words without a token keep their number', async () => {
    const { spans, wordIds, tokens } = await bert.encodeWithOffsets(['(the \u0001  fox)the'], 64)
    const places = wordPlaces({ text: '(the \u0001  fox)the', words: ['the', '\u0001', 'fox', 'the'] }, '')
    const { wordOfToken } = align('(the \u0001  fox)the', places, spans[0]!, wordIds[0]!)
    const named = tokens[0]!.map((token, i) => [token, wordOfToken[i]])
    expect(named.filter(([token]) => ['(', ')', '[CLS]', '[SEP]'].includes(token as string)).map(([, word]) => word)).toEqual([
      -1, -1, -1, -1,
    ])
    expect(named.filter(([token]) => token === 'the').map(([, word]) => word)).toEqual([0, 3])
    expect([...new Set(wordOfToken)].sort()).toEqual([-1, 0, 2, 3])
  })

  test("without words they are the tokenizer's own", async () => {
    const text = "😀 don't stop"
    const { spans, wordIds } = await bert.encodeWithOffsets([text], 64)
    const { words, wordOfToken } = align(text, undefined, spans[0]!, wordIds[0]!)
    const written = Array.from({ length: words.length / 2 }, (_, i) => text.slice(words[2 * i], words[2 * i + 1]))
    expect(written).toEqual(['😀', 'don', "'", 't', 'stop'])
    expect([...wordOfToken]).toEqual([...wordIds[0]!])
  })

  test.each([
    [{ text: 'a b', words: ['a', 'c'] }, 'one: words[1], "c", was not found in the text'],
    [{ text: 'b a', words: ['a', 'b'] }, 'one: words[1], "b", was not found in the text after'],
  ])('%j is refused', (example, message) => {
    expect(() => wordPlaces(example, 'one')).toThrow(
      expect.objectContaining({ code: 'ERR_DATA', message: expect.stringContaining(message) }),
    )
  })

  test('tokens out of order find their words', () => {
    const spans = Int32Array.of(0, 0, 0, 1, 3, 4, 1, 2, 0, 0)
    const { wordOfToken } = align('ab c', Int32Array.of(0, 2, 3, 4), spans, Int32Array.of(-1, 0, 1, 1, -1))
    expect([...wordOfToken]).toEqual([-1, 0, 1, 0, -1])
  })

  test('an empty word has a place', () => {
    expect([...wordPlaces({ text: 'a  b', words: ['a', '', 'b'] }, '')]).toEqual([0, 1, 2, 2, 3, 4])
  })
})
