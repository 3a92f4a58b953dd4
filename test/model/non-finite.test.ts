import fs from 'node:fs'
import { join } from 'node:path'
import type { PoolingMode } from '../../binding'
import { Model } from '../../lib'
import { readSafetensorsHeader } from '../../lib/format/safetensors'
import { fromNative, nextTask } from '../../lib/native/call'
import { NativeTraining } from '../support/native-training'
import { scratch } from '../support/scratch'
import { INTENT, SLOTS } from '../support/training'
import { FIXTURES, makeVariant, type Recipe } from '../support/variant'

/** A tiny BERT in which some stored numbers are others: by the name of a tensor, places and values. */
async function altered(changes: Record<string, [number, number][]>, recipe: Partial<Recipe> = {}): Promise<string> {
  const folder = makeVariant({ base: 'bert', ...recipe })
  const file = join(folder, 'model.safetensors')
  const { tensors } = await readSafetensorsHeader(file)
  const handle = fs.openSync(file, 'r+')
  for (const [name, places] of Object.entries(changes)) {
    const { offset, dtype } = tensors.get(name)!
    if (dtype !== 'F32') throw new Error(`${name} is ${dtype}`)
    for (const [place, value] of places) fs.writeSync(handle, new Uint8Array(Float32Array.of(value).buffer), 0, 4, offset + 4 * place)
  }
  fs.closeSync(handle)
  return folder
}

const WORDS = 'embeddings.word_embeddings.weight'
const WIDTH = 32

function idOf(word: string): number {
  const { model } = JSON.parse(fs.readFileSync(join(FIXTURES, 'models/bert/tokenizer.json'), 'utf8')) as {
    model: { vocab: Record<string, number> }
  }
  return model.vocab[word]!
}

// Of different lengths: micro-batches take them in another order.
const SOUND = ['the river', 'x', 'river river river river', 'the river flows towards x']

describe.each([
  ['a NaN', NaN],
  ['an infinity', Infinity],
])('a text with a word of %s', (_, value) => {
  let model: Model
  beforeAll(async () => {
    const places: [number, number][] = [0, 1].map((i) => [idOf('france') * WIDTH + i, value])
    model = await Model.load(await altered({ [WORDS]: places }), { device: 'cpu', threads: 1 })
    model.addHead(INTENT).addHead(SLOTS)
  })
  afterAll(() => model.dispose())

  test.each([0, 2, 4])('is refused by its index, here %i; the others are served', async (index) => {
    const texts = [...SOUND.slice(0, index), 'towards the france', ...SOUND.slice(index)]
    const refused = { code: 'ERR_NON_FINITE', message: expect.stringContaining(`texts[${index}]`) as string }
    await expect(model.encode(texts)).rejects.toMatchObject(refused)
    await expect(model.encode(texts, { pooling: 'max', batchTokens: 8 })).rejects.toMatchObject(refused)
    await expect(model.encode(texts, { tokenEmbeddings: true })).rejects.toMatchObject(refused)
    for (const heads of [['intent'], ['slots'], ['intent', 'slots']])
      await expect(model.predict(texts, { heads })).rejects.toMatchObject(refused)
    expect((await model.encode(SOUND)).data.every(Number.isFinite)).toBe(true)
    expect(await model.predict(SOUND)).toHaveLength(SOUND.length)
  })
})

