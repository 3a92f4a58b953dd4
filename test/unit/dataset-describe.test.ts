import { setImmediate } from 'node:timers/promises'
import { Dataset } from '../../lib/data/dataset'
import type { Example } from '../../lib/data/example'
import { histogramOf } from '../../lib/data/describe'

const entity = (start: number, end: number, label: string) => ({ start, end, label })

const tagged: Example[] = [
  { text: 'in New York', words: ['in', 'New', 'York'], labels: { slots: ['O', 'B-city', 'I-city'], intent: 'find' } },
  { text: 'in York', words: ['in', 'York'], labels: { slots: ['O', 'I-city'], intent: 'go' } },
  { text: 'in York', words: ['in', 'York'], labels: { slots: ['O', 'B-city'] } },
  { text: 'in York', words: ['in', 'York'], labels: { intent: 'go' } },
  { text: ' ', words: [], labels: { slots: [] } },
  { text: 'at noon', words: ['at', 'noon'], labels: { slots: ['O', 'B-time', 'O'], intent: 'find' } },
]

test('counts, tags, scheme and problems of tagged sentences', async () => {
  const data = await Dataset.from(tagged, { name: 'train' })
  const summary = await data.describe({ labels: { slots: ['O', 'B-city', 'I-city'], intent: ['find', 'go'] }, maxLength: 2 })
  expect(summary).toMatchObject({ name: 'train', examples: 6, truncation: { maxLength: 2, examples: 1 } })
  expect(summary.heads).toEqual({
    intent: {
      kind: 'label',
      examples: 4,
      labels: [
        { label: 'find', count: 2 },
        { label: 'go', count: 2 },
      ],
    },
    slots: {
      kind: 'tags',
      examples: 5,
      labels: [
        { label: 'city', count: 3 },
        { label: 'time', count: 1 },
      ],
      tags: [
        { label: 'O', count: 5 },
        { label: 'B-city', count: 2 },
        { label: 'I-city', count: 2 },
        { label: 'B-time', count: 1 },
      ],
      scheme: 'IOB2',
      malformed: 1,
    },
  })
  expect(summary.problems).toEqual([
    { kind: 'empty text', count: 1, examples: [4] },
    { kind: 'duplicate', count: 1, examples: [3] },
    { kind: 'conflicting labels', head: 'slots', count: 1, examples: [2] },
    { kind: 'wrong number of tags', head: 'slots', count: 1, examples: [5] },
    { kind: 'malformed tags', head: 'slots', count: 1, examples: [1] },
    { kind: 'unknown label', head: 'slots', label: 'B-time', count: 1, examples: [5] },
  ])
})

test('entities, several labels, yes and no', async () => {
  const data = await Dataset.from([
    { text: 'from Rome to Oslo', labels: { slots: [entity(5, 9, 'city'), entity(13, 17, 'city')], topics: ['a', 'b'], spam: true } },
    { text: 'on Monday', labels: { slots: [entity(3, 9, 'day')], topics: ['a'], spam: false } },
    { text: 'hello', labels: { slots: [], topics: [], spam: false } },
    { text: 'odd', labels: { slots: 'city', topics: 'a', spam: 'yes' } },
  ])
  const { heads, problems } = await data.describe({ labels: { slots: ['O', 'B-city', 'I-city'] } })
  expect(heads).toEqual({
    slots: {
      kind: 'spans',
      examples: 4,
      labels: [
        { label: 'city', count: 2 },
        { label: 'day', count: 1 },
      ],
    },
    topics: {
      kind: 'labels',
      examples: 4,
      labels: [
        { label: 'a', count: 3 },
        { label: 'b', count: 1 },
      ],
    },
    spam: {
      kind: 'yes or no',
      examples: 4,
      labels: [
        { label: 'false', count: 2 },
        { label: 'true', count: 1 },
        { label: 'yes', count: 1 },
      ],
    },
  })
  expect(problems).toEqual([
    { kind: 'mixed labels', head: 'slots', count: 1, examples: [3] },
    { kind: 'mixed labels', head: 'spam', count: 1, examples: [3] },
    { kind: 'unknown label', head: 'slots', label: 'day', count: 1, examples: [1] },
    { kind: 'unknown label', head: 'slots', label: 'city', count: 1, examples: [3] },
  ])
})

