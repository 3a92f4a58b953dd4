import type { PredictRequest } from '../../binding'
import type { HeadDefinition } from '../../lib/heads/definition'
import type { Example } from '../../lib/data/example'
import { makeCorpus } from '../../lib/training/corpus'
import { evaluate, measureOf } from '../../lib/training/evaluate'
import { slices } from '../../lib/training/rows'
import { FakeNative, fakeParts } from '../support/fake-trainer'

const INTENT: HeadDefinition = { name: 'intent', type: 'classification', labels: ['go', 'stop'] }
const SLOTS: HeadDefinition = { name: 'slots', type: 'token-classification', labels: ['O', 'B-x', 'I-x'] }
const TOPICS: HeadDefinition = { name: 'topics', type: 'classification', labels: ['p', 'q'], multiLabel: true }

/** Evaluates with logits that say label `say(head, row or token)`. */
async function run(heads: HeadDefinition[], examples: Example[], say: (head: string, at: number) => number[], maxLength = 64) {
  const native = new FakeNative()
  const parts = await fakeParts(native, heads)
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
  expect(() => measureOf(result, 'slots.microF1')).toThrow(/no measure 'slots.microF1'/)
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

test('nothing labelled is refused; a row that is not finite is named', async () => {
  await expect(run([INTENT], [{ text: 'x', labels: {} }], () => [1, 0])).rejects.toMatchObject({ code: 'ERR_DATA' })
  const { request } = await run([INTENT], [{ text: 'x', labels: { intent: 'go' } }], () => [1, 0])
  const predict = async () => ({ logits: [Float32Array.of(NaN, 0)], embedding: null, nonFiniteRow: 0 })
  await expect(evaluate({ ...request, native: { predict, abort: () => {} } })).rejects.toMatchObject({
    code: 'ERR_NON_FINITE',
    detail: { example: 0 },
  })
})

test('slices cover all rows once, and a long row runs alone', () => {
  const offsets = Int32Array.of(0, 10, 20_010, 20_020, 36_000, 36_500)
  expect([...slices(offsets)]).toEqual([[0, 1], [1, 2], [2, 4], [4, 5]]) // prettier-ignore
})
