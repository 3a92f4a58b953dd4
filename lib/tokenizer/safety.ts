import { describe } from '../base/check'
import { SentorchError } from '../base/errors'
import { isObject } from '../files/fields'
import { steps, type Component, type TokenizerDocument } from './document'
import { longestReplacement } from './guards'

/** Detects tokenizer files that could make the tokenization of a text take excessive time or memory. */

/** Maximum number of characters that all rules together may produce from one. */
const MAX_GROWTH = 32
/** Maximum length of a word. WordPiece's time grows with the third power of it. */
const MAX_WORD = 256
const MAX_STEPS = 100

/** Throws ERR_UNSAFE_MODEL, with the rule, unless time and memory are known to be linear in the length of a text. */
export function refuseUnsafe({ normalizer, pre_tokenizer, model }: TokenizerDocument, path: string): void {
  const fail = (what: string): never => {
    throw new SentorchError(
      'ERR_UNSAFE_MODEL',
      `The tokenizer of ${path} could need unlimited time or memory: ${what}. If you trust its source, load it with trustTokenizer: true.`,
      { detail: { path } },
    )
  }
  const lists = [
    { part: 'normalizer', list: steps(normalizer, 'normalizers') },
    { part: 'pre_tokenizer', list: steps(pre_tokenizer, 'pretokenizers') },
  ]
  const growth = new Growth()
  for (const { part, list } of lists) {
    if (list.length > MAX_STEPS) fail(`its ${part} has ${list.length} steps, more than ${MAX_STEPS}`)
    for (const [i, step] of list.entries()) {
      const name = `step ${i + 1} of its ${part}, ${describe(step.type)},`
      // The library also guesses the type of a step without one.
      if (typeof step.type !== 'string') fail(`step ${i + 1} of its ${part} has no type`)
      const least = leastOf(step.pattern)
      if (least === undefined) fail(`${name} has a pattern that is not known to be linear: ${describe(patternOf(step.pattern))}`)
      growth.add(step, least!)
      if (!(growth.factor <= MAX_GROWTH)) fail(`up to ${name} its rules can make a text more than ${MAX_GROWTH} times as long`)
    }
  }
  const word = model.max_input_chars_per_word
  if (typeof word === 'number' && word > MAX_WORD) fail(`its max_input_chars_per_word is ${word}, more than ${MAX_WORD}`)
}

/** Minimum length of a match, 1 without a pattern; undefined if a match could be empty or take long to find. */
function leastOf(pattern: unknown): number | undefined {
  if (pattern === undefined) return 1
  const text = patternOf(pattern)
  if (text === undefined) return undefined
  return (pattern as Component).Regex === undefined ? lengthOf(text) || undefined : leastOfLinear(text)
}

function patternOf(pattern: unknown): string | undefined {
  if (!isObject(pattern) || Object.keys(pattern).length !== 1) return undefined
  const text = pattern.String ?? pattern.Regex
  return typeof text === 'string' ? text : undefined
}

/** Maximum length of Unicode's own normalization of one character (U+FDFA). */
const COMPATIBILITY = 18

/** Upper bound for the growth of a text under the rules so far. The first rule of each kind in common tokenizers is not counted. */
class Growth {
  factor = 1
  readonly #free = new Set<string>()

  /** `least`: minimum length of a match of the step's pattern. */
  add(step: Component, least: number): void {
    if (step.type === 'Replace') this.factor *= Math.max(1, lengthOf(step.content) / least)
    if (step.type === 'Prepend') this.factor *= 1 + lengthOf(step.prepend)
    if (step.type === 'Precompiled') this.#group('compatibility', longestReplacement(step.precompiled_charsmap), COMPATIBILITY)
    if (step.type === 'NFKC' || step.type === 'NFKD') this.#group('compatibility', COMPATIBILITY, COMPATIBILITY)
    if (step.type === 'NFC' || step.type === 'NFD') this.#group('letters', 4, 4)
    if (step.type === 'Lowercase') this.#group('letters', 2, 2)
    if (step.type === 'BertNormalizer') this.#group('letters', 8, 8)
    if (step.type === 'ByteLevel') this.#group('bytes', 4, 4)
    if (step.type === 'Metaspace') this.#group('spaces', 2, 2)
  }

  #group(kind: string, factor: number, free: number): void {
    this.factor *= Math.max(1, this.#free.has(kind) ? factor : factor / free)
    this.#free.add(kind)
  }
}

/** In code points. */
function lengthOf(text: unknown): number {
  return typeof text === 'string' ? [...text].length : 0
}

/**
 * Decides which regular expressions (in Oniguruma's syntax) are known to take linear time. The tokenizers library aborts the process if a search
 * gives up, so a pattern that is not understood here counts as unsafe.
 */

const UPPER = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
const LOWER = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
const SHORT = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`
const FIRST = String.raw`[^\r\n\p{L}\p{N}]?`
const BLANKS = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`

