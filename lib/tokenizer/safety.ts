/** What a hostile tokenizer.json could do with the time and the memory of a process that only tokenizes texts. */
import { describe } from '../base/check'
import { SentorchError } from '../base/errors'
import { isObject } from '../files/fields'
import { steps, type Component, type TokenizerDocument } from './document'
import { longestReplacement } from './guards'
import { leastOfLinear } from './patterns'

/** Characters that all rules together may make of one. */
const MAX_GROWTH = 32
/** Characters of one word. WordPiece's time grows with the third power of them. */
const MAX_WORD = 256
const MAX_STEPS = 100

/** Throws ERR_UNSAFE_MODEL, naming the rule, where the time or the memory that a text takes is not known to be in proportion to its length. */
export function refuseUnsafe({ normalizer, pre_tokenizer, model }: TokenizerDocument, path: string): void {
  const fail = (what: string): never => {
    throw new SentorchError(
      'ERR_UNSAFE_MODEL',
      `The tokenizer of ${path} could take any time or memory: ${what}. If you trust where it comes from, load it with trustTokenizer: true.`,
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
      // The library also guesses what a step without a type is.
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

/** The fewest characters of a match, 1 without a pattern; undefined where a match could be empty, or could take long to find. */
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

/** What Unicode's own normalization makes of one character at most (U+FDFA). */
const COMPATIBILITY = 18

/** The largest number of characters that the rules so far make of one. The first rule of each kind that usual tokenizers have does not count. */
class Growth {
  factor = 1
  readonly #free = new Set<string>()

  /** `least`: characters of a match of the step's pattern. */
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
