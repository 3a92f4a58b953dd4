import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Dataset, Model, readCsv, readJsonl } from '../../lib'
import { scratch } from '../support/scratch'
import { tinyModel } from '../support/training'

const models: Model[] = []

async function graded(): Promise<Model> {
  const model = await tinyModel([{ name: 'grade', type: 'classification', labels: 3 }])
  models.push(model)
  return model
}

afterEach(async () => {
  for (const model of models.splice(0)) await model.dispose()
})

const WORDS = ['river', 'ocean', 'flows']
const data = Array.from({ length: 48 }, (_, i) => ({ text: `${WORDS[i % 3]} the x ${i}`, labels: { grade: i % 3 } }))

test('classes are learnt and predicted by number, also after saving and loading', async () => {
  const model = await graded()
  expect(model.heads[0]!.labels).toEqual(['0', '1', '2'])
  const { best } = await model.fit(data, { evaluate: data, epochs: 6, learningRate: 3e-3, batchSize: 8 })
  expect(best!.value).toBe(1)
  const predictions = await model.predict(WORDS.map((word) => `${word} the x`))
  expect(predictions.map(({ grade }) => grade)).toMatchObject([0, 1, 2].map((index) => ({ label: String(index), index })))
  const folder = join(scratch(), 'graded')
  await model.save(folder)
  const loaded = await Model.load(folder, { device: 'cpu', threads: 1 })
  models.push(loaded)
  expect(await loaded.predict(WORDS.map((word) => `${word} the x`))).toEqual(predictions)
  expect((await model.predict('river', { rejectBelow: 1 })).grade).toMatchObject({ label: null, index: null })
})

test('a head with names gives no number; neither does one with other digits', async () => {
  const model = await tinyModel([
    { name: 'names', type: 'classification', labels: ['a', 'b'] },
    { name: 'digits', type: 'classification', labels: ['1', '2'] },
  ])
  models.push(model)
  const { names, digits } = (await model.predict('river')) as Record<string, object>
  expect(Object.keys(names!)).toEqual(['label', 'score'])
  expect(Object.keys(digits!)).toEqual(['label', 'score'])
})

test.each([
  [{ grade: 3 }, /"3" is not one of the labels of head 'grade': 0, 1, 2/],
  [{ grade: -1 }, /expected the number of a class, a whole number of at least 0, for labels.grade; received -1/],
  [{ grade: 1.5 }, /received 1.5/],
  [{ grade: NaN }, /received NaN/],
  [{ grade: [0, 1] }, /labels.grade has 2 numbers. A list of numbers gives the tag of each word/],
])('%j is refused by name', async (labels, message) => {
  const model = await graded()
  await expect(model.fit([{ text: 'river', labels }])).rejects.toThrow(message)
})

test('one number a word for token classification', async () => {
  const model = await tinyModel([{ name: 'tags', type: 'token-classification', labels: 3 }])
  models.push(model)
  const words = ['river', 'flows', 'the', 'ocean']
  const examples = Array.from({ length: 24 }, () => ({ words, labels: { tags: [1, 0, 0, 2] } }))
  await model.fit(examples, { epochs: 8, learningRate: 3e-3, batchSize: 8 })
  const { tags } = await model.predict(words.join(' '), { words: true })
  expect((tags as { words: { label: string }[] }).words.map(({ label }) => label)).toEqual(['1', '0', '0', '2'])
  await expect(model.fit([{ words, labels: { tags: [1, 0] } }])).rejects.toThrow("needs as many 'words'")
  // transformers reads the names of the classes from id2label.
  const folder = join(scratch(), 'tagger')
  await model.save(folder, { as: 'token-classification' })
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as object
  expect(config).toMatchObject({ id2label: { 0: '0', 1: '1', 2: '2' }, label2id: { 0: 0, 1: 1, 2: 2 } })
})

test('files with numbers: CSV, JSON lines; the labels of a data set are in the order of the numbers', async () => {
  const folder = scratch()
  const rows = Array.from({ length: 12 }, (_, i) => [`river ${i}`, i] as const)
  writeFileSync(join(folder, 'a.csv'), ['text,grade', ...rows.map(([text, grade]) => `${text},${grade}`)].join('\n'))
  writeFileSync(join(folder, 'a.jsonl'), rows.map(([text, grade]) => JSON.stringify({ text, labels: { grade } })).join('\n'))
  const csv = readCsv(join(folder, 'a.csv'), { text: 'text', labels: { grade: 'grade' } })
  for (const source of [csv, readJsonl(join(folder, 'a.jsonl')), rows.map(([text, grade]) => ({ text, labels: { grade } }))]) {
    const set = await Dataset.from(source)
    expect(set.labels('grade')).toEqual(Array.from({ length: 12 }, (_, i) => String(i)))
    expect(set.examples[11]).toEqual({ text: 'river 11', labels: { grade: '11' } })
  }
})

test('labels: a number of classes is at least 2', async () => {
  const model = await tinyModel([])
  models.push(model)
  for (const labels of [1, 0, -3, 2.5, 1e6])
    expect(() => model.addHead({ name: 'a', type: 'classification', labels })).toThrow('an integer in 2..65536')
  expect(() => model.addHead({ name: 'a', type: 'classification', labels: 2 }).extendHead('a', 3 as never)).toThrow('an array of strings')
})

describe('plain strings as data', () => {
  test('distillation, with and without an untrained head', async () => {
    const [teacher, student] = [await graded(), await tinyModel([])]
    models.push(student)
    const texts = data.map(({ text }) => text)
    const options = { distill: { teacher }, learningRate: 1e-3, batchSize: 8 }
    const { history } = await student.fit(texts, { ...options, epochs: 3 })
    const report = await student.trainEpoch(texts, options)
    expect(report.losses.distill).toBeLessThan(history[0]!.losses.distill!)
    student.addHead({ name: 'intent', type: 'classification', labels: ['a', 'b'] })
    await student.fit({ first: texts, second: await Dataset.from(texts) }, { ...options, tasks: { intent: false }, epochs: 1 })
    await expect(student.fit(texts, options)).rejects.toThrow("The head 'intent' has no labelled example")
  })
})
