import type { PredictRequest } from '../../binding'
import type { HeadDefinition } from '../../lib/heads/definition'
import type { Example } from '../../lib/data/example'
import { resolveEvaluate } from '../../lib/training/options/fit'
import { makeCorpus, slices } from '../../lib/training/loop/corpus'
import { evaluate, measureOf } from '../../lib/training/evaluation/evaluate'
import { classificationReport, entityReport, formatReport, multiLabelReport } from '../../lib/metrics'
import { FakeNative, fakeModel } from '../support/fake-trainer'

const INTENT: HeadDefinition = { name: 'intent', type: 'classification', labels: ['go', 'stop'] }
const SLOTS: HeadDefinition = { name: 'slots', type: 'token-classification', labels: ['O', 'B-x', 'I-x'] }
const TOPICS: HeadDefinition = { name: 'topics', type: 'classification', labels: ['p', 'q'], multiLabel: true }

/** Evaluates with logits that say label `say(head, row or token)`. */
async function run(heads: HeadDefinition[], examples: Example[], say: (head: string, at: number) => number[], maxLength = 64) {
  const native = new FakeNative()
  const parts = await fakeModel(native, heads)
  const corpus = await makeCorpus(examples, { tokenizer: parts.tokenizer, heads: parts.heads.list, maxLength, unknownLabels: 'ignore' })
  const predict = async ({ heads: names, ids, offsets }: PredictRequest) => ({
    logits: names.map((name) => {
      const head = parts.heads.require(name)
      const count = head.type === 'classification' ? offsets.length - 1 : ids.length
      return Float32Array.from(Array.from({ length: count }, (_, at) => say(name, at)).flat())
    }),
    embedding: null,
    nonFiniteRow: -1,
  })
  const lossWeights = new Map(heads.map(({ name }) => [name, 1]))
  const request = { native: { predict, abort: () => {} }, heads: parts.heads.list, corpus, lossWeights, scoreWeights: {}, metrics: {}, signal: undefined } // prettier-ignore
  return { corpus, result: await evaluate(request), request }
}

test('classification: labels that the head does not have count as wrong, and not in the loss; examples without a label do not count', async () => {
  const examples = ['go', 'stop', 'fly', undefined].map((intent) => ({ text: 'x', labels: intent ? { intent } : {} }))
  const { result } = await run([INTENT], examples as Example[], () => [1, 0])
  expect(result.metrics.intent).toMatchObject({ examples: 3, accuracy: 1 / 3, macroF1: 0.5 / 3 })
  const [right, wrong] = [Math.log(1 + Math.exp(-1)), Math.log(1 + Math.exp(1))]
  expect(result.losses.intent).toBeCloseTo((right + wrong) / 2, 6)
  expect(result).toMatchObject({ examples: 4, loss: result.losses.intent, score: 1 / 3 })
  expect(result.frameAccuracy).toBeUndefined()
})

test('tags: words that were cut off count as O, and with the label of the sentence they make a frame', async () => {
  const words = ['the', 'river', 'flows', 'x']
  const example = (intent: string, slots: string[]) => ({ text: words.join(' '), words, labels: { intent, slots } })
  const examples = [example('go', ['O', 'O', 'O', 'O']), example('go', ['O', 'O', 'O', 'B-x']), example('stop', ['O', 'O', 'O', 'O'])]
  const { corpus, result } = await run([INTENT, SLOTS], examples, (head) => (head === 'intent' ? [1, 0] : [1, 0, 0]), 4)
  expect(corpus.sets[0]!.prepared.truncated).toBe(3)
  expect(result.metrics.slots).toMatchObject({ accuracy: 11 / 12, precision: 0, recall: 0, f1: 0, strict: { scheme: 'IOB2' } })
  expect(result.frameAccuracy).toBeCloseTo(1 / 3, 12)
  expect(measureOf(result, 'slots.accuracy')).toBe(11 / 12)
  expect(measureOf(result, 'intent.loss')).toBe(result.losses.intent)
  expect(() => measureOf(result, 'slots.microF1')).toThrow(/no metric 'slots.microF1'/)
})

