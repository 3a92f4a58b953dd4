import { isAllowed, schemeOfLabels } from '../../lib/tags/schemes'
import type { Aggregation, TaggedText } from '../../lib/heads/predictions'
import { softmax } from '../../lib/base/math'
import { tagText } from '../../lib/heads/tagging'
import { decoderOf } from '../../lib/tags/viterbi'
import { sure } from '../support/fake-predict'
import { randomNumbers } from '../support/random'

const BIO = ['O', 'B-a', 'I-a', 'B-b', 'I-b']
const plain = { aggregation: 'first' as Aggregation, words: false, tokens: false, logits: false }

/** Each token as [name, start, end, word]. */
function textOf(text: string, words: [number, number][], tokens: [string, number, number, number][]): TaggedText {
  return {
    text,
    words: Int32Array.from(words.flat()),
    tokens: tokens.map(([name]) => name),
    spans: Int32Array.from(tokens.flatMap(([, start, end]) => [start, end])),
    wordOfToken: Int32Array.from(tokens.map(([, , , word]) => word)),
    before: tokens[0]?.[3] === -1 ? 1 : 0,
    after: tokens.at(-1)?.[3] === -1 ? 1 : 0,
  }
}

/** Words of one token each, between two special tokens. */
function ofWords(words: string[]): TaggedText {
  let place = 0
  const places = words.map((word): [number, number] => {
    place += word.length + 1
    return [place - 1 - word.length, place - 1]
  })
  return textOf(words.join(' '), places, [
    ['[CLS]', 0, 0, -1],
    ...places.map(([start, end], i): [string, number, number, number] => [words[i]!, start, end, i]),
    ['[SEP]', 0, 0, -1],
  ])
}

function logitsOf(labels: string[], tags: string[]): Float32Array {
  return Float32Array.from(tags.flatMap((tag) => sure(labels.length, labels.indexOf(tag))))
}

/** Of words of one token with these tags, as 'label start-end'. */
function entities(labels: string[], tags: string[], constrained = false): string[] {
  const text = ofWords(tags.map((_, i) => `w${i}`))
  const logits = logitsOf(labels, [labels[1]!, ...tags, labels[1]!])
  const { entities: found } = tagText({ labels }, text, logits, plain, constrained ? decoderOf(labels) : undefined)
  return found.map(({ label, text: part }) => `${label}: ${part}`)
}

describe('entities of tags', () => {
  const ioBES = ['O', 'B-a', 'I-a', 'E-a', 'S-a', 'B-b', 'I-b', 'E-b', 'S-b']
  test.each([
    ['well formed', BIO, ['B-a', 'I-a', 'O', 'B-b', 'B-b'], ['a: w0 w1', 'b: w3', 'b: w4']],
    ['I after O begins one', BIO, ['O', 'I-a', 'I-a'], ['a: w1 w2']],
    ['I of another label begins one', BIO, ['B-a', 'I-b', 'I-b'], ['a: w0', 'b: w1 w2']],
    ['IOBES', ioBES, ['B-a', 'I-a', 'E-a', 'S-a', 'S-b'], ['a: w0 w1 w2', 'a: w3', 'b: w4']],
    [
      'IOBES: an end without a beginning, a beginning without an end',
      ioBES,
      ['E-a', 'B-b', 'O', 'I-a', 'E-a'],
      ['a: w0', 'b: w1', 'a: w3 w4'],
    ],
    ['BILOU', ['O', 'B-a', 'I-a', 'L-a', 'U-a'], ['B-a', 'L-a', 'U-a', 'L-a'], ['a: w0 w1', 'a: w2', 'a: w3']],
    ['plain labels', ['O', 'noun', 'verb'], ['noun', 'noun', 'verb', 'O'], ['noun: w0 w1', 'verb: w2']],
    ['nothing', BIO, ['O', 'O'], []],
    ['no words', BIO, [], []],
  ])('%s', (_name, labels, tags, expected) => {
    expect(entities(labels, tags)).toEqual(expected)
  })

  test('the score is the mean over the words', () => {
    const [p, q] = [softmax([0, 2, 0])[1]!, softmax([0, 0, 5])[2]!]
    const logits = Float32Array.from([sure(3, 0), [0, 2, 0], [0, 0, 5], sure(3, 0)].flat())
    const { entities: found } = tagText({ labels: ['O', 'B-a', 'I-a'] }, ofWords(['x', 'y']), logits, plain, undefined)
    expect(found).toEqual([{ label: 'a', text: 'x y', start: 0, end: 3, score: expect.closeTo((p + q) / 2, 12) }])
  })

  test('places are UTF-16 units, without the space that a token takes along', () => {
    const text = '😀 New  York 😀'
    const tagged = textOf(text, [[0, 2], [2, 6], [7, 12]], [['😀', 0, 2, 0], ['▁New', 2, 6, 1], ['▁York', 7, 12, 2]]) // prettier-ignore
    const { entities: found } = tagText({ labels: BIO }, tagged, logitsOf(BIO, ['O', 'B-a', 'I-a']), plain, undefined)
    expect(found.map(({ start, end, text: part }) => [start, end, part, text.slice(start, end)])).toEqual([
      [3, 12, 'New  York', 'New  York'],
    ])
  })

  test('white space alone is no entity', () => {
    const tagged = textOf('x  ', [[0, 1], [1, 3]], [['x', 0, 1, 0], ['▁', 1, 3, 1]]) // prettier-ignore
    expect(tagText({ labels: BIO }, tagged, logitsOf(BIO, ['O', 'B-a']), plain, undefined).entities).toEqual([])
  })
})

