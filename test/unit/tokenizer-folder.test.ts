import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Tokenizer } from '../../lib/tokenizer/tokenizer'
import { openFiles } from '../support/open-files'
import { copyFixture, fixtureFolder } from '../support/tokenizer-fixture'

const CONFIG = { vocabSize: 5000, modelType: 'bert' }
const stored = JSON.parse(readFileSync(join(fixtureFolder('bert'), 'tokenizer.json'), 'utf8')) as Record<string, any>
const bpe = JSON.parse(readFileSync(join(fixtureFolder('roberta'), 'tokenizer.json'), 'utf8')) as Record<string, any>
const unigram = JSON.parse(readFileSync(join(fixtureFolder('xlm-roberta'), 'tokenizer.json'), 'utf8')) as Record<string, any>

function open(folder: string, config = CONFIG, doLowerCase = false, maxLength = 128): Promise<Tokenizer> {
  return Tokenizer.open(folder, { maxLength, doLowerCase, config })
}

async function idsOf(tokenizer: Tokenizer, text: string): Promise<number[]> {
  return [...(await tokenizer.encode([text], 64)).ids]
}

function around(before: number[], after: number[]) {
  const special = (ids: number[]) => ids.map((id) => ({ SpecialToken: { id: `x${id}`, type_id: 0 } }))
  const special_tokens = Object.fromEntries([...before, ...after].map((id) => [`x${id}`, { id: `x${id}`, ids: [id], tokens: ['[CLS]'] }]))
  return {
    type: 'TemplateProcessing',
    single: [...special(before), { Sequence: { id: 'A', type_id: 0 } }, ...special(after)],
    pair: [],
    special_tokens,
  }
}