test('lengths are tokens where there is a model', async () => {
  const data = await Dataset.from(['a', 'a b', 'a b c d'].map((text) => ({ text, labels: {} })))
  const asked: number[] = []
  const model = {
    countTokens: (texts: readonly string[]) => {
      asked.push(texts.length)
      return Promise.resolve(texts.map((text) => 2 + text.length))
    },
  }
  const { lengths, truncation } = await data.describe({ model, maxLength: 5 })
  expect(lengths).toMatchObject({ unit: 'tokens', total: 17, min: 3, max: 9, median: 5 })
  expect(truncation).toEqual({ maxLength: 5, examples: 1 })
  expect(asked).toEqual([3])
  expect((await data.describe()).lengths).toMatchObject({ unit: 'words', total: 7, min: 1, max: 4 })
})

test('an abort ends it at the next pause', async () => {
  const data = await Dataset.from(Array.from({ length: 1000 }, (_, i) => ({ text: `${i}`, labels: { intent: 'go' } })))
  let now = 0
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => (now += 10))
  const controller = new AbortController()
  let turns = 0
  const refused = expect(data.describe({ signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  const ended = refused.then(() => (turns = Infinity))
  controller.abort()
  for (; turns < 20; turns++) await setImmediate()
  clock.mockRestore()
  expect(turns).toBe(Infinity)
  await ended
})

test('an empty data set', async () => {
  const data = await Dataset.from([])
  const lengths = { unit: 'words', total: 0, min: 0, max: 0, mean: 0, median: 0, p95: 0, p99: 0, histogram: [] }
  expect(await data.describe()).toEqual({ name: 'data', examples: 0, heads: {}, lengths, problems: [] })
})

test.each([[[7]], [[0, 0, 3]], [[1, 100, 101]], [Array.from({ length: 500 }, (_, i) => i * 3 + 5)]])(
  'the histogram of %j counts every example once',
  (counts) => {
    const { histogram, min, max, mean, total } = histogramOf(counts, 'words')
    expect(histogram.length).toBeLessThanOrEqual(20)
    for (const { from, to, count } of histogram) expect(count).toBe(counts.filter((length) => length >= from && length <= to).length)
    expect(histogram.reduce((sum, { count }) => sum + count, 0)).toBe(counts.length)
    expect([min, max, total]).toEqual([Math.min(...counts), Math.max(...counts), counts.reduce((a, b) => a + b)])
    expect(mean).toBeCloseTo(total / counts.length)
  },
)

test.each([
  [{ maxLength: 0 }, 'maxLength'],
  [{ model: {} }, 'a Model'],
  [{ max: 3 }, "Unknown option 'max'"],
])('%j is refused', async (options, message) => {
  const data = await Dataset.from(tagged)
  await expect(data.describe(options as never)).rejects.toThrow(message)
})

test('what a text was given later counts against those behind it, and no entities is no wrong number of tags', async () => {
  const words = ['in', 'York']
  const data = await Dataset.from([
    { text: 'in York', words, labels: { intent: 'go' } },
    { text: 'in York', words, labels: { slots: ['O', 'B-city'] } },
    { text: 'in York', words, labels: { slots: ['B-city', 'B-city'] } },
    { text: 'in Rome', words: ['in', 'Rome'], labels: { slots: [] } },
  ])
  const { problems } = await data.describe({ labels: { slots: ['O'] } })
  expect(problems).toEqual([
    { kind: 'duplicate', count: 1, examples: [1] },
    { kind: 'conflicting labels', head: 'slots', count: 1, examples: [2] },
    { kind: 'unknown label', head: 'slots', label: 'B-city', count: 3, examples: [1, 2] },
  ])
})