describe('aggregation', () => {
  // One word of three sub-words; the first says O, the second is surest of b, the mean is a.
  const labels = ['O', 'B-a', 'B-b']
  const text = textOf('abc d', [[0, 3], [4, 5]], [['a', 0, 1, 0], ['##b', 1, 2, 0], ['##c', 2, 3, 0], ['d', 4, 5, 1]]) // prettier-ignore
  const probabilities = [
    [0.5, 0.45, 0.05],
    [0.05, 0.35, 0.6],
    [0.35, 0.5, 0.15],
    [0.9, 0.05, 0.05],
  ]
  const logits = Float32Array.from(probabilities.flat(), Math.log)

  test.each<[Aggregation, string[], [string, number][]]>([
    ['first', [], [['O', 0.5], ['O', 0.9]]], // prettier-ignore
    ['average', ['a: abc'], [['B-a', 1.3 / 3], ['O', 0.9]]], // prettier-ignore
    ['max', ['b: abc'], [['B-b', 0.6], ['O', 0.9]]], // prettier-ignore
    ['none', ['b: b', 'a: c'], [['O', 0.5], ['O', 0.9]]], // prettier-ignore
  ])('%s', (aggregation, expected, words) => {
    const found = tagText({ labels }, text, logits, { ...plain, aggregation, words: true }, undefined)
    expect(found.entities.map(({ label, text: part }) => `${label}: ${part}`)).toEqual(expected)
    expect(found.words!.map(({ label, score }) => [label, score])).toEqual(words.map(([label, score]) => [label, expect.closeTo(score, 6)]))
    expect(found.words!.map((word) => [word.text, word.start, word.end])).toEqual([['abc', 0, 3], ['d', 4, 5]]) // prettier-ignore
  })

  test("a token of white space alone parts entities with 'none', and gives no word its tag", () => {
    const tagged = textOf('x  y', [[0, 1], [1, 4]], [['x', 0, 1, 0], ['▁', 1, 3, 1], ['y', 3, 4, 1]]) // prettier-ignore
    const request = { ...plain, aggregation: 'none' as const, words: true }
    const parted = tagText({ labels: BIO }, tagged, logitsOf(BIO, ['B-a', 'O', 'I-a']), request, undefined)
    expect(parted.entities.map(({ text: part }) => part)).toEqual(['x', 'y'])
    expect(parted.words!.map(({ label }) => label)).toEqual(['B-a', 'I-a'])
    const joined = tagText({ labels: BIO }, tagged, logitsOf(BIO, ['B-a', 'I-a', 'I-a']), request, undefined)
    expect(joined.entities.map(({ text: part }) => part)).toEqual(['x  y'])
  })

  test('tokens say what each says by itself, logits are those of the tokens', () => {
    const found = tagText({ labels }, text, logits, { ...plain, tokens: true, logits: true }, undefined)
    expect(found.tokens!.map(({ token, label, word }) => [token, label, word])).toEqual([
      ['a', 'O', 0],
      ['##b', 'B-b', 0],
      ['##c', 'B-a', 0],
      ['d', 'O', 1],
    ])
    expect(found.tokens![1]).toEqual({ token: '##b', start: 1, end: 2, word: 0, label: 'B-b', score: expect.closeTo(0.6, 6) })
    expect(found.logits).toBe(logits)
  })
})