test('the first token of a word decides its tag', async () => {
  // [CLS], 14 pieces of the first word, one of the second, [SEP].
  const tokens = 17
  const words = ['antidisestablishment', 'x']
  const { corpus, result } = await run([SLOTS], [{ text: words.join(' '), words, labels: { slots: ['B-x', 'O'] } }], (_, at) =>
    at === 1 ? [0, 5, 0] : at === tokens - 2 ? [5, 0, 0] : [0, 0, 5],
  )
  expect(corpus.ids.length).toBe(tokens)
  expect(result.metrics.slots).toMatchObject({ accuracy: 1, f1: 1 })
})

test('several labels at once', async () => {
  const examples: Example[] = [['p'], ['p', 'q'], [], ['z']].map((topics) => ({ text: 'x', labels: { topics } }))
  const { result } = await run([TOPICS], examples, () => [2, -2])
  expect(result.metrics.topics).toMatchObject({ examples: 4, accuracy: 1 / 4 })
  const [right, wrong] = [Math.log1p(Math.exp(-2)), Math.log1p(Math.exp(2))]
  expect(result.losses.topics).toBeCloseTo((2 * right + (right + wrong) + (wrong + right) + (wrong + right)) / 8, 6)
  expect(result.score).toBe((result.metrics.topics as any).microF1)
})

test('the metrics of each kind of head are printed as the report of its gold and predicted labels', async () => {
  const examples: Example[] = [
    { text: 'a b', words: ['a', 'b'], labels: { intent: 'go', topics: ['p'], slots: ['B-x', 'I-x'] } },
    { text: 'c d', words: ['c', 'd'], labels: { intent: 'fly', topics: ['q', 'z'], slots: ['O', 'B-y'] } },
    { text: 'e', words: ['e'], labels: { intent: 'stop', topics: [], slots: ['O'] } },
  ]
  const logits = { intent: [1, 0], topics: [2, -2], slots: [0, 1, 0] } as Record<string, number[]>
  const { result } = await run([INTENT, TOPICS, SLOTS], examples, (head) => logits[head]!)
  const { intent, topics, slots } = result.metrics
  expect(formatReport(intent!)).toBe(formatReport(classificationReport(['go', 'fly', 'stop'], ['go', 'go', 'go'])))
  expect(formatReport(topics!)).toBe(formatReport(multiLabelReport([['p'], ['q', 'z'], []], [['p'], ['p'], ['p']])))
  expect(formatReport(slots!)).toBe(formatReport(entityReport([['B-x', 'I-x'], ['O', 'B-y'], ['O']], [['B-x', 'B-x'], ['B-x', 'B-x'], ['B-x']]))) // prettier-ignore
})

test('without a label that the head knows it has no loss, and the total is of the heads that have one', async () => {
  const labels = { intent: 'fly', topics: ['z'], slots: ['B-y'] }
  const { result } = await run([INTENT, SLOTS], [{ text: 'x', words: ['x'], labels }], (head) => (head === 'intent' ? [1, 0] : [1, 0, 0]))
  expect([result.loss, result.losses]).toEqual([undefined, {}])
  expect(result.metrics.intent).toMatchObject({ accuracy: 0, examples: 1 })
  expect(result.metrics.intent).not.toHaveProperty('loss')
  expect(() => measureOf(result, 'loss')).toThrow(/no metric 'loss'/)
  expect(() => measureOf(result, 'intent.loss')).toThrow(/no metric 'intent.loss'/)
  const partly = await run([INTENT, TOPICS], [{ text: 'x', labels: { ...labels, topics: ['p'] } }], () => [1, 0])
  expect(Object.keys(partly.result.losses)).toEqual(['topics'])
  expect(partly.result.loss).toBe(partly.result.losses.topics)
})

