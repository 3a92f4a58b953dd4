// Sentences with an intent and slots, generated from the grammar: the same ones on every machine, for every seed.
// 2 to 19 words each, 9 on average, as in requests to assistants (SNIPS: 9 on average). Three percent have a typing error.
import { randomFrom } from '../../scripts/support/random.mjs'
import { SLOTS, TEMPLATES } from './grammar.mjs'

/** Resolves `(a|b)` from the inside out. */
function chosen(template, random) {
  const inner = /\(([^()]*)\)/
  while (inner.test(template)) template = template.replace(inner, (_, options) => random.pick(options.split('|')))
  return template
}

function valueOf(slot, random) {
  const { parts, glue = ' ' } = random.pick(SLOTS[slot])
  return parts.map((list) => random.pick(list)).join(glue)
}

/** Swaps two neighbouring letters. */
function mistyped(word, random) {
  if (word.length < 4) return word
  const at = 1 + random.below(word.length - 2)
  return word.slice(0, at) + word[at + 1] + word[at] + word.slice(at + 2)
}

function utterance(random) {
  const intent = random.pick(Object.keys(TEMPLATES))
  const words = []
  const tags = []
  for (const piece of chosen(random.pick(TEMPLATES[intent]), random).match(/\{\w+\}|[^{\s]+/g)) {
    const slot = /^\{(\w+)\}$/.exec(piece)?.[1]
    const said = slot ? valueOf(slot, random).split(' ') : [piece]
    words.push(...said)
    tags.push(...said.map((_, i) => (!slot ? 'O' : i === 0 ? `B-${slot}` : `I-${slot}`)))
  }
  if (random.chance(0.03)) {
    const at = random.below(words.length)
    words[at] = mistyped(words[at], random)
  }
  return { intent, words: random.chance(0.5) ? words.map((word) => word.toLowerCase()) : words, tags }
}

/** `count` different sentences, excluding those in `without`. Each: `intent`, `words`, `tags` (IOB2, one per word). */
export function utterances(count, seed, without = new Set()) {
  const random = randomFrom(seed)
  const seen = new Set(without)
  const made = []
  while (made.length < count) {
    const next = utterance(random)
    const text = next.words.join(' ').toLowerCase()
    if (seen.has(text)) continue
    seen.add(text)
    made.push(next)
  }
  return made
}

/** Passages of whole sentences. Their lengths are log-normal, as those of paragraphs: a median of 140 words, cut at 40 and 220. */
export function passages(count, sentences, seed) {
  const random = randomFrom(seed)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
  return Array.from({ length: count }, () => {
    const length = Math.min(220, Math.max(40, Math.round(140 * Math.exp(0.35 * normal()))))
    const words = []
    while (words.length < length) {
      const [first, ...rest] = random.pick(sentences).split(' ')
      words.push(first[0].toUpperCase() + first.slice(1), ...rest)
      words[words.length - 1] += '.'
    }
    return words.join(' ')
  })
}
