import { createHash } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Tokenizer } from '../../lib/tokenizer/tokenizer'
import { FAMILIES, familyOfClass, isGeneric, worksInPython } from '../../lib/tokenizer/families'
import golden from '../golden/tokenizer-classes.json'
import nasty from '../golden/nasty-texts.json'
import { copyFixture, fixtureFolder } from '../support/tokenizer-fixture'

const all = Object.entries(nasty).map(([name, text], i) => ({ name, text, i }))
const short = all.filter(({ text }) => text.length < 500)

function digest(ids: Int32Array): string {
  return createHash('sha1').update(ids.join(',')).digest('hex').slice(0, 8)
}

/** The fixture's tokenizer.json with its parts changed, so that a class that makes them anew is told from one that reads them. */
function oddDocument(fixture: string): object {
  const stored = JSON.parse(readFileSync(join(fixtureFolder(fixture), 'tokenizer.json'), 'utf8')) as { model: object }
  const { model, ...parts } = golden.odd[fixture as keyof typeof golden.odd]
  return { ...stored, ...parts, model: { ...stored.model, ...model } }
}

async function withTokenizer<T>(fixture: string, files: Record<string, unknown>, modelType: string, use: (tokenizer: Tokenizer) => T) {
  const folder = copyFixture(fixture, files)
  try {
    const tokenizer = await Tokenizer.open(folder, { maxLength: 128, doLowerCase: false, config: { vocabSize: 5000, modelType } })
    const result = await use(tokenizer)
    tokenizer.dispose()
    return result
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('ids equal those of the class that transformers takes', () => {
  test.each(golden.cases)('$name', async ({ fixture, modelType, files, odd, vocabSize, digests }) => {
    // The long texts take most of the time; where the file is odd each class has them once.
    const texts = odd ? all : short
    await withTokenizer(fixture, { ...files, ...(odd && { 'tokenizer.json': oddDocument(fixture) }) }, modelType, async (tokenizer) => {
      const { ids, offsets } = await tokenizer.encode(
        texts.map(({ text }) => text),
        1 << 20,
      )
      const found = texts.map(({ name }, row) => [name, digest(ids.subarray(offsets[row], offsets[row + 1]))])
      expect(found).toEqual(texts.map(({ name, i }) => [name, golden.digests[digests]![i]]))
      expect(tokenizer.vocabSize).toBe(vocabSize)
    })
  })
})

test.each(Object.entries(golden.classes))('%s is known as %s', (name, fate) => {
  const family = Object.keys(FAMILIES).find((known) => FAMILIES[known] === familyOfClass(name))
  expect(family ?? (worksInPython(name) ? 'python' : isGeneric(name) ? 'generic' : 'other')).toBe(fate)
})

describe('classes that are not rebuilt', () => {
  const named = (tokenizer_class: unknown) => ({ 'tokenizer_config.json': { tokenizer_class } })
  const notesOf = (fixture: string, name: unknown) => withTokenizer(fixture, named(name), 'bert', ({ notes }) => notes)

  test('are refused where the class works in Python', async () => {
    await expect(notesOf('bert', 'BertJapaneseTokenizer')).rejects.toMatchObject({
      code: 'ERR_MODEL_UNSUPPORTED',
      message: expect.stringMatching(
        /class of .*tokenizer_config.json is BertJapaneseTokenizer.*set tokenizer_class to PreTrainedTokenizerFast/,
      ),
    })
  })

  test('are noted where transformers may give other ids', async () => {
    expect(await notesOf('bert', 'AlbertTokenizerFast')).toEqual([expect.stringMatching(/AlbertTokenizer is unknown to sentorch/)])
    expect(await notesOf('bert', 'RobertaTokenizer')).toEqual([
      expect.stringMatching(/RobertaTokenizer requires a BPE model, but .* WordPiece/),
    ])
    expect(await notesOf('bert', { a: 1 })).toHaveLength(1)
  })

  test('are not noted where it takes tokenizer.json as it is', async () => {
    for (const name of ['PreTrainedTokenizerFast', 'TokenizersBackend', 'BertTokenizerFast'])
      expect(await notesOf('bert', name)).toEqual([])
  })
})

test('a tokenizer.json that cuts from the left is refused, unless the settings say otherwise', async () => {
  const stored = JSON.parse(readFileSync(join(fixtureFolder('bert'), 'tokenizer.json'), 'utf8')) as { truncation: object }
  const files = { 'tokenizer.json': { ...stored, truncation: { ...stored.truncation, direction: 'Left' } } }
  await expect(withTokenizer('bert', files, 'bert', () => 0)).rejects.toMatchObject({
    code: 'ERR_MODEL_UNSUPPORTED',
    message: expect.stringMatching(/tokenizer.json has truncation.direction: "Left"/),
  })
  const right = { 'tokenizer_config.json': { tokenizer_class: 'BertTokenizer', truncation_side: 'right' } }
  await withTokenizer('bert', { ...files, ...right }, 'bert', (tokenizer) => expect(tokenizer.vocabSize).toBeGreaterThan(0))
})