test("the total is weighted by the trainer's weights, heads that it does not train left out; the score by scoreWeights", async () => {
  const examples: Example[] = [{ text: 'x', labels: { intent: 'go', topics: ['q'] } }]
  const { result, request } = await run([INTENT, TOPICS], examples, (head) => (head === 'intent' ? [1, 0] : [3, 2]))
  const weighted = await evaluate({ ...request, lossWeights: new Map([['intent', 0.25], ['topics', 3]]), scoreWeights: { intent: 3, topics: 0.5 } }) // prettier-ignore
  expect(weighted.loss).toBeCloseTo(0.25 * result.losses.intent! + 3 * result.losses.topics!, 12)
  expect(weighted.score).toBeCloseTo((3 * 1 + 0.5 * (2 / 3)) / 3.5, 12)
  expect((await evaluate({ ...request, lossWeights: new Map([['topics', 2]]) })).loss).toBeCloseTo(2 * result.losses.topics!, 12)
  expect((await evaluate({ ...request, lossWeights: new Map() })).loss).toBeUndefined()
  expect((await evaluate({ ...request, scoreWeights: { intent: 0 } })).score).toBeCloseTo(2 / 3, 12)
  await expect(evaluate({ ...request, scoreWeights: { intent: 0, topics: 0 } })).rejects.toThrow(/excludes every head from the score/)
})

test('a head named constructor has the weight 1 in the score, like every other', async () => {
  const head: HeadDefinition = { ...INTENT, name: 'constructor' }
  const { result } = await run([head], [{ text: 'x', labels: Object.fromEntries([['constructor', 'go']]) }], () => [1, 0])
  expect(result.score).toBe(1)
})

test("a binary head's score is its accuracy", async () => {
  const examples: Example[] = [true, false, false].map((urgent) => ({ text: 'x', labels: { urgent } }))
  const { result } = await run([{ name: 'urgent', type: 'classification', labels: ['urgent'] }], examples, () => [2])
  // Micro F1 over the one label would be 1/2.
  expect(result.score).toBe(1 / 3)
  expect(result.losses.urgent).toBeCloseTo((Math.log1p(Math.exp(-2)) + 2 * Math.log1p(Math.exp(2))) / 3, 6)
})

test('an evaluation of several slices reads the labels and logits of each example at its own place', async () => {
  // [CLS] w … w [SEP] of 64 tokens: 256 rows are a slice.
  const words = new Array<string>(62).fill('x')
  const examples: Example[] = Array.from({ length: 600 }, (_, i) => ({
    text: words.join(' '),
    words,
    labels: { intent: i % 3 ? 'go' : 'stop', slots: words.map((_, w) => (w === i % 62 ? 'B-x' : 'O')), topics: i % 2 ? ['p'] : ['q'] },
  }))
  const native = new FakeNative()
  const { tokenizer, heads } = await fakeModel(native, [INTENT, SLOTS, TOPICS])
  const corpus = await makeCorpus({ one: examples.slice(0, 100), two: examples.slice(100) }, { tokenizer, heads: heads.list, maxLength: 64, unknownLabels: 'ignore' }) // prettier-ignore
  let row = 0
  const asked: number[] = []
  const predict = async ({ ids, offsets }: PredictRequest) => {
    const first = row
    const rows = offsets.length - 1
    row += rows
    asked.push(rows)
    const intent = Float32Array.from({ length: rows * 2 }, (_, k) => ((first + (k >> 1)) % 3 ? 1 : 0) ^ (k & 1))
    const topics = Float32Array.from({ length: rows * 2 }, (_, k) => (((first + (k >> 1)) % 2 ? 1 : 0) ^ (k & 1) ? 1 : -1))
    const slots = new Float32Array(ids.length * 3)
    for (let r = 0; r < rows; r++) {
      for (let t = 0; t < 64; t++) slots[(64 * r + t) * 3 + (t - 1 === (first + r) % 62 ? 1 : 0)] = 9
    }
    return { logits: [intent, slots, topics], embedding: null, nonFiniteRow: -1 }
  }
  const request = { native: { predict, abort: () => {} }, heads: heads.list, corpus, lossWeights: new Map(), scoreWeights: {}, metrics: {}, signal: undefined } // prettier-ignore
  const { metrics, frameAccuracy, losses } = await evaluate(request)
  expect(asked).toEqual([100, 256, 244])
  expect(metrics).toMatchObject({ intent: { accuracy: 1, examples: 600 }, slots: { accuracy: 1, f1: 1 }, topics: { accuracy: 1 } })
  expect(frameAccuracy).toBe(1)
  expect(losses.intent).toBeCloseTo(Math.log1p(Math.exp(-1)), 6)
  expect(losses.topics).toBeCloseTo(Math.log1p(Math.exp(-1)), 6)
  expect(losses.slots).toBeCloseTo(Math.log1p(2 * Math.exp(-9)), 6)

  row = 0
  const broken = async (asked: PredictRequest) => ({ ...(await predict(asked)), nonFiniteRow: row > 100 ? 5 : -1 })
  await expect(evaluate({ ...request, native: { predict: broken, abort: () => {} } })).rejects.toMatchObject({ detail: { example: 105 } })
})

