import { argmax, softmax } from '../base/math'
import { repairedEntities } from '../tags/schemes'
import type { Decoder } from '../tags/viterbi'
import type { Head } from './definition'
import type { Aggregation, PredictedEntity, PredictedToken, PredictedWord, ReadingOptions, TaggedText, TagPrediction } from './predictions'

/** What gets one tag: a word, or a token with aggregation 'none'. */
interface Unit {
  start: number
  end: number
  tokens: number[]
}

/** The tag of a unit, as an index into the labels; −1 (`O`) for a word without a token. */
interface Tag {
  tag: number
  score: number
}

type Request = Pick<ReadingOptions, 'aggregation' | 'words' | 'tokens' | 'logits'>

/** The prediction of a token-classification head for one text. `logits`: [tokens, labels]; `decoder`: for constrained prediction. */
export function tagText(
  head: Pick<Head, 'labels'>,
  text: TaggedText,
  logits: Float32Array,
  request: Request,
  decoder: Decoder | undefined,
): TagPrediction {
  const { labels } = head
  const ofToken = (token: number) => softmax(logits.subarray(token * labels.length, (token + 1) * labels.length))
  const words = wordsOf(text)
  const units = request.aggregation === 'none' ? tokensOf(text) : words
  const tags = chooseTags(
    units.map(({ tokens }) => (tokens.length > 0 ? aggregate(tokens, ofToken, request.aggregation) : undefined)),
    decoder,
  )
  return {
    entities: entitiesOf(text.text, units, tags, labels),
    ...(request.words && { words: wordTags(text.text, words, units, tags, labels) }),
    ...(request.tokens && { tokens: tokenTags(text, labels, ofToken) }),
    ...(request.logits && { logits }),
  }
}

function wordsOf({ words, wordOfToken }: TaggedText): Unit[] {
  const units = Array.from({ length: words.length / 2 }, (_, i): Unit => ({ start: words[2 * i]!, end: words[2 * i + 1]!, tokens: [] }))
  wordOfToken.forEach((word, token) => {
    if (word >= 0) units[word]!.tokens.push(token)
  })
  return units
}

/** All tokens except the special ones around the text. A token of white space has a tag too, and can separate entities. */
function tokensOf({ tokens, spans, before, after }: TaggedText): Unit[] {
  return Array.from({ length: tokens.length - before - after }, (_, i) => {
    const token = before + i
    return { start: spans[2 * token]!, end: spans[2 * token + 1]!, tokens: [token] }
  })
}

/** As in transformers' TokenClassificationPipeline, probabilities are averaged and compared, not logits. */
function aggregate(tokens: readonly number[], ofToken: (token: number) => Float64Array, aggregation: Aggregation): Float64Array {
  const first = ofToken(tokens[0]!)
  if (tokens.length === 1 || aggregation === 'first') return first
  const all = [first, ...tokens.slice(1).map(ofToken)]
  if (aggregation === 'max') return all[argmax(all.map((each) => each[argmax(each)]!))]!
  return first.map((_, label) => all.reduce((sum, each) => sum + each[label]!, 0) / all.length)
}

function chooseTags(units: readonly (Float64Array | undefined)[], decoder: Decoder | undefined): Tag[] {
  const tags = units.map((unit): Tag => (unit ? best(unit) : { tag: -1, score: 0 }))
  if (!decoder) return tags
  // A unit without a token is outside of entities, as the ends of the text are: the units between two of them are decoded separately.
  for (let start = 0; start < units.length;) {
    const lost = units.indexOf(undefined, start)
    const end = lost < 0 ? units.length : lost
    const part = units.slice(start, end) as Float64Array[]
    decoder(part.map((unit) => unit.map(logOf)))?.forEach((tag, i) => (tags[start + i] = { tag, score: part[i]![tag]! }))
    start = end + 1
  }
  return tags
}

function best(probabilities: Float64Array): Tag {
  const tag = argmax(probabilities)
  return { tag, score: probabilities[tag]! }
}

/** A probability too small for float64 must not make a tag impossible. */
function logOf(probability: number): number {
  return Math.log(Math.max(probability, Number.MIN_VALUE))
}

function entitiesOf(text: string, units: readonly Unit[], tags: readonly Tag[], labels: readonly string[]): PredictedEntity[] {
  return repairedEntities(tags.map(({ tag }) => labels[tag] ?? 'O')).flatMap(({ label, start: first, end: after }) => {
    // Some tokenizers include the space before a word in the word, or produce words of spaces.
    const whole = text.slice(units[first]!.start, units[after - 1]!.end)
    const inner = whole.trim()
    const start = units[first]!.start + whole.indexOf(inner)
    const score = tags.slice(first, after).reduce((sum, tag) => sum + tag.score, 0) / (after - first)
    return inner === '' ? [] : [{ label, text: inner, start, end: start + inner.length, score }]
  })
}

/** With aggregation 'none' a word gets the tag of its first token that is not white space. */
function wordTags(
  text: string,
  words: readonly Unit[],
  units: readonly Unit[],
  tags: readonly Tag[],
  labels: readonly string[],
): PredictedWord[] {
  const written = units.map((unit, i) => ({ ...unit, tag: tags[i]! })).filter((unit) => text.slice(unit.start, unit.end).trim() !== '')
  const byToken = new Map(written.map(({ tokens, tag }) => [tokens[0], tag]))
  return words.map(({ start, end, tokens }) => {
    const { tag, score } = tokens.map((token) => byToken.get(token)).find((found) => found !== undefined) ?? { tag: -1, score: 0 }
    return { text: text.slice(start, end), start, end, label: labels[tag] ?? 'O', score }
  })
}

function tokenTags({ tokens, spans, wordOfToken }: TaggedText, labels: readonly string[], ofToken: (token: number) => Float64Array) {
  return tokens.map((token, i): PredictedToken => {
    const { tag, score } = best(ofToken(i))
    return { token, start: spans[2 * i]!, end: spans[2 * i + 1]!, word: wordOfToken[i]!, label: labels[tag]!, score }
  })
}