/** Patterns of common tokenizers that the rules below do not cover. Each alternative that fails late is followed by one that matches there. */
const KNOWN: readonly string[] = [
  // GPT-2, RoBERTa
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  String.raw`'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  // GPT-4, Llama 3; Qwen 2; Qwen 3.5
  ...[String.raw`\p{N}{1,3}`, String.raw`\p{N}`].map(
    (digits) => String.raw`${SHORT}|${FIRST}\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|${BLANKS}`,
  ),
  String.raw`${SHORT}|${FIRST}[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|${BLANKS}`,
  // GPT-4o; Mistral
  String.raw`${FIRST}${UPPER}*${LOWER}+${SHORT}?|${FIRST}${UPPER}+${LOWER}*${SHORT}?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|${BLANKS}`,
  String.raw`${FIRST}${UPPER}*${LOWER}+|${FIRST}${UPPER}+${LOWER}*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|${BLANKS}`,
  // DeepSeek V3
  '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|' +
    String.raw`[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|${BLANKS}`,
]

/** Number of ways to distribute the characters before an unbounded repetition, per position in the text. */
const MAX_WAYS = 1000
const MAX_LENGTH = 2000

/** Minimum length of a match (never 0), or undefined if the pattern is not known to be linear. */
export function leastOfLinear(pattern: string): number | undefined {
  if (KNOWN.includes(pattern)) return 1
  const least = pattern.length > MAX_LENGTH ? undefined : leastOfAlternatives(pattern)
  return least === 0 ? undefined : least
}

/** A character, a character class, or a group of words. */
const ATOM = String.raw`(?:\\[sSdDwWrntf]|\\[pP]\{\^?[A-Za-z_ ]+\}|\\[^\p{L}\p{N}\s]|\[\^?\]?(?:\\[sSdDwWrntf]|\\[pP]\{\^?[A-Za-z_ ]+\}|\\[^\p{L}\p{N}\s]|[^\[\]\\&])+\]|[^\\\[\]{}()*+?|^$])`
const WORDS = String.raw`\((?:\?i?:)?(?:[^\\\[\]{}()*+?|^$]|\\[^\p{L}\p{N}\s])+(?:\|(?:[^\\\[\]{}()*+?|^$]|\\[^\p{L}\p{N}\s])+)*\)`
const TIMES = String.raw`[*+?]|\{\d{1,2}(?:,\d{0,2})?\}`
const PIECE = new RegExp(`(?<atom>${ATOM}|${WORDS})(?<times>${TIMES})?(?<more>[*+?{])?`, 'uy')
const START = /\^|\\A/y
const END = /\$|\\z|\\Z/y

/**
 * The grammar is small: characters, classes and groups of words, each with an optional repetition. After the first unbounded repetition of an
 * alternative nothing may fail (everything that follows is optional), so no text is scanned twice.
 */
function leastOfAlternatives(pattern: string): number | undefined {
  let fewest = Infinity
  for (let place = 0; ; place++) {
    place += take(START, pattern, place)
    let [least, ways, unbounded] = [0, 1, false]
    for (let piece = pieceAt(pattern, place); piece !== undefined; piece = pieceAt(pattern, place)) {
      const { least: one, from, to } = piece
      if (unbounded && from > 0) return undefined
      if (to === Infinity) unbounded = true
      else ways *= 1 + to - from
      if (ways > MAX_WAYS || to < from) return undefined
      least += from * one
      place = piece.end
    }
    const end = take(END, pattern, place)
    if (end > 0 && unbounded) return undefined
    place += end
    fewest = Math.min(fewest, least)
    if (place === pattern.length) return fewest
    if (pattern[place] !== '|') return undefined
  }
}

/** The element that begins at `place`, repeated `from` to `to` times; undefined if there is none or it is not understood. */
function pieceAt(pattern: string, place: number): { least: number; from: number; to: number; end: number } | undefined {
  PIECE.lastIndex = place
  const { atom, times, more } = PIECE.exec(pattern)?.groups ?? {}
  if (atom === undefined || more !== undefined) return undefined
  const [from, to] = range(times)
  return { least: atom.startsWith('(') ? shortestWord(atom) : 1, from, to, end: PIECE.lastIndex }
}

function take(what: RegExp, pattern: string, place: number): number {
  what.lastIndex = place
  return what.exec(pattern)?.[0].length ?? 0
}

function range(times: string | undefined): [number, number] {
  if (times === undefined) return [1, 1]
  if (times === '?') return [0, 1]
  if (times === '*') return [0, Infinity]
  if (times === '+') return [1, Infinity]
  const [from, to] = times.slice(1, -1).split(',')
  return [Number(from), to === undefined ? Number(from) : to === '' ? Infinity : Number(to)]
}

function shortestWord(group: string): number {
  const words = group.replace(/^\((\?i?:)?|\)$/g, '').split('|')
  return Math.min(...words.map((word) => word.replace(/\\(.)/g, '$1').length))
}
