import type { EncodeRequest } from '../../binding'
import { meanCosine, sentenceVectors } from '../../lib/training/objectives/keep-embeddings'
import { FakeNative, fakeModel } from '../support/fake-trainer'

/** Three texts that go to the model in two calls: the first two together have 16,384 tokens. */
const rows = { ids: new Int32Array(16_385), offsets: Int32Array.of(0, 8192, 16_384, 16_385) }

type Encode = (request: EncodeRequest, dimension: number) => Promise<{ values: Float32Array; nonFiniteRow: number }>

async function run(encode: Encode, signal?: AbortSignal) {
  const { folder } = await fakeModel(new FakeNative(), [])
  const aborts: number[] = []
  const dimension = folder.config.hiddenSize
  const native = {
    encode: (request: EncodeRequest) => encode(request, dimension),
    abort: (task: number) => void aborts.push(task),
  } as never
  return { aborts, dimension, vectors: sentenceVectors({ native, folder }, rows, { pooling: ['mean'], steps: [] }, signal) }
}

const filled = async ({ offsets }: EncodeRequest, dimension: number) => ({
  values: new Float32Array((offsets.length - 1) * dimension).fill(offsets.length),
  nonFiniteRow: -1,
})

test('vectors of all calls, in order', async () => {
  const { dimension, vectors } = await run(filled)
  const expected = [3, 3, 2].flatMap((value) => Array<number>(dimension).fill(value))
  expect([...(await vectors)]).toEqual(expected)
})

test('a vector that is not finite is named by its example, not by its place in the call', async () => {
  const { vectors } = await run(async (request, dimension) => ({
    ...(await filled(request, dimension)),
    nonFiniteRow: request.offsets.length === 2 ? 0 : -1,
  }))
  await expect(vectors).rejects.toMatchObject({ code: 'ERR_NON_FINITE', detail: { example: 2 } })
})

test('an abort ends the call that runs, and nobody listens afterwards', async () => {
  const controller = new AbortController()
  const { signal } = controller
  const added = jest.spyOn(signal, 'addEventListener')
  const removed = jest.spyOn(signal, 'removeEventListener')
  await (
    await run(filled, signal)
  ).vectors
  const { aborts, vectors } = await run(() => {
    controller.abort()
    return Promise.reject(new Error('given up'))
  }, signal)
  await expect(vectors).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  expect(aborts).toHaveLength(1)
  expect(added).toHaveBeenCalledTimes(2)
  expect(removed.mock.calls.map(([, listener]) => listener)).toEqual(added.mock.calls.map(([, listener]) => listener))
})

test('the mean cosine is that of the rows, of any length; rows of zeros count 0', () => {
  expect(meanCosine(Float32Array.of(1, 0, 3, 4), Float32Array.of(2, 0, 4, 3), 2)).toBeCloseTo((1 + 24 / 25) / 2, 6)
  expect(meanCosine(Float32Array.of(1, 0, 0, 0), Float32Array.of(2, 0, 4, 3), 2)).toBe(0.5)
})
