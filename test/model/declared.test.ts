import { join } from 'node:path'
import { Model, Trainer } from '../../lib'
import type { HeadDefinition } from '../../lib/heads/definition'
import { scratch } from '../support/scratch'
import { INTENT, sentences, SLOTS, tinyModel } from '../support/training'

const ON = { device: 'cpu', threads: 1 } as const
let folder: string
let checkpoint: string

beforeAll(async () => {
  folder = join(scratch(), 'model')
  checkpoint = join(scratch(), 'checkpoint')
  await using model = await tinyModel()
  await model.save(folder)
  await using trainer = model.trainer()
  await trainer.fit(sentences(8), { maxSteps: 1 })
  await trainer.saveCheckpoint(checkpoint)
})

test.each([
  ['a list', [SLOTS, INTENT]],
  ['one of them', [INTENT]],
  ['by name', { intent: { type: 'classification', labels: ['go', 'stop'] }, slots: SLOTS }],
  ['a shape that no type depends on', [{ ...INTENT, hidden: [5], dropout: 0.5 }]],
] as [string, HeadDefinition[]][])('heads that are stored: %s', async (_, heads) => {
  await using model = await Model.load(folder, { ...ON, heads })
  expect(model.heads.map(({ name }) => name)).toEqual(['intent', 'slots'])
  await using trainer = await Trainer.resume(checkpoint, { load: { heads } })
  await using loaded = trainer.model
  expect(loaded.heads).toHaveLength(2)
})

test.each([
  [{ ...INTENT, name: 'intend' }, 'intend: the model has no head of that name; it has intent, slots'],
  [{ ...INTENT, multiLabel: true }, 'intent: declared as a multi-label head, but it is a single-label head'],
  [{ ...INTENT, type: 'token-classification' as const }, 'intent: declared as a token-classification head, but it is a single-label head'],
  [{ ...INTENT, labels: ['go', 'halt'] }, 'intent: it does not have the label "halt", and it also has the label "stop"'],
  [{ ...INTENT, labels: 3 }, 'intent: it does not have the labels "0", "1", "2", and it also has the labels "go", "stop"'],
  [{ ...INTENT, labels: ['stop', 'go'] }, 'intent: its labels have another order: "go" is at 0, where "stop" is declared'],
])('%j differs', async (head, difference) => {
  const refused = { code: 'ERR_MODEL_MISMATCH', detail: { differences: [difference] } }
  await expect(Model.load(folder, { ...ON, heads: [head, SLOTS] })).rejects.toMatchObject(refused)
  await expect(Trainer.resume(checkpoint, { load: { heads: [head] } })).rejects.toMatchObject(refused)
})

test('what is no declaration is refused by name', async () => {
  await expect(Model.load(folder, { ...ON, heads: 'intent' as never })).rejects.toThrow('a list of definitions, or definitions by name')
  await expect(Model.load(folder, { ...ON, heads: [INTENT, INTENT] })).rejects.toThrow("two heads with the name 'intent'")
  await expect(Model.load(folder, { ...ON, heads: { other: INTENT } })).rejects.toThrow(`the head "intent" under the name 'other'`)
  await expect(Model.load(folder, { ...ON, heads: [{ ...INTENT, labels: [] }] })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
})
