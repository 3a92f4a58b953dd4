import {
  convertTags,
  countMalformed,
  entitiesOf,
  isAllowed,
  recogniseScheme,
  repairedEntities,
  schemeOfLabels,
  SCHEMES,
  splitTag,
  tagsOf,
  type Entity,
  type Scheme,
} from '../../lib/tags/schemes'
import { randomNumbers } from '../support/random'

const PREFIXES: Record<Scheme, string> = { IOB2: 'BI', IOB1: 'BI', IOE1: 'IE', IOE2: 'IE', IOBES: 'BIES', BILOU: 'BILU' }
const words = (line: string): string[] => line.split(' ')

/** Sentences of up to eight words, with neighbours of the same and of other labels, each with its length. */
function randomSentences(count: number, seed: number): [Entity[], number][] {
  const random = randomNumbers(seed)
  return Array.from({ length: count }, () => {
    const length = Math.floor(random() * 9)
    const entities: Entity[] = []
    for (let start = 0; start < length;) {
      const end = Math.min(length, start + 1 + Math.floor(random() * 3))
      if (random() < 0.7) entities.push({ label: random() < 0.6 ? 'x' : 'y-z', start, end })
      start = end
    }
    return [entities, length]
  })
}

/** Every sequence of a scheme's tags over two labels, up to this many words. */
function everySequence(scheme: Scheme, longest: number): string[][] {
  const tags = ['O', ...[...PREFIXES[scheme]].flatMap((prefix) => [`${prefix}-x`, `${prefix}-y`])]
  let last: string[][] = [[]]
  const all = [...last]
  for (let length = 1; length <= longest; length++) {
    last = last.flatMap((sequence) => tags.map((tag) => [...sequence, tag]))
    all.push(...last)
  }
  return all
}

test.each<[Scheme, string]>([
  ['IOB2', 'B-x I-x B-x O B-y B-x'],
  ['IOB1', 'I-x I-x B-x O I-y I-x'],
  ['IOE1', 'I-x E-x I-x O I-y I-x'],
  ['IOE2', 'I-x E-x E-x O E-y E-x'],
  ['IOBES', 'B-x E-x S-x O S-y S-x'],
  ['BILOU', 'B-x L-x U-x O U-y U-x'],
])('%s: entities written', (scheme, expected) => {
  const entities = [
    { label: 'x', start: 2, end: 3 },
    { label: 'x', start: 5, end: 6 },
    { label: 'x', start: 0, end: 2 },
    { label: 'y', start: 4, end: 5 },
  ]
  expect(tagsOf(entities, 6, scheme).join(' ')).toBe(expected)
})

test('IOB2 by default, bare prefixes for the label _', () => {
  expect(tagsOf([{ label: '_', start: 1, end: 3 }], 3)).toEqual(['O', 'B', 'I'])
})

describe.each(SCHEMES)('%s', (scheme) => {
  test('what is written is well formed, recognised as nothing worse, and read back', () => {
    for (const [entities, length] of randomSentences(300, 1)) {
      const tags = tagsOf(entities, length, scheme)
      expect(countMalformed(tags, scheme)).toBe(0)
      expect(repairedEntities(tags)).toEqual(entities)
      // seqeval's strict IOE1 misses entities of one word.
      if (scheme !== 'IOE1') expect(entitiesOf(tags, scheme)).toEqual(entities)
    }
  })

  test('well formed is exactly what is written for some entities', () => {
    const isWritten = (tags: string[]): boolean => tagsOf(repairedEntities(tags), tags.length, scheme).join() === tags.join()
    expect(everySequence(scheme, 4).filter((tags) => (countMalformed(tags, scheme) === 0) !== isWritten(tags))).toEqual([])
  })

  test('repair keeps every tagged word and its label', () => {
    const labels = (tags: string[]): string => tags.map((tag) => splitTag(tag).label).join()
    expect(everySequence(scheme, 4).filter((tags) => labels(convertTags(tags, scheme, scheme)) !== labels(tags))).toEqual([])
  })

  test('any other scheme and back', () => {
    for (const [entities, length] of randomSentences(50, 2)) {
      const tags = tagsOf(entities, length, scheme)
      for (const other of SCHEMES) {
        const there = convertTags(tags, scheme, other)
        expect(there).toEqual(tagsOf(entities, length, other))
        expect(convertTags(there, other, scheme)).toEqual(tags)
      }
    }
  })

  test('is recognised in well-formed sentences, and in ones with a few slips', () => {
    const sentences = randomSentences(200, 3).map(([entities, length]) => tagsOf(entities, length, scheme))
    expect(recogniseScheme(sentences)).toEqual({ scheme, malformed: 0, pairs: [] })
    // IOB1 and IOE1 allow an I anywhere.
    const slip = { IOB2: 'I-x', IOB1: 'B-x', IOE1: 'E-x', IOE2: 'I-x', IOBES: 'E-x', BILOU: 'L-x' }[scheme]
    const from = scheme.startsWith('IOE') ? slip : undefined
    const to = scheme.startsWith('IOE') ? undefined : slip
    expect(recogniseScheme([...sentences, [slip], [slip]])).toEqual({ scheme, malformed: 2, pairs: [{ from, to, count: 2 }] })
  })

  test('tags of none, or of another scheme, are allowed nowhere', () => {
    for (const tag of ['city', 'Bx', 'B_x', '', PREFIXES[scheme].includes('E') ? 'U-x' : 'E-x']) {
      expect(isAllowed(tag, 'O', scheme)).toBe(false)
      expect(isAllowed('O', tag, scheme)).toBe(false)
      expect(isAllowed(undefined, tag, scheme)).toBe(false)
    }
    expect(isAllowed(undefined, undefined, scheme)).toBe(true)
  })
})

