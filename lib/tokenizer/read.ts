import { SentorchError } from '../base/errors'
import { printable, trimEnd } from '../base/text'
import { isObject } from '../files/fields'
import { modelType, steps, type Component, type ModelDocument, type TokenizerDocument } from './document'
import { classNameOf, DEFAULT_CLASS, familyOfClass, isGeneric, worksInPython, type SpecialName, type TokenizerFamily } from './families'
import { hasFile, malformed, parseObject, readObject, readText, shown, type Json, type TokenizerFolder } from './files'
import { numberTokens, resolveTokens, type TokenSettings } from './tokens'

export interface ReadTokenizer {
  document: TokenizerDocument
  /**
   * `document` as text for the tokenizers library. It is serialized again, so that the library sees only what was checked (no duplicate keys),
   * without the parts that are used only for decoding or for whole batches.
   */
  text: string
  /** The name of the file in messages. */
  path: string
  /** Notes for users. */
  notes: string[]
}

/**
 * The tokenizer of a model folder as one `tokenizer.json`, equivalent to what transformers 5 makes of the folder.
 * `modelTypeOfConfig` determines the class if the folder does not name one.
 */
export async function readTokenizer(folder: TokenizerFolder, modelTypeOfConfig: string, doLowerCase: boolean): Promise<ReadTokenizer> {
  const [stored, config, specialTokensMap, addedTokens, modelConfig] = await Promise.all([
    readText(folder, 'tokenizer.json'),
    readObject(folder, 'tokenizer_config.json'),
    readObject(folder, 'special_tokens_map.json'),
    readObject(folder, 'added_tokens.json'),
    readObject(folder, 'config.json'),
  ])
  const settings = config ?? {}
  const className = classNameOf(settings.tokenizer_class || modelConfig?.tokenizer_class || DEFAULT_CLASS[modelTypeOfConfig])
  const family = familyOfClass(className)

  const path = shown(folder, 'tokenizer.json')
  const original = stored === undefined ? undefined : (parseObject(stored, path) as TokenizerDocument)
  const tokenSettings: TokenSettings = { config: settings, specialTokensMap, addedTokens, stored: original?.added_tokens ?? [] }
  refuseSettings(settings, original, folder)
  const notes: string[] = []
  let document: TokenizerDocument
  if (original === undefined) {
    if (family === undefined) {
      throw new SentorchError(
        'ERR_MODEL_UNSUPPORTED',
        `${shown(folder)} has no tokenizer.json, and its tokenizer class ${className} cannot be built from other files. ` +
          `Create one with Python: AutoTokenizer.from_pretrained(folder).save_pretrained(folder).`,
        { detail: { folder: shown(folder), className } },
      )
    }
    document = assemble(family, await readVocabulary(folder, family, className), settings, tokenSettings, null)
  } else if (typeof original.model !== 'object' || original.model === null || typeof original.model.vocab !== 'object') {
    throw malformed(path, 'has no model with a vocabulary')
  } else if (family?.model === modelType(original.model)) {
    document = assemble(family, original.model, settings, tokenSettings, original.normalizer)
  } else {
    if (worksInPython(className)) throw inPython(className, folder)
    const note = family ? otherModel(className, family, original.model) : isGeneric(className) ? undefined : notRebuilt(className)
    if (note !== undefined) notes.push(note)
    const tokens = [...(original.added_tokens ?? []), ...resolveTokens(tokenSettings, undefined).added]
    document = {
      ...original,
      added_tokens: numberTokens([...new Map(tokens.map((token) => [token.content, token])).values()], original.model),
    }
  }
  if (doLowerCase) document = { ...document, normalizer: lowerCased(document.normalizer) }
  return {
    document,
    text: JSON.stringify({ ...document, decoder: null, truncation: null, padding: null }),
    path: original ? path : shown(folder),
    notes,
  }
}

/** Rejects settings that would change the ids and that the tokenizers library for Node does not support. */
function refuseSettings(settings: Json, original: TokenizerDocument | undefined, folder: TokenizerFolder): void {
  const refuse = (name: string, key: string, value: unknown): never => {
    const path = shown(folder, name)
    throw new SentorchError('ERR_MODEL_UNSUPPORTED', `${path} has ${key}: ${JSON.stringify(value)}, which is not supported.`, {
      detail: { path, key, value },
    })
  }
  if (settings.split_special_tokens === true) refuse('tokenizer_config.json', 'split_special_tokens', true)
  if (settings.truncation_side === 'left') refuse('tokenizer_config.json', 'truncation_side', 'left')
  // transformers reads the newest of these files instead of tokenizer.json.
  const versioned: unknown[] = Array.isArray(settings.fast_tokenizer_files) ? settings.fast_tokenizer_files : []
  if (versioned.some((file) => typeof file === 'string' && /tokenizer\..+\.json/.test(file))) {
    refuse('tokenizer_config.json', 'fast_tokenizer_files', versioned)
  }
  const truncation = original?.truncation
  if (settings.truncation_side === undefined && isObject(truncation) && truncation.direction === 'Left') {
    refuse('tokenizer.json', 'truncation.direction', 'Left')
  }
}

