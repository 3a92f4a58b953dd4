import { SentorchError } from '../base/errors'
import { trimEnd } from '../base/trim'
import type { ModelDocument } from './document'
import type { TokenizerFamily } from './families'
import { hasFile, malformed, parseObject, readText, shown, type TokenizerFolder } from './files'

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
