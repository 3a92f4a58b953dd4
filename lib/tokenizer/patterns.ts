/**
 * Which regular expressions (Oniguruma's syntax) are known to take time linear in the text. The tokenizers library ends the process where one
 * of them gives up, so whatever is not understood here counts as unsafe.
 */

const UPPER = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
const LOWER = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
const SHORT = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`
const FIRST = String.raw`[^\r\n\p{L}\p{N}]?`
const BLANKS = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`

/** Patterns of widespread tokenizers that the rules below do not cover. Each alternative that fails late is followed by one that matches there. */
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

/** Ways in which the characters before an unbounded repetition can be shared out, per place in the text. */
const MAX_WAYS = 1000
const MAX_LENGTH = 2000

/** Characters that a match has at least (never 0), or undefined where the pattern is not known to be linear. */
export function leastOfLinear(pattern: string): number | undefined {
  if (KNOWN.includes(pattern)) return 1
  const least = pattern.length > MAX_LENGTH ? undefined : leastOfAlternatives(pattern)
  return least === 0 ? undefined : least
}

/** A character, a class of them, or a group of words. */
const ATOM = String.raw`(?:\\[sSdDwWrntf]|\\[pP]\{\^?[A-Za-z_ ]+\}|\\[^\p{L}\p{N}\s]|\[\^?\]?(?:\\[sSdDwWrntf]|\\[pP]\{\^?[A-Za-z_ ]+\}|\\[^\p{L}\p{N}\s]|[^\[\]\\&])+\]|[^\\\[\]{}()*+?|^$])`
const WORDS = String.raw`\((?:\?i?:)?(?:[^\\\[\]{}()*+?|^$]|\\[^\p{L}\p{N}\s])+(?:\|(?:[^\\\[\]{}()*+?|^$]|\\[^\p{L}\p{N}\s])+)*\)`
const TIMES = String.raw`[*+?]|\{\d{1,2}(?:,\d{0,2})?\}`
const PIECE = new RegExp(`(?<atom>${ATOM}|${WORDS})(?<times>${TIMES})?(?<more>[*+?{])?`, 'uy')
const START = /\^|\\A/y
const END = /\$|\\z|\\Z/y

/**
 * The grammar is small: characters, classes and groups of words, each repeated or not. After the first unbounded repetition of an alternative
 * nothing may fail (all that follows may be absent): so no text is looked at twice.
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

/** The piece that begins at `place`, repeated `from` to `to` times; undefined where none does, or something that is not understood. */
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
