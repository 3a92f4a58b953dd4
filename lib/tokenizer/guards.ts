import { describe } from '../base/check'
import { printable } from '../base/text'
import { modelType, steps, type AddedToken, type ModelDocument, type TokenizerDocument } from './document'

/** Broken files on which the tokenizers library would end the process instead of throwing. */

/** The library walks down a tree of characters, and frees it, by recursion. */
const MAX_PIECE = 2000

export function refuseFatal(document: TokenizerDocument): void {
  for (const step of steps(document.normalizer, 'normalizers')) {
    if (step.type === 'Prepend' && step.prepend === '') throw new Error('its Prepend step prepends nothing')
    if (step.type === 'Precompiled' && !isSound(step.precompiled_charsmap)) throw new Error('its precompiled_charsmap is broken')
  }
  for (const step of steps(document.pre_tokenizer, 'pretokenizers')) {
    if (step.type === 'FixedLength' && step.length === 0) throw new Error('its FixedLength step makes pieces of 0 characters')
  }
  const { model } = document
  if (Array.isArray(model.vocab) && model.vocab.some(([piece]) => piece?.length > MAX_PIECE)) {
    throw new Error(`its vocabulary has a piece of more than ${MAX_PIECE} characters`)
  }
  if (modelType(model) === 'BPE' && Array.isArray(model.merges)) refuseMerges(model, model.merges)
}

/** The library takes it for granted that both parts and the whole of a merge are tokens. */
function refuseMerges({ continuing_subword_prefix, vocab }: ModelDocument, merges: readonly unknown[]): void {
  const prefix = typeof continuing_subword_prefix === 'string' ? continuing_subword_prefix : ''
  for (const merge of merges) {
    if (typeof merge === 'string' && merge.startsWith('#version')) continue
    const [left, right, ...rest] = (typeof merge === 'string' ? merge.split(' ') : merge) as unknown[]
    if (typeof left !== 'string' || typeof right !== 'string' || rest.length > 0) throw new Error('one of its merges is not of two tokens')
    const fail = (what: string) => new Error(`its merge ${describe(`${left} ${right}`)} ${what}`)
    if (!right.startsWith(prefix)) throw fail(`lacks the continuing_subword_prefix ${prefix}`)
    const whole = left + right.slice(prefix.length)
    if (![left, right, whole].every((token) => Object.hasOwn(vocab, token))) throw fail('is of tokens that are not in the vocabulary')
  }
}

/** An added token that is looked for after normalization, and of which nothing is left then, would be found between the bytes of a character. */
export function refuseVanishing(added: readonly AddedToken[], normalize: ((text: string) => string) | undefined): void {
  for (const { content, normalized } of added) {
    if (!normalized || content === '' || normalize?.(content) !== '') continue
    throw new Error(`nothing is left of its added token ${describe(content)} after normalization`)
  }
}

/** Code points of the longest replacement in the table of a Precompiled normalizer that is sound. */
export function longestReplacement(charsmap: unknown): number {
  const bytes = Buffer.from(charsmap as string, 'base64')
  const texts = bytes.toString('utf8', 4 + bytes.readUInt32LE(0)).split('\0')
  return texts.reduce((most, text) => Math.max(most, [...text].length), 0)
}

/**
 * Whether a search in a Precompiled normalizer's table stays within it. The table: size of a double array (darts-clone) in bytes, its
 * units, and the NUL-terminated replacements that its leaves point at.
 */
function isSound(charsmap: unknown): boolean {
  if (typeof charsmap !== 'string' || charsmap.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(charsmap)) return false
  const bytes = Buffer.from(charsmap, 'base64')
  if (bytes.length < 8) return false
  const size = bytes.readUInt32LE(0)
  if (size % 4 !== 0 || size === 0 || 4 + size > bytes.length) return false
  const replacements = bytes.subarray(4 + size)
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(replacements)
  } catch {
    return false
  }
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => bytes.readUInt32LE(4 + 4 * i))
  return leavesAreInside(units, replacements)
}

/** Walks every path, as a search for any text could. */
function leavesAreInside(units: Uint32Array, replacements: Buffer): boolean {
  const seen = new Uint8Array(units.length)
  const bases = [offset(units[0]!)]
  for (let base = bases.pop(); base !== undefined; base = bases.pop()) {
    if ((base | 0xff) >= units.length) return false
    if (seen[base]) continue
    seen[base] = 1
    for (let label = 1; label < 256; label++) {
      const place = base ^ label
      const unit = units[place]!
      if ((unit & 0x800000ff) !== label) continue
      const next = place ^ offset(unit)
      if (unit & 0x100 && !endsWithNul(replacements, units[next]! & 0x7fffffff)) return false
      bases.push(next)
    }
  }
  return true
}

/** Whether a character starts at `start`, and a NUL follows somewhere. */
function endsWithNul(replacements: Buffer, start: number): boolean {
  return start < replacements.length && (replacements[start]! & 0xc0) !== 0x80 && replacements.indexOf(0, start) >= 0
}

/** darts-clone's: in units, relative by exclusive or. */
function offset(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6)
}

/** What a tokenizer makes of characters that its vocabulary does not have; the tokenizers library looks for it only when a text needs it. */

/** Throws where a text with an unknown character could not be tokenized. */
export function refuseUnknownless(document: TokenizerDocument): void {
  const { model } = document
  const type = modelType(model)
  if (type === 'Unigram') {
    if (typeof model.unk_id !== 'number') throw new Error('its Unigram model has no unk_id: unknown characters would have no token')
    return
  }
  const token = unknownToken(model, type)
  if (token === undefined || Object.hasOwn(model.vocab, token) || (type === 'BPE' && knowsEveryByte(document))) return
  throw new Error(`its unknown token ${printable(token)} is not in the vocabulary: unknown words would have no token`)
}

/** Undefined: a BPE model that drops unknown characters. */
function unknownToken(model: ModelDocument, type: string): string | undefined {
  if (typeof model.unk_token === 'string') return model.unk_token
  return { WordPiece: '[UNK]', WordLevel: '<unk>' }[type]
}

/** Whether every character is made of bytes that all have a token. */
function knowsEveryByte({ model, normalizer, pre_tokenizer }: TokenizerDocument): boolean {
  const all = [...steps(normalizer, 'normalizers'), ...steps(pre_tokenizer, 'pretokenizers')]
  const has = (token: string): boolean => Object.hasOwn(model.vocab, token)
  if (all.some((step) => step.type === 'ByteLevel')) return BYTE_LETTERS.every(has)
  return model.byte_fallback === true && BYTE_LETTERS.every((_, byte) => has(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`))
}

/** The 256 letters that byte-level tokenizers write for bytes: printable ones of Latin-1 for themselves, for the others those from U+0100 on. */
const BYTE_LETTERS: readonly string[] = [...letters()]

function* letters(): Generator<string> {
  let next = 0x100
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad)
    yield String.fromCharCode(printable ? byte : next++)
  }
}
