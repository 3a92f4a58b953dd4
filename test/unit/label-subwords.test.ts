import { evaluate } from '../../lib/training/evaluation/evaluate'
import { makeCorpus } from '../../lib/training/loop/corpus'
import type { PredictRequest } from '../../binding'
import { FakeNative, fakeModel } from '../support/fake-trainer'
import { readGolden } from '../support/golden'
import { refused, resolved } from '../support/parameters'

interface Golden {
  cases: { labels: string[]; sentences: [string[], string[]][]; rows: number[][]; logits: number[][]; loss: number }[]
}

// Made by scripts/make-training-options-golden.py with transformers and PyTorch.
const [golden] = readGolden<Golden>('subwords').cases
const { labels, sentences, rows, logits, loss } = golden!
const examples = sentences.map(([words, slots]) => ({ words, text: words.join(' '), labels: { slots } }))

async function corpusOf(allSubwords: string[]) {
  const parts = await fakeModel(new FakeNative(), [{ name: 'slots', type: 'token-classification', labels }])
  const options = { tokenizer: parts.tokenizer, heads: parts.heads.list, maxLength: 64, unknownLabels: 'refuse' } as const
  return { parts, corpus: await makeCorpus(examples, { ...options, allSubwords }) }
}

test('every token of a word has a label, as label_all_tokens gives it', async () => {
  const { corpus } = await corpusOf(['slots'])
  expect([...corpus.labels[0]!]).toEqual(rows.flat())
})

test('by default, the first token of each word has one', async () => {
  const { corpus } = await corpusOf([])
  const words = sentences.flatMap(([, tags]) => tags.map((tag) => labels.indexOf(tag)))
  expect([...corpus.labels[0]!].filter((label) => label !== -100)).toEqual(words)
})

test('the loss of an evaluation is over all labelled tokens; a word has the tag of its first token', async () => {
  const { parts, corpus } = await corpusOf(['slots'])
  const predict = async ({ ids }: PredictRequest) => {
    expect(ids.length).toBe(logits.length)
    return { logits: [Float32Array.from(logits.flat())], embedding: null, nonFiniteRow: -1 }
  }
  const request = { heads: parts.heads.list, corpus, lossWeights: new Map(), scoreWeights: {}, metrics: {}, signal: undefined }
  const result = await evaluate({ ...request, native: { predict, abort() {} } })
  expect(result.losses.slots).toBeCloseTo(loss, 6)
  const accuracy = (await evaluate({ ...request, corpus: (await corpusOf([])).corpus, native: { predict, abort() {} } })).metrics.slots!.accuracy // prettier-ignore
  expect(result.metrics.slots!.accuracy).toBe(accuracy)
})

test('labels of another kind of head are refused', () => {
  expect(() => resolved({ tasks: { intent: { labelSubwords: 'all' } } })).toThrow(
    refused('tasks.intent.labelSubwords', 'token-classification'),
  )
  expect(resolved({ tasks: { slots: { labelSubwords: 'all' } } }).tasks[1]).toMatchObject({ labelSubwords: 'all' })
})