test('nothing labelled is refused; a row that is not finite is named', async () => {
  await expect(run([INTENT], [{ text: 'x', labels: {} }], () => [1, 0])).rejects.toMatchObject({ code: 'ERR_DATA' })
  const { request } = await run([INTENT], [{ text: 'x', labels: { intent: 'go' } }], () => [1, 0])
  const predict = async () => ({ logits: [Float32Array.of(NaN, 0)], embedding: null, nonFiniteRow: 0 })
  await expect(evaluate({ ...request, native: { predict, abort: () => {} } })).rejects.toMatchObject({
    code: 'ERR_NON_FINITE',
    detail: { example: 0 },
  })
})

test('a measure may be computed later; one that rejects is its own error', async () => {
  const { request } = await run([INTENT], [{ text: 'x', labels: { intent: 'go' } }], () => [1, 0])
  const later = async (): Promise<number> => 0.5
  expect((await evaluate({ ...request, metrics: { later } })).custom).toEqual({ later: 0.5 })
  const { metrics } = resolveEvaluate({ metrics: { later: () => Promise.reject(new Error('mine')) } }, [])
  await expect(evaluate({ ...request, metrics })).rejects.toMatchObject({ code: 'ERR_CALLBACK', detail: { callback: 'metrics.later' } })
})

test('slices cover all rows once, and a long row runs alone', () => {
  const offsets = Int32Array.of(0, 10, 20_010, 20_020, 36_000, 36_500)
  expect([...slices(offsets)]).toEqual([[0, 1], [1, 2], [2, 4], [4, 5]]) // prettier-ignore
})

test('a failure stops the slice that was asked for ahead, and leaves no listener', async () => {
  const { request } = await run([INTENT], Array.from({ length: 3 }, () => ({ text: 'x', labels: { intent: 'go' } })), () => [1, 0]) // prettier-ignore
  const corpus = { ...request.corpus, sets: [...request.corpus.sets, ...request.corpus.sets] }
  const aborted: number[] = []
  const { signal } = new AbortController()
  const added = jest.spyOn(signal, 'addEventListener')
  const removed = jest.spyOn(signal, 'removeEventListener')
  const predict = async () => ({ logits: [new Float32Array(6).fill(NaN)], embedding: null, nonFiniteRow: 0 })
  const native = { predict, abort: (task: number) => void aborted.push(task) }
  await expect(evaluate({ ...request, corpus, native, signal })).rejects.toMatchObject({ code: 'ERR_NON_FINITE' })
  expect(aborted).toHaveLength(1)
  expect(removed.mock.calls.map(([, handler]) => handler)).toEqual(added.mock.calls.map(([, handler]) => handler))
  expect(added).toHaveBeenCalledTimes(1)
})