describe('folders that are refused', () => {
  const bare = { tokenizer_class: 'PreTrainedTokenizerFast' }
  test.each<[string, string, RegExp, string | null, Record<string, unknown>]>([
    ['no files', 'ERR_MODEL_FORMAT', /Expected tokenizer.json, or vocab.txt/, null, {}],
    ['not JSON', 'ERR_MODEL_FORMAT', /tokenizer.json is not JSON/, null, { 'tokenizer.json': '{"a":' }],
    ['empty', 'ERR_MODEL_FORMAT', /is not JSON/, null, { 'tokenizer.json': '' }],
    ['not an object', 'ERR_MODEL_FORMAT', /does not contain a JSON object/, null, { 'tokenizer.json': '[]' }],
    ['not UTF-8', 'ERR_MODEL_FORMAT', /is not UTF-8/, null, { 'tokenizer.json': Buffer.from([0x7b, 0xff, 0x7d]) }],
    ['Git LFS pointer', 'ERR_MODEL_FORMAT', /git lfs pull/, null, { 'tokenizer.json': 'version https://git-lfs.github.com/spec/v1\n' }],
    ['no model', 'ERR_MODEL_FORMAT', /no model with a vocabulary/, null, { 'tokenizer.json': '{}' }],
    ['model without vocabulary', 'ERR_MODEL_FORMAT', /no model with a vocabulary/, null, { 'tokenizer.json': { model: { vocab: 3 } } }],
    ['huge', 'ERR_MODEL_FORMAT', /has \d+ bytes; the limit/, null, { 'tokenizer.json': Buffer.alloc(2 ** 27 + 1, 0x20) }],
    [
      'unknown steps',
      'ERR_MODEL_FORMAT',
      /cannot be read/,
      null,
      { 'tokenizer.json': { ...stored, normalizer: { type: 'X' } }, 'tokenizer_config.json': bare },
    ],
    [
      'list of steps missing',
      'ERR_MODEL_FORMAT',
      /cannot be read/,
      null,
      { 'tokenizer.json': { ...stored, normalizer: { type: 'Sequence' } }, 'tokenizer_config.json': bare },
    ],
    [
      'ids that are no numbers',
      'ERR_MODEL_FORMAT',
      /cannot be read/,
      null,
      { 'tokenizer.json': { ...stored, model: { ...stored.model, vocab: { a: 'b' } } } },
    ],
    [
      'broken charsmap',
      'ERR_MODEL_FORMAT',
      /cannot be read/,
      null,
      { 'tokenizer.json': { ...unigram, normalizer: { type: 'Precompiled', precompiled_charsmap: 'AAA' } }, 'tokenizer_config.json': bare },
    ],
    [
      'merges without their prefix',
      'ERR_MODEL_FORMAT',
      /continuing_subword_prefix/,
      null,
      { 'tokenizer.json': { ...bpe, model: { ...bpe.model, continuing_subword_prefix: '####' } }, 'tokenizer_config.json': bare },
    ],
    [
      'pieces of no characters',
      'ERR_MODEL_FORMAT',
      /FixedLength step makes pieces of 0 characters/,
      null,
      { 'tokenizer.json': { ...stored, pre_tokenizer: { type: 'FixedLength', length: 0 } }, 'tokenizer_config.json': bare },
    ],
    [
      'special tokens without end',
      'ERR_MODEL_FORMAT',
      /adds 301 special tokens to a text/,
      null,
      {
        'tokenizer.json': {
          ...stored,
          post_processor: {
            type: 'Sequence',
            processors: Array<unknown>(150)
              .fill(stored.post_processor)
              .concat([around([2], [])]),
          },
        },
        'tokenizer_config.json': bare,
      },
    ],
    ['merges missing', 'ERR_MODEL_FORMAT', /merges.txt is missing/, 'roberta-old', { 'merges.txt': null }],
    [
      'sentencepiece only',
      'ERR_MODEL_UNSUPPORTED',
      /sentencepiece.bpe.model.*save_pretrained/,
      null,
      { 'sentencepiece.bpe.model': 'x', 'tokenizer_config.json': { tokenizer_class: 'XLMRobertaTokenizer' } },
    ],
    [
      'class without tokenizer.json',
      'ERR_MODEL_UNSUPPORTED',
      /BertJapaneseTokenizer.*save_pretrained/,
      'bert-old',
      { 'tokenizer_config.json': { tokenizer_class: 'BertJapaneseTokenizer' } },
    ],
    [
      'truncation from the left',
      'ERR_MODEL_UNSUPPORTED',
      /truncation_side/,
      'bert',
      { 'tokenizer_config.json': { truncation_side: 'left' } },
    ],
    [
      'tokenizer.json by version of transformers',
      'ERR_MODEL_UNSUPPORTED',
      /fast_tokenizer_files/,
      'bert',
      { 'tokenizer_config.json': { fast_tokenizer_files: ['tokenizer.json', 'tokenizer.4.13.0.json'] } },
    ],
    [
      'other post-processor',
      'ERR_MODEL_UNSUPPORTED',
      /TemplateProcessing/,
      null,
      {
        'tokenizer.json': { ...stored, post_processor: { type: 'TemplateProcessing', single: [], pair: [], special_tokens: {} } },
        'tokenizer_config.json': bare,
      },
    ],
  ])('%s: %s', async (_, code, message, fixture, files) => {
    const folder = copyFixture(fixture, files)
    await expect(open(folder)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    rmSync(folder, { recursive: true })
  })

  test('a folder in the place of a file', async () => {
    const folder = copyFixture(null, {})
    mkdirSync(join(folder, 'tokenizer.json'))
    await expect(open(folder)).rejects.toMatchObject({ code: 'ERR_UNSAFE_MODEL', message: expect.stringMatching(/not a regular file/) })
    rmSync(folder, { recursive: true })
  })

  const json = (config: object) => ({ 'tokenizer_config.json': config, 'config.json': { model_type: 'bert' } })
  test.each<[string, string | null, Record<string, unknown>]>([
    ['tokenizer.json', 'bert', {}],
    ['tokenizer_config.json', 'bert', {}],
    ['special_tokens_map.json', 'bert', { 'special_tokens_map.json': {} }],
    ['added_tokens.json', 'bert', { 'added_tokens.json': {} }],
    ['config.json', 'bert', { 'config.json': {} }],
    ['vocab.txt', 'bert-old', {}],
    ['vocab.json', 'roberta-old', {}],
    ['merges.txt', 'roberta-old', {}],
    ['sentencepiece.bpe.model', null, { 'sentencepiece.bpe.model': 'x', ...json({ tokenizer_class: 'XLMRobertaTokenizer' }) }],
  ])('%s is a link that leads out of the folder', async (name, fixture, files) => {
    const [folder, outside] = [copyFixture(fixture, files), copyFixture(null, {})]
    renameSync(join(folder, name), join(outside, name))
    symlinkSync(join(outside, name), join(folder, name))
    await expect(
      open(folder, { ...CONFIG, modelType: name.endsWith('s.txt') || name === 'vocab.json' ? 'roberta' : 'bert' }),
    ).rejects.toMatchObject({
      code: 'ERR_UNSAFE_MODEL',
      message: expect.stringMatching(`^${name}.*is a symbolic link that leads out of the model's folder`),
    })
    rmSync(folder, { recursive: true })
    rmSync(outside, { recursive: true })
  })

  test('a link that stays inside is followed', async () => {
    const folder = copyFixture('bert', {})
    renameSync(join(folder, 'tokenizer.json'), join(folder, 'there.json'))
    symlinkSync('there.json', join(folder, 'tokenizer.json'))
    expect(await idsOf(await open(folder), 'fox')).toEqual(await idsOf(await open(fixtureFolder('bert')), 'fox'))
    rmSync(folder, { recursive: true })
  })

  test('no file stays open, whether the folder is taken or refused', async () => {
    const folder = copyFixture('bert', {})
    await open(folder)
    expect(openFiles(folder)).toEqual([])
    writeFileSync(join(folder, 'tokenizer.json'), Buffer.alloc(2 ** 27 + 1, 0x20))
    await expect(open(folder)).rejects.toMatchObject({ code: 'ERR_MODEL_FORMAT' })
    // Files are read at once: others may still be read when one is refused.
    for (let i = 0; i < 100 && openFiles(folder).length > 0; i++) await delay(10)
    expect(openFiles(folder)).toEqual([])
    rmSync(folder, { recursive: true })
  })

  test('a file that is not JSON is not quoted', async () => {
    const folder = copyFixture('bert', {})
    writeFileSync(join(folder, 'tokenizer_config.json'), 'secret:word')
    const error = await open(folder).catch((error: unknown) => error as Error)
    expect(error).toMatchObject({ code: 'ERR_MODEL_FORMAT' })
    expect(error).not.toHaveProperty('cause')
    expect((error as Error).message).toMatch(/tokenizer_config.json is not JSON: Unexpected token 's' is not valid there\.$/)
    rmSync(folder, { recursive: true })
  })

  test.each([
    ['vocabulary', {}, 100, /up to \d{3}, but vocab_size in config\.json is \d{3}/],
    ['added token', { 'added_tokens.json': { foxes: 9 } }, Object.keys(stored.model.vocab).length, /vocab_size in config\.json is \d{3}/],
  ])('larger than the embedding table: %s', async (_, files, vocabSize, message) => {
    const folder = copyFixture('bert-old', files)
    await expect(open(folder, { ...CONFIG, vocabSize })).rejects.toMatchObject({
      code: 'ERR_MODEL_MISMATCH',
      message: expect.stringMatching(message),
    })
    rmSync(folder, { recursive: true })
  })
})

describe('the token of what is unknown', () => {
  const wordLevel = { type: 'WordLevel', vocab: { fox: 0, '?': 1 }, unk_token: '?' }
  const bytes = { ...bpe.model, unk_token: 'nowhere' }
  const { '<unk>': _, ...withoutUnk } = bpe.model.vocab as Record<string, number>
  const fallback = Object.fromEntries(Array.from({ length: 256 }, (_, i) => [`<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`, i]))
  const split = { type: 'WhitespaceSplit' }
  const document = (model: object, pre_tokenizer: object = split) => ({
    'tokenizer.json': { ...stored, added_tokens: [], normalizer: null, post_processor: null, pre_tokenizer, model },
    'tokenizer_config.json': { tokenizer_class: 'PreTrainedTokenizerFast' },
  })

  test.each<[string, RegExp, Record<string, unknown>]>([
    ['WordPiece', /unknown token \S*NO\S* is not in the vocabulary/, document({ ...stored.model, unk_token: '[NO]' })],
    ['WordPiece by default', /unknown token/, document({ type: 'WordPiece', vocab: { fox: 0 } })],
    ['WordLevel', /unknown token/, document({ ...wordLevel, unk_token: '!' })],
    ['WordLevel by default', /unknown token <unk>|unknown token "<unk>"/, document({ type: 'WordLevel', vocab: { fox: 0 } })],
    ['Unigram', /has no unk_id/, document({ ...unigram.model, unk_id: null })],
    ['BPE', /unknown token nowhere/, document(bytes)],
    ['byte-level BPE without a byte', /unknown token/, document({ ...bytes, vocab: { a: 0 }, merges: [] }, bpe.pre_tokenizer)],
    ['BPE with bytes that are not used', /unknown token/, document({ type: 'BPE', unk_token: 'x', vocab: fallback, merges: [] })],
  ])('%s: refused where it is missing', async (_, message, files) => {
    const folder = copyFixture(null, files)
    await expect(open(folder)).rejects.toMatchObject({ code: 'ERR_MODEL_FORMAT', message: expect.stringMatching(message) })
    rmSync(folder, { recursive: true })
  })

  test.each<[string, Record<string, unknown>]>([
    ['WordLevel', document(wordLevel)],
    ['BPE without one', document({ ...bpe.model, unk_token: null, vocab: withoutUnk })],
    ['byte-level BPE', document(bytes, bpe.pre_tokenizer)],
    ['BPE that falls back to bytes', document({ type: 'BPE', unk_token: 'x', vocab: fallback, merges: [], byte_fallback: true })],
  ])('%s: any text has tokens, or none', async (_, files) => {
    const folder = copyFixture(null, files)
    const tokenizer = await open(folder)
    for (const text of ['\u{10ffff} 机', '\0 fox']) await tokenizer.encode([text], 64)
    rmSync(folder, { recursive: true })
  })

  test('a BERT whose vocab.txt lacks it', async () => {
    const lines = readFileSync(join(fixtureFolder('bert-old'), 'vocab.txt'), 'utf8').replace('[UNK]', '[UNX]')
    const folder = copyFixture('bert-old', { 'vocab.txt': lines })
    await expect(open(folder)).rejects.toMatchObject({ code: 'ERR_MODEL_FORMAT', message: expect.stringMatching(/unknown token/) })
    rmSync(folder, { recursive: true })
  })
})

test('Windows line ends and white space at line ends belong to no token of vocab.txt', async () => {
  const lines = readFileSync(join(fixtureFolder('bert-old'), 'vocab.txt'), 'utf8')
    .trimEnd()
    .split('\n')
  const folder = copyFixture('bert-old', { 'vocab.txt': lines.join(' \r\n') })
  const text = 'The quick brown fox'
  expect(await idsOf(await open(folder), text)).toEqual(await idsOf(await open(fixtureFolder('bert-old')), text))
  rmSync(folder, { recursive: true })
})

test('doLowerCase lower-cases for a cased tokenizer, and changes nothing else', async () => {
  const [cased, lowered] = await Promise.all([open(fixtureFolder('bert-cased')), open(fixtureFolder('bert-cased'), CONFIG, true)])
  expect(await idsOf(lowered, 'The FOX Café')).toEqual(await idsOf(cased, 'the fox café'))
  expect(await idsOf(lowered, 'The FOX Café')).not.toEqual(await idsOf(cased, 'The FOX Café'))
})

test('a tokenizer.json of a class that transformers takes as it is, is taken as it is', async () => {
  const document = { ...stored, normalizer: null }
  const folder = copyFixture(null, { 'tokenizer.json': document, 'tokenizer_config.json': { tokenizer_class: 'PreTrainedTokenizerFast' } })
  const asIs = await open(folder)
  expect(await idsOf(asIs, 'FOX')).not.toEqual(await idsOf(asIs, 'fox'))
  rmSync(folder, { recursive: true })
})

test('a text without spaces is read far enough, however long its tokens are', async () => {
  const vocab = [...unigram.model.vocab, ['x'.repeat(64), 0]]
  const folder = copyFixture('xlm-roberta', { 'tokenizer.json': { ...unigram, model: { ...unigram.model, vocab } } })
  const tokenizer = await open(folder, { vocabSize: 5000, modelType: 'xlm-roberta' })
  const text = 'x'.repeat(64 * 1000)
  for (const limit of [3, 100, 500]) expect((await tokenizer.encode([text], limit)).ids).toHaveLength(limit)
  rmSync(folder, { recursive: true })
})

describe('a long text is not cut where the tokens would change', () => {
  const generic = { tokenizer_class: 'PreTrainedTokenizerFast' }
  const fox = { id: 5, content: 'fox', single_word: false, lstrip: false, rstrip: true, normalized: false, special: false }
  const never = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'never', split: true }
  // Where every space follows the added token, a cut at any of them is a wrong one.
  test.each<[string, object, string?]>([
    ['no added tokens, so that nothing of a run of spaces need be kept', { ...unigram, post_processor: null, added_tokens: [] }],
    ['an added token that takes the space after it along', { ...bpe, added_tokens: [...bpe.added_tokens, fox] }, 'fox fox fox '],
    [
      'white space that is stripped and not put back',
      { ...unigram, normalizer: { type: 'Strip', strip_left: true, strip_right: true }, pre_tokenizer: never },
    ],
  ])('%s', async (_, document, words = 'the fox river ') => {
    const folder = copyFixture(null, { 'tokenizer.json': document, 'tokenizer_config.json': generic })
    const tokenizer = await open(folder, { vocabSize: 5000, modelType: 'roberta' })
    const text = words.repeat(12_000) + ' '.repeat(9) + 'river'
    const { ids } = await tokenizer.encode([text], 1 << 20)
    expect(await tokenizer.count([text])).toEqual([ids.length])
    const { after } = tokenizer.surroundings
    const start = (await tokenizer.encode([text], 64)).ids
    expect(start.subarray(0, 64 - after)).toEqual(ids.subarray(0, 64 - after))
    rmSync(folder, { recursive: true })
  })
})

