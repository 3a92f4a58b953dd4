import { describe } from '../base/check'
import { printable } from '../base/text'
import { modelType, steps, type AddedToken, type ModelDocument, type TokenizerDocument } from './document'

/** Detects invalid files for which the tokenizers library would abort the process instead of throwing. */

/** Limit on the length of a vocabulary entry: the library traverses and frees its character tree recursively. */
const MAX_PIECE = 2000

export function refuseFatal(document: TokenizerDocument): void {
  for (const step of steps(document.normalizer, 'normalizers')) {
    if (step.type === 'Prepend' && step.prepend === '') throw new Error('its Prepend step has an empty string')
    if (step.type === 'Precompiled' && !isSound(step.precompiled_charsmap)) throw new Error('its precompiled_charsmap is invalid')
  }
  for (const step of steps(document.pre_tokenizer, 'pretokenizers')) {
    if (step.type === 'FixedLength' && step.length === 0) throw new Error('its FixedLength step makes pieces of 0 characters')
  }
  const { model } = document
  if (Array.isArray(model.vocab) && model.vocab.some(([piece]) => piece?.length > MAX_PIECE)) {
    throw new Error(`its vocabulary has an entry of more than ${MAX_PIECE} characters`)
  }
  if (modelType(model) === 'BPE' && Array.isArray(model.merges)) refuseMerges(model, model.merges)
}

/** The library assumes that both parts of a merge and their concatenation are tokens. */
function refuseMerges({ continuing_subword_prefix, vocab }: ModelDocument, merges: readonly unknown[]): void {
  const prefix = typeof continuing_subword_prefix === 'string' ? continuing_subword_prefix : ''
  for (const merge of merges) {
    if (typeof merge === 'string' && merge.startsWith('#version')) continue
    const [left, right, ...rest] = (typeof merge === 'string' ? merge.split(' ') : merge) as unknown[]
    if (typeof left !== 'string' || typeof right !== 'string' || rest.length > 0)
      throw new Error('one of its merges does not consist of two tokens')
    const fail = (what: string) => new Error(`its merge ${describe(`${left} ${right}`)} ${what}`)
    if (!right.startsWith(prefix)) throw fail(`does not have the continuing_subword_prefix ${prefix}`)
    const whole = left + right.slice(prefix.length)
    if (![left, right, whole].every((token) => Object.hasOwn(vocab, token))) throw fail('uses tokens that are not in the vocabulary')
  }
}

/** An added token that is matched after normalization and is empty then would match between the bytes of a character. */
export function refuseVanishing(added: readonly AddedToken[], normalize: ((text: string) => string) | undefined): void {
  for (const { content, normalized } of added) {
    if (!normalized || content === '' || normalize?.(content) !== '') continue
    throw new Error(`its added token ${describe(content)} is empty after normalization`)
  }
}

/** Code points of the longest replacement in the table of a valid Precompiled normalizer. */
export function longestReplacement(charsmap: unknown): number {
  const bytes = Buffer.from(charsmap as string, 'base64')
  const texts = bytes.toString('utf8', 4 + bytes.readUInt32LE(0)).split('\0')
  return texts.reduce((most, text) => Math.max(most, [...text].length), 0)
}

/**
 * Whether searches in a Precompiled normalizer's table stay within it. The table consists of the size of a double array (darts-clone) in bytes,
 * its units, and the NUL-terminated replacements that its leaves point to.
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

/** Follows every path that a search could take. */
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

/** Whether a character starts at `start` and a NUL follows it. */
function endsWithNul(replacements: Buffer, start: number): boolean {
  return start < replacements.length && (replacements[start]! & 0xc0) !== 0x80 && replacements.indexOf(0, start) >= 0
}

/** The offset of a darts-clone unit, in units, applied with exclusive or. */
function offset(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6)
}

/** The token for characters outside the vocabulary. The tokenizers library looks it up only when a text needs it. */

/** Throws if a text with an unknown character could not be tokenized. */
export function refuseUnknownless(document: TokenizerDocument): void {
  const { model } = document
  const type = modelType(model)
  if (type === 'Unigram') {
    if (typeof model.unk_id !== 'number') throw new Error('its Unigram model has no unk_id, so unknown characters cannot be tokenized')
    return
  }
  const token = unknownToken(model, type)
  if (token === undefined || Object.hasOwn(model.vocab, token) || (type === 'BPE' && knowsEveryByte(document))) return
  throw new Error(`its unknown token ${printable(token)} is not in the vocabulary, so unknown words cannot be tokenized`)
}

/** Undefined for a BPE model that drops unknown characters. */
function unknownToken(model: ModelDocument, type: string): string | undefined {
  if (typeof model.unk_token === 'string') return model.unk_token
  return { WordPiece: '[UNK]', WordLevel: '<unk>' }[type]
}

/** Whether all bytes have a token, so that every character can be represented. */
function knowsEveryByte({ model, normalizer, pre_tokenizer }: TokenizerDocument): boolean {
  const all = [...steps(normalizer, 'normalizers'), ...steps(pre_tokenizer, 'pretokenizers')]
  const has = (token: string): boolean => Object.hasOwn(model.vocab, token)
  if (all.some((step) => step.type === 'ByteLevel')) return BYTE_LETTERS.every(has)
  return model.byte_fallback === true && BYTE_LETTERS.every((_, byte) => has(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`))
}

/** The 256 characters that byte-level tokenizers use for bytes: printable Latin-1 characters for themselves, characters from U+0100 on for the others. */
const BYTE_LETTERS: readonly string[] = [...letters()]

function* letters(): Generator<string> {
  let next = 0x100
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad)
    yield String.fromCharCode(printable ? byte : next++)
  }
}
