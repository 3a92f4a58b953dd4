import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EncoderSource, TensorSource } from '../../binding'
import { openNative } from '../../lib/libtorch/open'
import { fromNative, nextTask } from '../../lib/native/call'
import { expectClose } from '../support/close'
import { NativeTraining } from '../support/native-training'
import { randomNumbers } from '../support/random'
import { scratch } from '../support/scratch'
import { makeVariant } from '../support/variant'

// lib/ keeps texts within these limits: here it is the last line of defence that is tested, just inside and just outside.
describe.each(['bert', 'roberta'])('%s', (base) => {
  let training: NativeTraining
  beforeAll(async () => {
    training = await NativeTraining.load(makeVariant({ base }))
  })
  afterAll(() => training.dispose())

  const encode = (ids: number[]) =>
    fromNative(
      training.native.encode({
        ...{
          task: nextTask(),
          ids: Int32Array.from(ids),
          offsets: Int32Array.of(0, ids.length),
          pooling: ['mean'],
          promptTokens: 0,
          steps: [],
        },
        ...{ truncateDim: 0, normalizeLast: false, batchTokens: 100 },
      }),
    )

  test('a row has a position for each token', async () => {
    const { positionEmbeddings, positionPadding } = training.encoder
    const most = positionEmbeddings.shape[0]! - positionPadding - 1
    await encode(new Array<number>(most).fill(9))
    await expect(encode(new Array<number>(most + 1).fill(9))).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })

  test('an id lies in the table', async () => {
    const rows = training.encoder.wordEmbeddings.shape[0]!
    await encode([0, rows - 1])
    for (const id of [-1, rows]) await expect(encode([5, id])).rejects.toMatchObject({ code: 'ERR_MODEL_MISMATCH' })
  })
})

test('a file that ends inside a tensor is refused', async () => {
  const training = await NativeTraining.load(makeVariant({ base: 'bert' }))
  const beyond = { ...training.encoder.positionEmbeddings, offset: 1e9 }
  await fromNative(training.native.dispose())
  const folder = makeVariant({ base: 'bert' })
  await expect(NativeTraining.load(folder, { encoder: { ...training.encoder, positionEmbeddings: beyond } })).rejects.toMatchObject({
    code: 'ERR_MODEL_FORMAT',
    message: expect.stringContaining('position_embeddings') as string,
  })
})

// The kernels keep rows of up to 4,096 numbers on the stack.
test.each([4096, 4097, 20_003])('states of %i numbers', async (hidden) => {
  const random = randomNumbers(hidden)
  const floats = Float32Array.from({ length: 6 * hidden }, () => 4 * random() - 2)
  const file = join(scratch(), 'wide')
  writeFileSync(file, floats)
  const tensor = (name: string, row: number, shape: number[]): TensorSource => ({
    ...{ name, file: 0, dtype: 'F32', shape },
    offset: 4 * row * hidden,
  })
  const encoder: EncoderSource = {
    ...{ hiddenSize: hidden, heads: 1, intermediateSize: 1, layerNormEps: 0.5, activation: 'gelu', positionPadding: -1, wordPadding: -1 },
    wordEmbeddings: tensor('word', 0, [2, hidden]),
    positionEmbeddings: tensor('position', 2, [2, hidden]),
    tokenTypeEmbeddings: null,
    embeddingNorm: { weight: tensor('weight', 4, [hidden]), bias: tensor('bias', 5, [hidden]) },
    layers: [],
    relativeAttentionBias: null,
  }
  const { addon } = await openNative()
  const native = new addon.Model()
  await fromNative(native.load({ files: [file], encoder, dense: [], dtype: 'float32', device: 'cpu', threads: 1, kernels: 'auto' }))
  const { values } = await fromNative(
    native.encode({
      ...{ task: nextTask(), ids: Int32Array.of(1, 0), offsets: Int32Array.of(0, 2), pooling: [], promptTokens: 0, steps: [] },
      ...{ truncateDim: 0, normalizeLast: false, batchTokens: 8 },
    }),
  )
  const row = (i: number) => Array.from(floats.subarray(i * hidden, (i + 1) * hidden))
  const mean = (numbers: number[]) => numbers.reduce((sum, x) => sum + x, 0) / hidden
  const [weight, bias] = [row(4), row(5)]
  const expected = [1, 0].flatMap((id, t) => {
    const position = row(2 + t)
    const sum = row(id).map((x, i) => x + position[i]!)
    const middle = mean(sum)
    const scale = 1 / Math.sqrt(mean(sum.map((x) => (x - middle) ** 2)) + encoder.layerNormEps)
    return sum.map((x, i) => (x - middle) * scale * weight[i]! + bias[i]!)
  })
  expectClose(values, expected, { atol: 1e-5, columns: hidden })
  await fromNative(native.dispose())
})