test('a lone surrogate reads as U+FFFD', async () => {
  const tokenizer = await open(fixtureFolder('roberta'))
  expect(await idsOf(tokenizer, 'a\ud83d b\udc00')).toEqual(await idsOf(tokenizer, 'a\ufffd b\ufffd'))
})

test('spans count UTF-16 units', async () => {
  const tokenizer = await open(fixtureFolder('bert'))
  const text = '👍 the 👍🏽 fox'
  const { tokens, spans } = await tokenizer.encodeWithOffsets([text], 64)
  const fox = tokens[0]!.indexOf('fox')
  expect(text.slice(spans[0]![2 * fox], spans[0]![2 * fox + 1])).toBe('fox')
  expect([...spans[0]!.slice(0, 2), ...spans[0]!.slice(-2)]).toEqual([0, 0, 0, 0])
})

// As sentence-transformers counts: [CLS] and the prompt, without [SEP].
test.each([
  ['', 1],
  ['the ', 2],
  ['the fox: ', 4],
])('promptLength(%j) is %i', async (prompt, length) => {
  expect(await (await open(fixtureFolder('bert'))).promptLength(prompt)).toBe(length)
})

test('calls at once are answered each with its own, and stop when aborted or disposed', async () => {
  const tokenizer = await open(fixtureFolder('bert'))
  const texts = Array.from({ length: 2000 }, (_, i) => `the fox ${i}`)
  const one = await tokenizer.encode(texts, 32)
  const many = await Promise.all(texts.map((text) => tokenizer.encode([text], 32)))
  expect(many.flatMap(({ ids }) => [...ids])).toEqual([...one.ids])
  expect((await tokenizer.encode([], 32)).offsets).toHaveLength(1)

  const controller = new AbortController()
  const stopped = tokenizer.encode(texts, 32, controller.signal)
  const other = tokenizer.encode(['the fox'], 32)
  controller.abort()
  await expect(stopped).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  await expect(tokenizer.encode(['x'], 32, controller.signal)).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  expect((await other).ids.length).toBeGreaterThan(2)

  const waiting = tokenizer.encode(texts, 32)
  tokenizer.dispose()
  tokenizer.dispose()
  await expect(waiting).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
  await expect(tokenizer.count(['x'])).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
})
