import { SentorchError } from '../base/errors'
import { isObject } from '../files/fields'
import type { LongRuns, SteadyCharacters } from './cut'

/** The parts of `tokenizer.json` that this library examines. Everything else is passed on unchanged. */

export interface Component {
  type: string
  [key: string]: unknown
}

export interface AddedToken {
  content: string
  single_word: boolean
  lstrip: boolean
  rstrip: boolean
  normalized: boolean
  special: boolean
}

export interface ModelDocument {
  type?: string
  vocab: Record<string, number> | [string, number][]
  merges?: unknown
  [key: string]: unknown
}

export interface TokenizerDocument {
  added_tokens: (AddedToken & { id: number })[]
  normalizer: Component | null
  pre_tokenizer: Component | null
  post_processor: Component | null
  model: ModelDocument
  [key: string]: unknown
}

/** Files written by the tokenizers library before 0.10 do not name the type of the model. */
export function modelType(model: ModelDocument): string {
  return model.type ?? (model.merges !== undefined ? 'BPE' : Array.isArray(model.vocab) ? 'Unigram' : 'WordPiece')
}

/** The steps of a normalizer or pre-tokenizer, in order. `list` is the key under which a Sequence stores them. */
export function steps(component: Component | null, list: 'normalizers' | 'pretokenizers' | 'processors'): Component[] {
  if (component === null) return []
  return component.type === 'Sequence' ? (component[list] as Component[]).flatMap((step) => steps(step, list)) : [component]
}

/** The special tokens before and after the tokens of one text. */
export interface Surroundings {
  before: number[]
  after: number[]
}

/**
 * The special tokens that a post-processor adds around one text. They are added here, after the cut, so that one tokenizer serves every limit.
 * Throws ERR_MODEL_UNSUPPORTED if a post-processor does more than that.
 */
export function readSurroundings(postProcessor: Component | null, path: string): Surroundings {
  return steps(postProcessor, 'processors').reduce<Surroundings>(
    ({ before, after }, step) => {
      const inner = surroundingsOf(step, path)
      return { before: [...inner.before, ...before], after: [...after, ...inner.after] }
    },
    { before: [], after: [] },
  )
}

function surroundingsOf(step: Component, path: string): Surroundings {
  if (step.type === 'ByteLevel') return { before: [], after: [] }
  if (step.type === 'BertProcessing' || step.type === 'RobertaProcessing') {
    return { before: [tokenId(step.cls)], after: [tokenId(step.sep)] }
  }
  if (step.type !== 'TemplateProcessing' || !Array.isArray(step.single)) throw unsupported(step, path)
  const around: Surroundings = { before: [], after: [] }
  let texts = 0
  for (const piece of step.single) {
    if (!isObject(piece)) throw unsupported(step, path)
    if (isObject(piece.Sequence)) {
      if (piece.Sequence.id !== 'A' || piece.Sequence.type_id !== 0) throw unsupported(step, path)
      texts++
      continue
    }
    if (!isObject(piece.SpecialToken) || piece.SpecialToken.type_id !== 0 || !isObject(step.special_tokens)) throw unsupported(step, path)
    const entry = step.special_tokens[piece.SpecialToken.id as string]
    if (!isObject(entry) || !Array.isArray(entry.ids)) throw unsupported(step, path)
    around[texts === 0 ? 'before' : 'after'].push(...(entry.ids as number[]))
  }
  if (texts !== 1) throw unsupported(step, path)
  return around
}

function tokenId(pair: unknown): number {
  return (pair as [string, number])[1]
}

function unsupported(step: Component, path: string): SentorchError {
  return new SentorchError(
    'ERR_MODEL_UNSUPPORTED',
    `The post-processor '${step.type}' of ${path} does more than add special tokens of type 0 around a text.`,
    { detail: { path, type: step.type } },
  )
}

/** Describes where a text can be cut, or a prefix of it tokenized, without changing the ids of what precedes. */
export interface Pipeline {
  /** The parts on both sides of a single space between letters, digits or closing punctuation have the same tokens as the whole text. */
  splitsAtSpaces: boolean
  /** White space has no tokens, so a text may be cut before any white space. */
  dropsSpaces: boolean
  /**
   * Among this many consecutive steady characters, at least one is at the end of a token or of a word treated as unknown.
   * 0 if no such number is known.
   */
  window: number
  /** The characters to which `window` applies. */
  steady: SteadyCharacters
  /** White space that is dropped anyway, and words too long for the vocabulary, which become one unknown token. */
  longRuns: LongRuns
}