test.each<[Scheme, string, string]>([
  ['IOB2', 'I-x I-x O I-y I-x', 'B-x I-x O B-y B-x'],
  ['IOB1', 'B-x B-x O B-y', 'I-x B-x O I-y'],
  ['IOE2', 'I-x O I-x I-y E-y', 'E-x O E-x I-y E-y'],
  ['IOE1', 'I-x E-x O', 'I-x I-x O'],
  ['IOBES', 'B-x O E-x S-x I-x I-y B-x', 'S-x O S-x S-x S-x S-y S-x'],
  ['BILOU', 'B-x I-x U-x L-x I-x O', 'B-x L-x U-x U-x U-x O'],
])('%s: %s is repaired', (scheme, tags, repaired) => {
  expect(countMalformed(words(tags), scheme)).toBeGreaterThan(0)
  expect(convertTags(words(tags), scheme, scheme).join(' ')).toBe(repaired)
})

test('tags without prefixes are entities too, neighbours of one label a single one', () => {
  expect(repairedEntities(['city', 'city', 'O', 'Bad-date', 'B', 'I'])).toEqual([
    { label: 'city', start: 0, end: 2 },
    { label: 'Bad-date', start: 3, end: 4 },
    { label: '_', start: 4, end: 6 },
  ])
})

test.each<[string, string[], Scheme | undefined]>([
  ['begin and inside', ['O', 'B-x', 'I-x'], 'IOB2'],
  ['begin alone', ['B-x', 'O'], 'IOB2'],
  ['inside alone', ['O', 'I-x'], 'IOB1'],
  ['inside and end', ['O', 'I-x', 'E-x'], 'IOE2'],
  ['begin and end', ['O', 'B-x', 'E-x'], 'IOBES'],
  ['single alone', ['S-x'], 'IOBES'],
  ['inside and single', ['I-x', 'S-x'], 'IOBES'],
  ['last', ['O', 'I-x', 'L-x'], 'BILOU'],
  ['unit', ['U-x', 'O'], 'BILOU'],
  ['bare', ['O', 'B', 'I'], 'IOB2'],
  ['outside alone', ['O'], undefined],
  ['nothing', [], undefined],
  ['plain labels', ['O', 'city'], undefined],
  ['a mixture', ['E-x', 'L-x'], undefined],
  ['one plain label', ['O', 'B-x', 'city'], undefined],
])('scheme of a list of labels: %s', (_, labels, scheme) => {
  expect(schemeOfLabels(labels)).toBe(scheme)
})

test('sentences that tell no scheme', () => {
  for (const sentences of [[], [[]], [['O', 'O']], [['city', 'O']]]) {
    expect(recogniseScheme(sentences)).toEqual({ scheme: undefined, malformed: 0, pairs: [] })
  }
})

test('of schemes that fit equally well, the one in common use', () => {
  expect(recogniseScheme([['I-x', 'O']]).scheme).toBe('IOB1')
  expect(recogniseScheme([['B-x', 'I-y']])).toMatchObject({ scheme: 'IOB2', malformed: 1 })
})

test('malformed places are listed, the most frequent first', () => {
  const sentences = [...new Array<string[]>(9).fill(['B-x', 'I-x', 'B-x', 'O']), ['O', 'I-y'], ['I-x'], ['B-y', 'I-x'], ['I-x', 'O']]
  expect(recogniseScheme(sentences)).toEqual({
    scheme: 'IOB2',
    malformed: 4,
    pairs: [
      { from: undefined, to: 'I-x', count: 2 },
      { from: 'O', to: 'I-y', count: 1 },
      { from: 'B-y', to: 'I-x', count: 1 },
    ],
  })
})

test.each<[string, () => unknown, string]>([
  [
    'overlap',
    () =>
      tagsOf(
        [
          { label: 'x', start: 0, end: 2 },
          { label: 'y', start: 1, end: 3 },
        ],
        3,
      ),
    "Entity 'y' [1, 3) overlaps 'x' [0, 2)",
  ],
  [
    'empty',
    () => tagsOf([{ label: 'x', start: 1, end: 1 }], 3),
    "Entity 'x' [1, 1) is empty or lies outside the sentence, which has 3 words",
  ],
  ['too far', () => tagsOf([{ label: 'x', start: 1, end: 4 }], 3), '[1, 4) is empty or lies outside'],
  ['fraction', () => tagsOf([{ label: 'x', start: 0.5, end: 1 }], 3), '[0.5, 1) is empty or lies outside'],
  ['no label', () => tagsOf([{ label: '', start: 0, end: 1 }], 3), 'has no label'],
  ['scheme', () => tagsOf([], 1, 'BIO' as Scheme), 'for scheme, received "BIO"'],
  ['foreign tag', () => convertTags(['O', 'S-x'], 'IOB2', 'IOBES'), '"S-x" is not a valid IOB2 tag'],
  ['from', () => convertTags([], 'BIO' as Scheme, 'IOB2'), 'for from'],
  ['to', () => convertTags([], 'IOB2', 'BIO' as Scheme), 'for scheme'],
])('refused: %s', (_, call, message) => {
  expect(call).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(message) }))
})
