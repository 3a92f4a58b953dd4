import fs from 'node:fs'
import path from 'node:path'
import { Dataset, Model, readJsonl } from '../../lib'
import { expectClose } from '../support/close'
import { describePython, pythonFloats, type PythonNumbers } from '../support/python'

const root = path.resolve(__dirname, '../..')
const TEXTS = [
  'Play some jazz by Miles Davis.',
  'will it rain in oslo tomorrow',
  'an unusual word: floccinaucinihilipilification',
  'a'.repeat(300),
]

test('it is whole, small enough for the package, and says where it came from', async () => {
  await using model = await Model.load('sentorch:mini', { verify: true, offline: true })
  const folder = path.join(root, 'models/mini')
  expect(model.info).toMatchObject({ source: 'bundled', folder, dimension: 384, normalizes: true, maxLength: 128, notes: [] })
  expect(model.info.id).toBeUndefined()
  const sizes = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => fs.statSync(path.join(folder, name)))
  expect(sizes.filter((file) => file.isFile()).reduce((sum, { size }) => sum + size, 0)).toBeLessThan(6.5e6)
})

test('near sentences are nearer than others', async () => {
  await using model = await Model.load('sentorch:mini')
  const vectors = await model.encode([
    'play a song by queen',
    'put on some music',
    'will it rain in oslo',
    'the weather forecast for today',
  ])
  const scores = model.similarity(vectors, vectors)
  expect(Math.min(scores.at(0, 1), scores.at(2, 3))).toBeGreaterThan(Math.max(scores.at(0, 2), scores.at(1, 3)) + 0.1)
})

test('its heads know intents and slots that they were not taught on', async () => {
  await using model = await Model.load('sentorch:mini')
  const data = await Dataset.from(readJsonl(path.join(root, 'examples/data/snips-dev.jsonl')), { name: 'sample' })
  const { metrics } = await model.evaluate(data)
  const { intent, slots } = metrics as unknown as { intent: { accuracy: number }; slots: { f1: number } }
  expect(intent.accuracy).toBeGreaterThan(0.95)
  expect(slots.f1).toBeGreaterThan(0.65)
})

describePython('Python opens it', (ask) => {
  test('SentenceTransformer gives the same vectors', async () => {
    await using model = await Model.load('sentorch:mini')
    const { vectors } = await ask<{ vectors: PythonNumbers }>('sentence', { folder: model.info.folder, texts: TEXTS })
    expectClose(pythonFloats(vectors), (await model.encode(TEXTS)).data, { atol: 1e-5 })
  })
})
