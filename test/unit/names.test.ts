import { join } from 'node:path'
import { Dataset, readConll, readCsv, readJointBert, readJson, readJsonl, readRasa, type Example, type JsonFileOptions } from '../../lib'
import { readText } from '../support/readers'
import { collect } from '../support/collect'
import { folderOf } from '../support/scratch'

/** Names that every object has from its prototype; assigning to the first even changes the prototype. */
const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']

describe.each(NAMES)('a head named %s', (head) => {
  const single = { heads: { sentence: head } }
  const entities = { heads: { tokens: head } }
  const json = (record: object, options?: JsonFileOptions) => readText(readJson, 'a.json', JSON.stringify([record]), options)

  test.each<[string, () => Promise<Example[]>, unknown]>([
    ['our own form', () => readText(readJsonl, 'a.jsonl', `{"text": "a b", "labels": {"${head}": "x"}}`), 'x'],
    ['several labels', () => readText(readJsonl, 'a.jsonl', `{"text": "a b", "labels": {"${head}": ["x", "y"]}}`), ['x', 'y']],
    ['a column', () => collect(readCsv(join(folderOf({ 'a.csv': `text,${head}\na b,x\n` }), 'a.csv'), { labels: Object.fromEntries([[head, head]]) })), 'x'], // prettier-ignore
    ['CoNLL', () => readText(readConll, 'a.conll', 'a B-x\nb O\n', { labels: Object.fromEntries([[head, 1]]) }), ['B-x', 'O']],
    ['Rasa YAML', () => readText(readRasa, 'a.yml', 'nlu:\n- intent: x\n  examples: |\n    - a b\n', { heads: { sentence: head, tokens: false } }), 'x'], // prettier-ignore
    ['a category', () => json({ text: 'a b', label: ['x'] }, single), 'x'],
    ['SetFit', () => json({ text: 'a b', label: 1, label_text: 'x' }, single), 'x'],
    ['Prodigy', () => json({ text: 'a b', spans: [{ start: 0, end: 1, label: 'x' }] }, entities), [{ start: 0, end: 1, label: 'x' }]],
    ['spaCy', async () => readText(readJson, 'a.json', '[["a b", {"entities": [[0, 1, "x"]]}]]', entities), [{ start: 0, end: 1, label: 'x' }]], // prettier-ignore
    ['GLiNER', () => json({ tokenized_text: ['a', 'b'], ner: [[0, 0, 'x']] }, entities), [{ start: 0, end: 1, label: 'x' }]],
  ])('is read from %s', async (_, read, value) => {
    const examples = await read()
    expect(examples.map(({ labels }) => Object.entries(labels))).toEqual([[[head, value]]])
  })

  test('is read from JointBERT', async () => {
    const folder = folderOf({ 'seq.in': 'a b\n', label: 'x\n' })
    const read = await collect(readJointBert(folder, { heads: { sentence: head, tokens: false } }))
    expect(read.map((example) => Object.entries(example.labels))).toEqual([[[head, 'x']]])
  })

  test('may be a control of Label Studio', async () => {
    const span = { from_name: head, to_name: 'text', type: 'labels', value: { start: 0, end: 1, text: 'a', labels: ['x'] } }
    const [example] = await json({ data: { text: 'a b' }, annotations: [{ result: [span] }] })
    expect(example!.labels).toEqual({ slots: [{ start: 0, end: 1, label: 'x' }] })
  })

  test('is described', async () => {
    const dataset = await Dataset.from([
      { text: 'a', labels: Object.fromEntries([[head, 'x']]) },
      { text: 'b', labels: {} },
    ])
    expect(dataset.labels(head)).toEqual(['x'])
    const { heads, problems } = await dataset.describe()
    expect(Object.entries(heads)).toEqual([[head, { kind: 'label', examples: 1, labels: [{ label: 'x', count: 1 }] }]])
    expect(problems).toEqual([])
  })
})
