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
   * `document` as text, for the tokenizers library: written anew, so that nothing reaches it that was not looked at (a key given twice), and
   * without the parts that only decoding or whole batches use.
   */
  text: string
  /** The file that messages name. */
  path: string
  /** What a careful user should know of it. */
  notes: string[]
}

/**
 * The tokenizer of a model folder as one `tokenizer.json`, equal in effect to what transformers 5 makes of the folder.
 * `modelTypeOfConfig` decides about the class where the folder names none.
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
        `${shown(folder)} has no tokenizer.json, and its tokenizer class ${className} cannot be made from other files. ` +
          `Save one with Python: AutoTokenizer.from_pretrained(folder).save_pretrained(folder).`,
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

/** Settings that would change the ids and that the tokenizers library for Node cannot follow. */
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
    `The tokenizer class of ${path} is ${printable(className)}: transformers does its work in Python, whatever tokenizer.json says. ` +
      'If tokenizer.json gives the ids that the model was trained with, set tokenizer_class to PreTrainedTokenizerFast.',
    { detail: { path, className } },
  )
}

function otherModel(className: string, family: TokenizerFamily, model: ModelDocument): string {
  return (
    `The tokenizer class ${className} is one of ${family.model}, but tokenizer.json holds ${printable(modelType(model))}: ` +
    'it is used as it is, as transformers 4 did. transformers 5 may give other ids.'
  )
}

function notRebuilt(className: string): string {
  return (
    `The tokenizer class ${printable(className)} is not one that sentorch knows: tokenizer.json is used as it is. ` +
    'transformers 5 may give other ids if it makes this class anew from the vocabulary.'
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

/** sentence-transformers' `do_lower_case`: a Lowercase step goes first, unless there is one. A BertNormalizer does not count as one. */
function lowerCased(normalizer: Component | null): Component {
  const list = steps(normalizer, 'normalizers')
  if (list.some((step) => step.type === 'Lowercase')) return normalizer!
  return { type: 'Sequence', normalizers: [{ type: 'Lowercase' }, ...list] }
}

/** The files that came before `tokenizer.json`. Rejects with ERR_MODEL_UNSUPPORTED where only a sentencepiece model lies in the folder. */
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
    if (vocab !== undefined) throw malformed(shown(folder, 'merges.txt'), 'is missing, although there is a vocab.json')
  }
  for (const name of ['sentencepiece.bpe.model', 'spiece.model', 'tokenizer.model']) {
    if (!(await hasFile(folder, name))) continue
    throw new SentorchError(
      'ERR_MODEL_UNSUPPORTED',
      `${shown(folder)} has a sentencepiece model (${name}) but no tokenizer.json. ` +
        `Save one with Python: AutoTokenizer.from_pretrained(folder).save_pretrained(folder).`,
      { detail: { folder: shown(folder), file: name } },
    )
  }
  const wanted = { WordPiece: 'vocab.txt', BPE: 'vocab.json with merges.txt', Unigram: 'nothing else' }[family.model]
  throw new SentorchError(
    'ERR_MODEL_FORMAT',
    `No tokenizer in ${shown(folder)}: looked for tokenizer.json, and for ${wanted} as ${className} would have it.`,
    { detail: { folder: shown(folder), className } },
  )
}

/** Unicode's property of that name. */
const WHITE_SPACE =
  '\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000'

/** One token a line, its id the line's number. White space at a line's end does not belong to the token; of two equal lines the later counts. */
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
