import { isObject } from '../files/fields'
import type { AddedToken, ModelDocument } from './document'
import { SPECIAL_NAMES, type SpecialName, type TokenizerFamily } from './families'
import type { Json } from './files'

/** The settings of a tokenizer folder that define special and added tokens. */
export interface TokenSettings {
  /** tokenizer_config.json */
  config: Json
  /** special_tokens_map.json and added_tokens.json: read only if tokenizer_config.json has no `added_tokens_decoder`. */
  specialTokensMap: Json | undefined
  addedTokens: Json | undefined
  /** `added_tokens` of tokenizer.json, if it exists. */
  stored: readonly (AddedToken & { id: number })[]
}

export interface ResolvedTokens {
  specials: Partial<Record<SpecialName, string>>
  added: AddedToken[]
}

/** The tokens that are matched in a text before it is split into words, combined as in transformers 5. */
export function resolveTokens(settings: TokenSettings, family: TokenizerFamily | undefined): ResolvedTokens {
  const listed = listedTokens(settings)
  const named: Json = { ...family?.specials, ...settings.config }
  if (!isObject(settings.config.added_tokens_decoder)) Object.assign(named, settings.specialTokensMap)

  // For a class whose tokenizer.json is used unchanged, its tokens come before the names in the settings.
  const kept = new Set(family ? [] : settings.stored.map(({ content }) => content))
  const byContent = new Map(listed.map((token) => [token.content, token]))
  const specials: Partial<Record<SpecialName, string>> = {}
  for (const name of SPECIAL_NAMES) {
    const value = named[name]
    const content = contentOf(value)
    if (content === undefined) continue
    specials[name] = content
    const known = byContent.get(content)
    if (known) known.special = true
    else if (!kept.has(content)) {
      const lstrip = name === 'mask_token' && family?.maskStripsLeft
      byContent.set(content, addedToken({ ...(isObject(value) ? value : { content, lstrip }), special: true }))
    }
  }
  for (const extra of extras(named, family)) {
    const content = contentOf(extra)
    if (content === undefined || byContent.has(content) || kept.has(content)) continue
    byContent.set(content, addedToken({ ...(isObject(extra) ? extra : { content }), special: true }))
  }
  return { specials, added: [...byContent.values()] }
}

/** Assigns ids as the tokenizers library does: the id in the vocabulary, or the next free one. */
export function numberTokens(tokens: readonly AddedToken[], { vocab }: ModelDocument): (AddedToken & { id: number })[] {
  const idOf = Array.isArray(vocab)
    ? positions(vocab, tokens)
    : (content: string) => (Object.hasOwn(vocab, content) ? vocab[content] : undefined)
  let next = Array.isArray(vocab) ? vocab.length : Object.keys(vocab).length
  return tokens.map((token) => ({ id: idOf(token.content) ?? next++, ...token }))
}

function positions(vocab: [string, number][], tokens: readonly AddedToken[]): (content: string) => number | undefined {
  const wanted = new Set(tokens.map((token) => token.content))
  const found = new Map<string, number>()
  vocab.forEach(([piece], id) => wanted.has(piece) && found.set(piece, id))
  return (content) => found.get(content)
}

function listedTokens({ config, specialTokensMap, addedTokens, stored }: TokenSettings): AddedToken[] {
  if (isObject(config.added_tokens_decoder)) {
    return inOrder(Object.entries(config.added_tokens_decoder).map(([id, token]) => [Number(id), addedToken(token as Json)]))
  }
  const named = { ...config, ...specialTokensMap }
  const special = new Set([...SPECIAL_NAMES.map((name) => contentOf(named[name])), ...extras(named).map(contentOf)])
  const old = Object.entries(addedTokens ?? {}).map(([content, id]): [number, AddedToken] => [
    Number(id),
    addedToken({ content, special: special.has(content) }),
  ])
  return inOrder([...old, ...stored.map((token): [number, AddedToken] => [token.id, addedToken(token as unknown as Json)])])
}

/** Keyed by id; of two tokens with the same id the later one counts. */
function inOrder(tokens: [number, AddedToken][]): AddedToken[] {
  return [...new Map(tokens)].sort(([a], [b]) => a - b).map(([, token]) => token)
}

/** Special tokens other than SPECIAL_NAMES: under their own names, or listed under the new or the old key. */
function extras(named: Json, family?: TokenizerFamily): unknown[] {
  const { extra_special_tokens: extra, additional_special_tokens: additional } = named
  const own = Object.entries(named).filter(([name, value]) => /_token$/.test(name) && typeof value === 'string' && !isSpecialName(name))
  const values = [...own.map(([, value]) => value), ...(isObject(extra) ? Object.values(extra) : [])]
  const givesNew = extra !== undefined && !isObject(extra) && !(isEmpty(extra) && additional !== undefined)
  const list = givesNew ? extra : additional === undefined ? family?.extraSpecials : additional
  return Array.isArray(list) ? [...values, ...(list as unknown[])] : values
}

function isEmpty(list: unknown): boolean {
  return !Array.isArray(list) || list.length === 0
}

function isSpecialName(name: string): boolean {
  return (SPECIAL_NAMES as readonly string[]).includes(name)
}

function contentOf(token: unknown): string | undefined {
  return typeof token === 'string' ? token : isObject(token) && typeof token.content === 'string' ? token.content : undefined
}

function addedToken(token: Json): AddedToken {
  const special = token.special === true
  return {
    content: String(token.content),
    single_word: token.single_word === true,
    lstrip: token.lstrip === true,
    rstrip: token.rstrip === true,
    normalized: typeof token.normalized === 'boolean' ? token.normalized : !special,
    special,
  }
}
