/** What a tokenizer makes of characters that its vocabulary does not have; the tokenizers library looks for it only when a text needs it. */
import { printable } from '../base/printable'
import { modelType, steps, type ModelDocument, type TokenizerDocument } from './document'

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