test.each(['auto', 'portable'] as const)('max pooling keeps a NaN that only some tokens of a text have (%s kernels)', async (kernels) => {
  // With relu one unit of the last layer is 0 for some tokens; for the others its products overflow.
  const folder = await altered(
    { 'encoder.layer.1.output.dense.weight': Array.from({ length: WIDTH }, (_, i) => [i * 64, i % 2 ? 3e38 : -3e38]) },
    { files: { 'config.json': { hidden_act: 'relu' } } },
  )
  const training = await NativeTraining.load(folder, { kernels })
  const ids = Int32Array.from({ length: 200 }, (_, i) => 5 + ((i * 37) % 700))
  const offsets = Int32Array.from({ length: 21 }, (_, i) => i * 10)
  const encode = (pooling: PoolingMode[]) =>
    fromNative(
      training.native.encode({
        ...{ task: nextTask(), ids, offsets, pooling, promptTokens: 0, steps: [], truncateDim: 0, normalizeLast: false },
        batchTokens: 1000,
      }),
    )
  const states = (await encode([])).values
  const bad = Array.from({ length: 20 }, (_, row) => {
    const tokens = Array.from({ length: 10 }, (_, t) => states.subarray((row * 10 + t) * WIDTH, (row * 10 + t + 1) * WIDTH))
    return tokens.filter((token) => !token.every(Number.isFinite)).length
  })
  const partly = bad.findIndex((count) => count > 0)
  expect(bad.filter((count) => count > 0 && count < 10).length).toBeGreaterThan(3)
  for (const pooling of ['max', 'mean', 'weightedmean'] as const) {
    const { values, nonFiniteRow } = await encode([pooling])
    expect(nonFiniteRow).toBe(partly)
    bad.forEach((count, row) => expect(values.subarray(row * WIDTH, (row + 1) * WIDTH).every(Number.isFinite)).toBe(count === 0))
  }
  await training.dispose()
})

test('numbers that overflow without a NaN are seen too', async () => {
  // The last norm's weight makes most numbers of one column infinite, and no other.
  const training = await NativeTraining.load(await altered({ 'encoder.layer.1.output.LayerNorm.weight': [[3, 3e38]] }))
  const request = { pooling: [], promptTokens: 0, steps: [], truncateDim: 0, normalizeLast: false, batchTokens: 100 }
  const rows = { ids: Int32Array.from({ length: 40 }, (_, i) => 5 + i * 17), offsets: Int32Array.from({ length: 41 }, (_, i) => i) }
  const { values, nonFiniteRow } = await fromNative(training.native.encode({ ...request, ...rows, task: nextTask() }))
  expect(values.some(Number.isNaN)).toBe(false)
  const first = values.findIndex((x) => !Number.isFinite(x))
  expect(first).toBeGreaterThanOrEqual(0)
  expect(nonFiniteRow).toBe(Math.floor(first / WIDTH))
  await training.dispose()
})

describe('the native surface', () => {
  const rows = { ids: Int32Array.of(7, 8, 9, 7, 6, 7), offsets: Int32Array.of(0, 3, 5, 6) }
  const vectors = { pooling: ['mean' as const], promptTokens: 0, steps: [], truncateDim: 0, normalizeLast: false }
  const shape = { activation: 'relu' as const, pooling: ['mean' as const], steps: [], inputs: WIDTH, layers: null, files: [], seed: 0 }

  test('names the row of a prediction that has vectors alone, logits alone, or both', async () => {
    const { native } = await NativeTraining.load(await altered({ [WORDS]: [[6 * WIDTH, NaN]] }))
    await fromNative(native.addHead({ ...shape, name: 'intent', type: 'classification', sizes: [3] }))
    const predict = (heads: string[], embedding: typeof vectors | null) =>
      fromNative(native.predict({ ...rows, task: nextTask(), batchTokens: 100, heads, embedding }))
    expect(await predict([], vectors)).toMatchObject({ nonFiniteRow: 1, embedding: { nonFiniteRow: 1 } })
    expect(await predict(['intent'], null)).toMatchObject({ nonFiniteRow: 1 })
    expect(await predict(['intent'], vectors)).toMatchObject({ nonFiniteRow: 1 })
    await fromNative(native.dispose())
  })

  test('does not save a parameter with a NaN, and leaves no file', async () => {
    const training = await NativeTraining.load(await altered({ [WORDS]: [[6 * WIDTH, NaN]] }))
    await training.start({ tasks: [], targets: [] })
    const path = join(scratch(), 'saved')
    const write = (parameter: string) =>
      fromNative(training.native.write({ path, header: new Uint8Array(8), parts: [{ value: 'value', parameter }] }))
    await expect(write(WORDS)).rejects.toMatchObject({ code: 'ERR_NON_FINITE', message: expect.stringContaining(WORDS) as string })
    expect(fs.existsSync(path)).toBe(false)
    await write('embeddings.position_embeddings.weight')
    expect(fs.existsSync(path)).toBe(true)
    await training.dispose()
  })
})
