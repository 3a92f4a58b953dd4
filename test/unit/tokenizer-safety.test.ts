import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Tokenizer } from '../../lib/tokenizer/tokenizer'
import { leastOfLinear } from '../../lib/tokenizer/safety'
import { copyFixture, fixtureFolder } from '../support/tokenizer-fixture'

const bert = JSON.parse(readFileSync(join(fixtureFolder('bert'), 'tokenizer.json'), 'utf8')) as Record<string, any>
const unigram = JSON.parse(readFileSync(join(fixtureFolder('xlm-roberta'), 'tokenizer.json'), 'utf8')) as Record<string, any>
const SHORT = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`

describe('patterns', () => {
  test.each<[string, number]>([
    [' {2,}', 2],
    ['\\s+', 1],
    ['[\\n\\r\\t]', 1],
    ['\\s{2,}|[\\n\\r\\t]', 1],
    ['[0-9][0-9][0-9]', 3],
    ['\\p{N}{1,3}', 1],
    ['[一-龥぀-ゟ゠-ヿ]+', 1],
    [' ?\\p{L}+', 1],
    [' ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*', 1],
    ["'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+", 1],
    ['(?:abc|de)x?', 2],
    ['(\\.\\.\\.|--)', 2],
    ['\\A +|▁', 1],
    ['^\\d', 1],
    ['^$|a$|b\\z', 0],
    ['\\p{^L}\\P{Han}', 2],
    ["'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", 1],
    [`${SHORT}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`, 1],
    [`${SHORT}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`, 1],
    [
      '[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+' +
        `${SHORT}?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*${SHORT}?` +
        '|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+',
      1,
    ],
  ])('%s matches at least %i characters, in linear time', (pattern, least) => {
    expect(leastOfLinear(pattern)).toBe(least || undefined)
  })

  test.each([
    ['nested', '(a+)+$'],
    ['nested, without a capture', '(?:a+)+'],
    ['many ways', '^(([a-z])+.)+[A-Z]([a-z])+$'],
    ['something after a repetition', 'a+b'],
    ['an end after a repetition', '\\s+$'],
    ['an absolute end after a repetition', ' +\\z'],
    ['a look ahead', 'a+(?!b)'],
    ['two repetitions', 'a*a+'],
    ['no characters', 'a*'],
    ['no characters in one way', 'b|a?'],
    ['nothing', ''],
    ['an empty alternative', 'a|'],
    ['a look behind', '(?<=a)b'],
    ['a reference', '(a)\\1'],
    ['a repeated repetition', 'a{2}{3}'],
    ['a possessive repetition', 'a{2}+'],
    ['a lazy repetition', 'a+?'],
    ['more than it can count', 'a{1000000}'],
    ['a repetition without a start', 'a{,3}'],
    ['too many ways', 'a{0,40}a{0,40}b'],
    ['a range backwards', 'a{3,2}'],
    ['a class in a class', '[a[b]]'],
    ['classes together', '[a&&b]'],
    ['an escape of its own', '\\Ra'],
    ['options', '(?x)a'],
    ['an open group', '(a'],
    ['a repetition of a group', '(?:a|b)+c'],
    ['a long list', 'a|'.repeat(1500) + 'a'],
  ])('%s: not known to be linear', (_, pattern) => {
    expect(leastOfLinear(pattern)).toBeUndefined()
  })
})

describe('a tokenizer.json that could take any time or memory', () => {
  const replace = (from: object, content: string) => ({ type: 'Replace', pattern: from, content })
  const normalizer = (...normalizers: unknown[]) => ({ normalizer: { type: 'Sequence', normalizers } })
  const splits = (pattern: object) => ({ pre_tokenizer: { type: 'Split', pattern, behavior: 'Isolated', invert: false } })
  const times = <T>(count: number, value: T) => Array<T>(count).fill(value)
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }

  /** A table of one rule, a → what is given, from its byte `leaf` on. */
  function charsmap(replacement: string, leaf = 0): string {
    const units = new Uint32Array(512)
    units[0] = 1 << 10
    units[1 ^ 0x61] = 0x61 | 0x100 | ((1 ^ 0x61 ^ 2) << 10)
    units[2] = (0x80000000 | leaf) >>> 0
    const size = Buffer.alloc(4)
    size.writeUInt32LE(units.byteLength)
    return Buffer.concat([size, Buffer.from(units.buffer), Buffer.from(`${replacement}\0`)]).toString('base64')
  }

  const bpe = (...merges: unknown[]) => ({
    ...{ normalizer: null, post_processor: null, added_tokens: [] },
    model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges },
  })

  const added = (content: string, normalized: boolean) => ({
    ...{ id: 900, content, normalized, single_word: false, lstrip: false, rstrip: false, special: false },
  })

  async function open(changes: object, trusted = false): Promise<Tokenizer> {
    const folder = copyFixture(null, {
      'tokenizer.json': { ...bert, ...changes },
      'tokenizer_config.json': { tokenizer_class: 'PreTrainedTokenizerFast' },
    })
    try {
      return await Tokenizer.open(folder, { maxLength: 128, doLowerCase: false, config: { vocabSize: 5000, modelType: 'bert' }, trusted })
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  test.each<[string, RegExp, object]>([
    ['a split', /step 1 of its pre_tokenizer, "Split", has a pattern .* linear: "\(a\+\)\+\$"/, splits({ Regex: '(a+)+$' })],
    ['a replacement', /step 1 of its normalizer, "Replace", has a pattern .* linear/, normalizer(replace({ Regex: 'a+b' }, ''))],
    [
      'one in a list of lists',
      /step 2 of its normalizer/,
      normalizer({ type: 'Lowercase' }, normalizer(replace({ Regex: 'a*' }, '')).normalizer),
    ],
    ['an empty pattern', /has a pattern/, normalizer(replace({ String: '' }, 'a'))],
    ['a pattern of two kinds', /has a pattern/, normalizer(replace({ String: 'a', Regex: '(a+)+$' }, 'a'))],
    ['a pattern of none', /has a pattern/, normalizer(replace({}, 'a'))],
    ['a step without a type', /step 1 of its normalizer has no type/, { normalizer: { pattern: { Regex: '(a+)+$' }, content: '' } }],
    [
      'doubling',
      /up to step 6 of its normalizer, "Replace", .* more than 32 times/,
      normalizer(...times(40, replace({ String: 'a' }, 'aa'))),
    ],
    ['one long replacement', /more than 32 times/, normalizer(replace({ String: 'ab' }, 'x'.repeat(65)))],
    ['a long replacement of few', /more than 32 times/, normalizer(replace({ Regex: ' {2,}|a' }, 'x'.repeat(33)))],
    ['a long start', /"Prepend", .* more than 32 times/, normalizer({ type: 'Prepend', prepend: 'x'.repeat(32) })],
    [
      'Unicode, again and again',
      /step 4 of its normalizer, "NFKD"/,
      normalizer({ type: 'NFKC' }, { type: 'NFD' }, ...times(2, { type: 'NFKD' }), { type: 'NFKC' }),
    ],
    ['letters taken apart, again and again', /step 4 of its normalizer, "NFD"/, normalizer(...times(9, { type: 'NFD' }))],
    ['letters put together, again and again', /step 4 of its normalizer, "NFC"/, normalizer(...times(9, { type: 'NFC' }))],
    ['lower case, again and again', /step 7 of its normalizer, "Lowercase"/, normalizer(...times(9, { type: 'Lowercase' }))],
    ['BERT, again and again', /step 3 of its normalizer, "BertNormalizer"/, normalizer(...times(3, bert.normalizer))],
    [
      'a table',
      /"Precompiled", .* more than 32 times/,
      normalizer({ type: 'Precompiled', precompiled_charsmap: charsmap('x'.repeat(600)) }),
    ],
    [
      'bytes of bytes',
      /step 4 of its pre_tokenizer, "ByteLevel"/,
      { pre_tokenizer: { type: 'Sequence', pretokenizers: times(22, byteLevel) } },
    ],
    [
      'bytes of bytes in both lists',
      /step 2 of its pre_tokenizer/,
      { ...normalizer(...times(2, { type: 'ByteLevel' })), pre_tokenizer: { type: 'Sequence', pretokenizers: times(2, byteLevel) } },
    ],
    [
      'marks',
      /step 7 of its pre_tokenizer, "Metaspace"/,
      {
        pre_tokenizer: {
          type: 'Sequence',
          pretokenizers: times(9, { type: 'Metaspace', replacement: '_', prepend_scheme: 'always', split: true }),
        },
      },
    ],
    [
      'many steps',
      /its pre_tokenizer has 101 steps, more than 100/,
      { pre_tokenizer: { type: 'Sequence', pretokenizers: times(101, { type: 'WhitespaceSplit' }) } },
    ],
    ['long words', /max_input_chars_per_word is 257/, { model: { ...bert.model, max_input_chars_per_word: 257 } }],
  ])('%s', async (_, message, changes) => {
    await expect(open(changes)).rejects.toMatchObject({ code: 'ERR_UNSAFE_MODEL', message: expect.stringMatching(message) })
  })

  test('is opened where the folder is trusted', async () => {
    const tokenizer = await open({ ...normalizer(...times(6, replace({ String: '!' }, '!!'))), ...splits({ Regex: 'x+y' }) }, true)
    expect(await tokenizer.count(['the fox'])).toEqual([3])
  })

  test.each<[string, object]>([
    [
      'ALBERT',
      normalizer(replace({ String: '``' }, '"'), { type: 'NFKD' }, { type: 'StripAccents' }, { type: 'Lowercase' }, unigram.normalizer),
    ],
    ['T5', normalizer(unigram.normalizer, replace({ Regex: ' {2,}' }, '▁'))],
    ['Llama', normalizer({ type: 'Prepend', prepend: '▁' }, replace({ String: ' ' }, '▁'))],
    ['lower case before BERT', normalizer({ type: 'Lowercase' }, bert.normalizer)],
    ['longer words', { model: { ...bert.model, max_input_chars_per_word: 256 } }],
    ['exactly as long', normalizer(...times(5, replace({ String: 'a' }, 'aa')))],
    [
      "a table as long as Unicode's",
      normalizer({ type: 'Precompiled', precompiled_charsmap: charsmap('x'.repeat(18)) }, ...times(5, replace({ String: 'a' }, 'aa'))),
    ],
  ])('is not what honest ones hold: %s', async (_, changes) => {
    expect((await open(changes)).vocabSize).toBeGreaterThan(0)
  })

  test('may hold merges as text, after their version', async () => {
    const tokenizer = await open(bpe('#version: 0.2', 'a b'))
    expect([...(await tokenizer.encode(['ab ba'], 8)).ids]).toEqual([2, 1, 0])
  })

  test.each([
    ['that is not normalized', added('\0', false)],
    ['of no characters', added('', true)],
    ['of which something is left', added('É\0', true)],
  ])('may hold an added token %s', async (_, token) => {
    const tokenizer = await open({ added_tokens: [...bert.added_tokens, token] })
    expect((await tokenizer.encode(['the é\0ﷺ fox'], 64)).ids.length).toBeGreaterThan(3)
  })

  test.each<[string, object]>([
    ['a long piece', { model: { ...unigram.model, vocab: [...unigram.model.vocab, ['x'.repeat(2001), -1]] }, normalizer: null }],
    ['a table with a leaf inside of a character', normalizer({ type: 'Precompiled', precompiled_charsmap: charsmap('é', 1) })],
    ['a merge of what is longer than any token', bpe(['ab', 'ab'])],
    ['a merge of what is no token', bpe(['a', 'x'])],
    ['a merge of three', bpe(['a', 'b', 'a'])],
    ['a merge of three, as text', bpe('a b a')],
    ['a merge of none', bpe([null, 'a'])],
    ['a step that prepends nothing', normalizer({ type: 'Prepend', prepend: '' })],
    ['an added token that normalization takes away', { added_tokens: [...bert.added_tokens, added('\0', true)] }],
  ])('that would end the process: %s', async (_, changes) => {
    await expect(open(changes, true)).rejects.toMatchObject({ code: 'ERR_MODEL_FORMAT' })
  })
})
