import { Tokenizer } from '../../lib/tokenizer/tokenizer'
import { randomTexts } from '../support/random'
import { fixtureFolder } from '../support/tokenizer-fixture'

const open = (name: string) =>
  Tokenizer.open(fixtureFolder(name), { maxLength: 16, doLowerCase: false, config: { vocabSize: 300_000, modelType: name.split('-')[0]! } })

describe.each([
  ['bert', 'bert'],
  ['bert-cased', 'bert'],
  ['roberta', 'roberta'],
  ['xlm-roberta', 'xlm-roberta'],
  ['mpnet', 'mpnet'],
])('%s', (name) => {
  const texts = ['', ' ', '😀', ...randomTexts(12, 5, 4), randomTexts(2, 14_000, 9)[1]!]
  // A word that these give up as unknown, of which only the ends are read.
  if (name.startsWith('bert')) texts.push(`${'the river '.repeat(7000)}${'x'.repeat(140_000)} river`)

  test('nothing is cut: the tokens, places and words of a limit that is never met', async () => {
    const tokenizer = await open(name)
    const whole = await tokenizer.encodeWhole(texts)
    const far = await tokenizer.encodeWithOffsets(texts, Number.MAX_SAFE_INTEGER)
    // As text: comparing arrays of this size number by number takes jest seconds.
    for (const key of ['offsets', 'ids', 'tokens', 'spans', 'wordIds'] as const) expect(String(whole[key])).toBe(String(far[key]))
  })

  test('ready rows: the special tokens at both ends, or none', async () => {
    const tokenizer = await open(name)
    const { ids } = await tokenizer.encode(['the river'], 16)
    const [empty] = [(await tokenizer.encode([''], 16)).ids]
    const both = tokenizer.surroundings
    expect(both).toEqual({ before: 1, after: 1 })
    expect(tokenizer.surroundingsOf(ids)).toEqual(both)
    expect(tokenizer.surroundingsOf(empty)).toEqual(both)
    for (const row of [ids.subarray(1), ids.subarray(0, -1), ids.subarray(1, -1), ids.subarray(0, 1), new Int32Array()]) {
      expect(tokenizer.surroundingsOf(row)).toEqual({ before: 0, after: 0 })
    }
  })

  test('a call that was aborted before rejects, even where nothing is to be done', async () => {
    const tokenizer = await open(name)
    const signal = AbortSignal.abort()
    for (const none of [[], ['']]) {
      const calls = [tokenizer.encode(none, 16, signal), tokenizer.encodeWithOffsets(none, 16, signal), tokenizer.encodeWhole(none, signal)]
      for (const call of [...calls, tokenizer.count(none, signal)]) await expect(call).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    }
  })

  test('names of tokens', async () => {
    const tokenizer = await open(name)
    const { ids, tokens } = await tokenizer.encodeWhole(['the river'])
    expect(Array.from(ids, (id) => tokenizer.tokenName(id))).toEqual(tokens[0])
  })
})