/** Vocabularies with longer tokens exist (long rows of dashes), but checking that many prefixes costs more than it saves. */
const MAX_WINDOW = 512

const LOCAL_NORMALIZERS = ['BertNormalizer', 'Lowercase', 'NFC', 'NFD', 'NFKC', 'NFKD', 'StripAccents', 'Precompiled', 'Strip']
const DROPPING_PRE_TOKENIZERS = ['BertPreTokenizer', 'WhitespaceSplit', 'Whitespace']

/** Only kinds of steps that were analysed are listed. With any other step, texts are tokenized as a whole. */
export function analysePipeline({ model, normalizer, pre_tokenizer, added_tokens }: TokenizerDocument): Pipeline {
  const none: Pipeline = { splitsAtSpaces: false, dropsSpaces: false, window: 0, steady: 'ascii', longRuns: { classes: [], keep: 1 } }
  if (model.dropout || added_tokens.some((token) => /\s/.test(token.content) || token.rstrip)) return none

  const normalizers = steps(normalizer, 'normalizers')
  const [first, ...rest] = steps(pre_tokenizer, 'pretokenizers')
  if (first === undefined) return none
  const dropsSpaces = DROPPING_PRE_TOKENIZERS.includes(first.type)
  const restIsLocal = rest.every((step) => ['Metaspace', 'Punctuation', 'Digits'].includes(step.type))
  const marksSpaces =
    rest.length === 0 &&
    (first.type === 'Metaspace'
      ? first.split !== false && first.prepend_scheme !== 'first'
      : first.type === 'ByteLevel' && first.use_regex !== false)
  const strips = normalizers.some((step) => step.type === 'Strip')
  const readded =
    first.type === 'Metaspace' && (first.prepend_scheme ?? (first.add_prefix_space === false ? 'never' : 'always')) === 'always'
  const normalizersAreLocal = normalizers.every(
    (step) => LOCAL_NORMALIZERS.includes(step.type) || (step.type === 'Replace' && isSpaces(step)),
  )
  if (!normalizersAreLocal || !((dropsSpaces && restIsLocal) || marksSpaces) || (strips && marksSpaces && !readded)) return none

  const longest = longestToken(model)
  const type = modelType(model)
  const wordPiece = type === 'WordPiece'
  const longestWord = wordPiece ? ((model.max_input_chars_per_word as number | undefined) ?? 100) : 0
  const plainBpe = type === 'BPE' && !model.ignore_merges && !model.continuing_subword_prefix && !model.end_of_word_suffix
  const longestAdded = added_tokens.reduce((most, token) => Math.max(most, token.content.length), 0)
  const window = Math.max(longest, longestAdded, longestWord) + 2
  const provable = (wordPiece || plainBpe || type === 'Unigram') && window <= MAX_WINDOW && !added_tokens.some((token) => token.single_word)
  // A byte-level token may end inside a character, and its spaces belong to a token that includes the white space before it.
  const bytes = first.type === 'ByteLevel' || type === 'BPE'
  const keepsSpaces = normalizers.length === 0 && !added_tokens.some((token) => token.lstrip)
  const steady = !bytes ? 'letters' : first.type === 'ByteLevel' && keepsSpaces ? 'ascii and white space' : 'ascii'
  const classes = []
  if (dropsSpaces) classes.push(String.raw` \t\n`)
  // An added token inside a long word would end the word.
  if (dropsSpaces && wordPiece && added_tokens.every((token) => /[^A-Za-z0-9]/.test(token.content))) classes.push('A-Za-z0-9')
  return {
    splitsAtSpaces: true,
    dropsSpaces,
    window: provable ? window : 0,
    steady,
    longRuns: { classes, keep: Math.max(1, longestWord + longestAdded) },
  }
}

function isSpaces(step: Component): boolean {
  const { String: string, Regex: regex } = (step.pattern ?? {}) as { String?: string; Regex?: string }
  return (regex === ' {2,}' || (string !== undefined && /^ {2,}$/.test(string))) && (step.content === ' ' || step.content === '▁')
}

function longestToken({ vocab }: TokenizerDocument['model']): number {
  let longest = 0
  if (Array.isArray(vocab)) for (const [piece] of vocab) longest = Math.max(longest, piece.length)
  else for (const token in vocab) longest = Math.max(longest, token.length)
  return longest
}
