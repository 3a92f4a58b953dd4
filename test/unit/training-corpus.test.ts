import { Dataset } from '../../lib/data/dataset'
import { makeCorpus } from '../../lib/training/loop/corpus'
import { FakeNative, fakeModel } from '../support/fake-trainer'

const INTENT = { name: 'intent', type: 'classification', labels: ['go', 'stop'] } as const

test('several data sets are one, the rows and labels of each at its own place', async () => {
  const texts = { one: ['the river', 'a'], two: ['', 'over the lazy dog'], three: ['fox'] }
  const { tokenizer, heads } = await fakeModel(new FakeNative(), [INTENT])
  const options = { tokenizer, heads: heads.list, maxLength: 64, unknownLabels: 'refuse' } as const
  const example = (text: string) => ({ text, labels: { intent: text.length > 3 ? 'go' : 'stop' } })
  const sets = Object.fromEntries(Object.entries(texts).map(([name, each]) => [name, each.map(example)]))
  const corpus = await makeCorpus(sets, options)

  const all = Object.values(texts).flat()
  const { ids, offsets } = await tokenizer.encode(all, 64)
  expect([corpus.ids, corpus.offsets]).toEqual([ids, offsets])
  expect(corpus.labels).toEqual([Int32Array.of(0, 1, 1, 0, 1)])
  expect(corpus.examples).toBe(5)
  expect(corpus.sets.map(({ name, start, count }) => [name, start, count])).toEqual([['one', 0, 2], ['two', 2, 2], ['three', 4, 1]]) // prettier-ignore
  const alone = await makeCorpus(all.map(example), options)
  for (const key of ['ids', 'offsets', 'labels'] as const) expect(alone[key]).toEqual(corpus[key])
})

test('a data set that was prepared is the same object for everybody else: it can be cloned, and has no more properties', async () => {
  const { tokenizer, heads } = await fakeModel(new FakeNative(), [INTENT])
  const examples = [{ text: 'the river', labels: { intent: 'go' } }]
  const [used, unused] = await Promise.all([Dataset.from(examples), Dataset.from(examples)])
  await makeCorpus(used, { tokenizer, heads: heads.list, maxLength: 64, unknownLabels: 'refuse' })
  expect(structuredClone(used)).toEqual(structuredClone(unused))
  expect(Object.keys(used)).toEqual(['name', 'examples'])
})