function inPython(className: string, folder: TokenizerFolder): SentorchError {
  const path = shown(folder, 'tokenizer_config.json')
  return new SentorchError(
    'ERR_MODEL_UNSUPPORTED',
    `The tokenizer class of ${path} is ${printable(className)}: transformers implements this class in Python and ignores tokenizer.json. ` +
      'If tokenizer.json produces the ids that the model was trained with, set tokenizer_class to PreTrainedTokenizerFast.',
    { detail: { path, className } },
  )
}

function otherModel(className: string, family: TokenizerFamily, model: ModelDocument): string {
  return (
    `The tokenizer class ${className} requires a ${family.model} model, but tokenizer.json contains ${printable(modelType(model))}: ` +
    'it is used unchanged, as in transformers 4. transformers 5 may produce different ids.'
  )
}

function notRebuilt(className: string): string {
  return (
    `The tokenizer class ${printable(className)} is unknown to sentorch: tokenizer.json is used unchanged. ` +
    'transformers 5 may produce different ids if it rebuilds this class from the vocabulary.'
  )
}

function assemble(
  family: TokenizerFamily,
  stored: ModelDocument,
  settings: Json,
  tokens: TokenSettings,
  normalizer: Component | null,
): TokenizerDocument {
  const { specials, added } = resolveTokens(tokens, family)
  const { vocab, merges } = stored
  const model: ModelDocument = { type: family.model, ...family.modelSettings(specials, vocab), vocab }
  if (merges !== undefined) model.merges = merges
  const numbered = numberTokens(added, model)
  const idOf = (name: SpecialName): [string, number] => {
    const content = specials[name]!
    return [content, numbered.find((token) => token.content === content)!.id]
  }
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: numbered,
    normalizer: family.normalizer(settings, normalizer),
    pre_tokenizer: family.preTokenizer(settings),
    post_processor: family.postProcessor(settings, idOf),
    decoder: null,
    model,
  }
}

/** sentence-transformers' `do_lower_case`: adds a Lowercase step at the start, unless one exists. A BertNormalizer does not count as one. */
function lowerCased(normalizer: Component | null): Component {
  const list = steps(normalizer, 'normalizers')
  if (list.some((step) => step.type === 'Lowercase')) return normalizer!
  return { type: 'Sequence', normalizers: [{ type: 'Lowercase' }, ...list] }
}

/** The files that preceded `tokenizer.json`. Rejects with ERR_MODEL_UNSUPPORTED if the folder contains only a sentencepiece model. */
export async function readVocabulary(folder: TokenizerFolder, family: TokenizerFamily, className: string): Promise<ModelDocument> {
  if (family.model === 'WordPiece') {
    const text = await readText(folder, 'vocab.txt')
    if (text !== undefined) return { type: 'WordPiece', vocab: vocabularyOfLines(text) }
  }
  if (family.model === 'BPE') {
    const [vocab, merges] = await Promise.all([readText(folder, 'vocab.json'), readText(folder, 'merges.txt')])
    if (vocab !== undefined && merges !== undefined) {
      return {
        type: 'BPE',
        vocab: parseObject(vocab, shown(folder, 'vocab.json')) as Record<string, number>,
        merges: mergesOfLines(merges),
      }
    }
    if (vocab !== undefined) throw malformed(shown(folder, 'merges.txt'), 'is missing, although vocab.json exists')
  }
  for (const name of ['sentencepiece.bpe.model', 'spiece.model', 'tokenizer.model']) {
    if (!(await hasFile(folder, name))) continue
    throw new SentorchError(
      'ERR_MODEL_UNSUPPORTED',
      `${shown(folder)} has a sentencepiece model (${name}) but no tokenizer.json. ` +
        `Create one with Python: AutoTokenizer.from_pretrained(folder).save_pretrained(folder).`,
      { detail: { folder: shown(folder), file: name } },
    )
  }
  const wanted = { WordPiece: 'vocab.txt', BPE: 'vocab.json with merges.txt', Unigram: 'no other file' }[family.model]
  throw new SentorchError(
    'ERR_MODEL_FORMAT',
    `${shown(folder)} contains no tokenizer. Expected tokenizer.json, or ${wanted} for ${className}.`,
    { detail: { folder: shown(folder), className } },
  )
}

/** The Unicode property White_Space. */
const WHITE_SPACE =
  '\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000'

/** One token per line; its id is the number of the line. Trailing white space is not part of the token; of two equal lines the later one counts. */
function vocabularyOfLines(text: string): Record<string, number> {
  return Object.fromEntries(linesOf(text).map((line, id) => [trimEnd(line, WHITE_SPACE), id]))
}

function mergesOfLines(text: string): string[] {
  return linesOf(text).filter((line) => !line.startsWith('#version'))
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}
