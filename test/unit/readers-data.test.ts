import path from 'node:path'
import type { Example, Span } from '../../lib/data/example'
import { readConll, readJointBert, readJson, readRasa } from '../../lib'
import { collect } from '../support/collect'
import { describeData } from '../support/data'

/** Every label of a head once, sorted. */
function labelsOf(examples: readonly Example[], head: string): string[] {
  return [...new Set(examples.flatMap(({ labels }) => (labels[head] as string | string[]) ?? []))].sort()
}

describeData('snips', (folder) => {
  const read = (split: string) => collect(readJointBert(path.join(folder, split)))

  test('sentences, intents and tags are those of the table', async () => {
    const [train, dev, test] = [await read('train'), await read('dev'), await read('test')]
    expect([train.length, dev.length, test.length]).toEqual([13084, 700, 700])
    const all = [...train, ...dev, ...test]
    expect(labelsOf(all, 'intent')).toHaveLength(7)
    const tags = labelsOf(all, 'slots')
    expect(tags.filter((tag) => tag.startsWith('B-'))).toHaveLength(39)
    expect(tags.filter((tag) => tag.startsWith('I-'))).toHaveLength(32)
    expect(tags).toHaveLength(72)
    expect(all.filter(({ words, labels }) => (labels.slots as string[]).length !== words!.length)).toEqual([])
    expect(all.filter(({ text }) => /^ | {2}| $/.test(text))).toEqual([])
  })
})

describeData('hwu64', (folder) => {
  const read = (split: string) => collect(readRasa(path.join(folder, `${split}.rasa.json`)))

  test('sentences, intents and entity types are those of the table', async () => {
    const [train, test] = [await read('train'), await read('test')]
    expect([train.length, test.length]).toEqual([9960, 1076])
    expect(labelsOf([...train, ...test], 'intent')).toHaveLength(64)
    const spans = train.concat(test).flatMap(({ text, labels }) => (labels.slots as Span[]).map((span) => ({ text, ...span })))
    expect(new Set(spans.map(({ label }) => label)).size).toBe(54)
    expect(spans).toHaveLength(8253 + 880)
    expect(spans.filter(({ text, start, end }) => !/^\S(.*\S)?$/.test(text.slice(start, end)))).toEqual([])
  })
})

describeData('clinc150', (folder) => {
  const read = (...split: string[]) => collect(readJson(path.join(folder, 'data_full.json'), { split }))

  test('sentences and intents are those of the table', async () => {
    const counts = { train: 15000, val: 3000, test: 4500, oos_train: 100, oos_val: 100, oos_test: 1000 }
    for (const [split, count] of Object.entries(counts)) {
      const examples = await read(split)
      expect(examples).toHaveLength(count)
      expect(labelsOf(examples, 'intent')).toHaveLength(split.startsWith('oos') ? 1 : 150)
    }
    expect(labelsOf(await read('test', 'oos_test'), 'intent')).toHaveLength(151)
  })
})

describeData('wnut17', (folder) => {
  const read = (name: string) => collect(readConll(path.join(folder, name)))

  test('sentences, words and tags are those of the table', async () => {
    const sets = [await read('wnut17train.conll'), await read('emerging.dev.conll'), await read('emerging.test.annotated')]
    expect(sets.map((examples) => examples.length)).toEqual([3394, 1009, 1287])
    // Every line that is not blank is a word: none is taken for a comment.
    expect(sets.map((examples) => examples.reduce((sum, { words }) => sum + words!.length, 0))).toEqual([62730, 15733, 23394])
    for (const examples of sets) {
      const tags = labelsOf(examples, 'slots')
      expect(new Set(tags.filter((tag) => tag !== 'O').map((tag) => tag.slice(2)))).toEqual(
        new Set(['corporation', 'creative-work', 'group', 'location', 'person', 'product']),
      )
      expect(tags.every((tag) => /^(O|[BI]-.+)$/.test(tag))).toBe(true)
    }
  })
})
