import { isDeepStrictEqual } from 'node:util'
import { SentorchError } from '../errors'
import { modelType, steps, type Component, type ModelDocument, type TokenizerDocument } from './document'
import { DEFAULT_CLASS, FAMILIES, type SpecialName, type TokenizerFamily } from './families'
import { malformed, parseObject, readObject, readText, shown, type Json, type TokenizerFolder } from './files'
import { numberTokens, resolveTokens, type TokenSettings } from './tokens'
import { readVocabulary } from './vocabulary'

export interface ReadTokenizer {
  document: TokenizerDocument
  /** `document` as text, for the tokenizers library. */
  text: string
  /** The file that messages name. */
  path: string
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
  refuseSettings(settings, shown(folder, 'tokenizer_config.json'))
  const named = settings.tokenizer_class ?? modelConfig?.tokenizer_class ?? DEFAULT_CLASS[modelTypeOfConfig]
  const className = String(named).replace(/Fast$/, '')
  const family = Object.hasOwn(FAMILIES, className) ? FAMILIES[className] : undefined

  const path = shown(folder, 'tokenizer.json')
  const original = stored === undefined ? undefined : (parseObject(stored, path) as TokenizerDocument)
  const tokenSettings: TokenSettings = { config: settings, specialTokensMap, addedTokens, stored: original?.added_tokens ?? [] }
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
    const tokens = [...(original.added_tokens ?? []), ...resolveTokens(tokenSettings, undefined).added]
    document = {
      ...original,
      added_tokens: numberTokens([...new Map(tokens.map((token) => [token.content, token])).values()], original.model),
    }
  }
  if (doLowerCase) document = { ...document, normalizer: lowerCased(document.normalizer) }
  const unchanged = original !== undefined && isDeepStrictEqual(small(original), small(document))
  return { document, text: unchanged ? stored! : JSON.stringify(document), path: original ? path : shown(folder) }
}

/** Settings that would change the ids and that the tokenizers library for Node cannot follow. */
function refuseSettings(settings: Json, path: string): void {
  for (const [key, value] of [
    ['truncation_side', 'left'],
    ['split_special_tokens', true],
  ] as const) {
    if (settings[key] !== value) continue
    throw new SentorchError('ERR_MODEL_UNSUPPORTED', `${path} has ${key}: ${JSON.stringify(value)}, which is not supported.`, {
      detail: { path, key, value },
    })
  }
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
  const model: ModelDocument = { type: family.model, ...family.modelSettings(specials), vocab }
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

/** What decides about the ids, without the vocabulary, which is the stored one. */
function small({ added_tokens, normalizer, pre_tokenizer, post_processor, model }: TokenizerDocument): unknown {
  return { added_tokens, normalizer, pre_tokenizer, post_processor, model: { ...model, vocab: null, merges: null } }
}
