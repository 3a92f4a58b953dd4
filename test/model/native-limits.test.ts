import { fromNative } from '../../lib/native'
import { nextTask } from '../../lib/tasks'
import { NativeTraining } from '../support/native-training'
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