test.each([false, true])('a word without a token is O, and parts what is on both sides of it (constrained: %s)', (constrained) => {
  const text = textOf('a \u0000 b', [[0, 1], [2, 3], [4, 5]], [['a', 0, 1, 0], ['b', 4, 5, 2]]) // prettier-ignore
  const labels = ['B-a', 'I-a', 'O']
  const decoder = constrained ? decoderOf(labels) : undefined
  const found = tagText({ labels }, text, logitsOf(labels, ['B-a', 'I-a']), { ...plain, words: true }, decoder)
  expect(found.words!.map(({ label, score }) => [label, score > 0.9])).toEqual([
    ['B-a', true],
    ['O', false],
    // Behind the gap nothing is there to go on with.
    constrained ? [found.words![2]!.label, false] : ['I-a', true],
  ])
  expect(found.words![1]!.score).toBe(0)
  if (constrained) expect(found.words![2]!.label).not.toBe('I-a')
  else expect(found.entities.map(({ text: part }) => part)).toEqual(['a', 'b'])
})

describe('constrained', () => {
  test.each([
    ['I after O becomes possible at the least cost', BIO, [[5, 0, 0, 0, 0], [0, 4.9, 5, 0, 0]], ['O', 'B-a']], // prettier-ignore
    ['or takes its neighbour along', BIO, [[5, 4.9, 0, 0, 0], [0, 0, 5, 0, 0]], ['B-a', 'I-a']], // prettier-ignore
    ['no entity may be left open', ['O', 'B-a', 'I-a', 'E-a', 'S-a'], [[0, 9, 0, 0, 1]], ['S-a']],
  ])('%s', (_name, labels, places, expected) => {
    expect(decoderOf(labels)!(places.map((place) => softmax(place).map(Math.log)))!.map((tag) => labels[tag])).toEqual(expected)
  })

  test('the best of all allowed sequences, in every scheme', () => {
    const random = randomNumbers(3)
    const kinds = { BI: 'IOB2', I: 'IOB1', IE: 'IOE2', BIES: 'IOBES', BILU: 'BILOU' }
    for (const prefixes of Object.keys(kinds)) {
      const labels = ['O', ...['x', 'y'].flatMap((label) => [...prefixes].map((prefix) => `${prefix}-${label}`))]
      const scheme = schemeOfLabels(labels)!
      expect(scheme).toBe(kinds[prefixes as keyof typeof kinds])
      const decode = decoderOf(labels)!
      for (let round = 0; round < 8; round++) {
        const places = Array.from({ length: 1 + (round % 4) }, () => Float64Array.from(labels, () => Math.log(random())))
        const sum = (tags: readonly number[]) => tags.reduce((total, tag, i) => total + places[i]![tag]!, 0)
        const allowed = sequences(labels.length, places.length).filter((tags) =>
          [...tags, undefined].every((tag, i) => {
            const from = tags[i - 1]
            return isAllowed(from === undefined ? undefined : labels[from], tag === undefined ? undefined : labels[tag], scheme)
          }),
        )
        const best = allowed.reduce((a, b) => (sum(b) > sum(a) ? b : a))
        expect(decode(places)).toEqual(best)
      }
    }
  })

  test('what is impossible as a whole stays as it is', () => {
    // Nothing can end here, and there is no O.
    const labels = ['B-a', 'I-a', 'E-b']
    expect(decoderOf(labels)!([Float64Array.of(0, -1, -2)])).toBeUndefined()
    expect(entities(labels, ['B-a', 'I-a'], true)).toEqual(['a: w0 w1'])
  })

  test('labels in no scheme forbid nothing', () => {
    expect(decoderOf(['O', 'noun', 'verb'])).toBeUndefined()
  })

  test('a tag that float64 takes for impossible is not forbidden', () => {
    const labels = ['O', 'B-a', 'I-a']
    const logits = Float32Array.from([sure(3, 0), [0, 0, 2000], sure(3, 0)].flat())
    const { words } = tagText({ labels }, ofWords(['x']), logits, { ...plain, words: true }, decoderOf(labels))
    expect(words![0]!.label).toBe('O')
  })
})

function sequences(labels: number, length: number): number[][] {
  if (length === 0) return [[]]
  return sequences(labels, length - 1).flatMap((tags) => Array.from({ length: labels }, (_, tag) => [...tags, tag]))
}
