import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { EncodeRequest, NativeModel } from '../../binding'
import { openFolder } from '../../lib/format/folder'
import { openNative } from '../../lib/libtorch/open'
import { nextTask } from '../../lib/native/call'
import { NativeTraining, plainTask, stepsOf, type StepPlan } from '../support/native-training'
import { FIXTURES } from '../support/variant'

const tiny = join(FIXTURES, 'models', 'bert')

async function newModel(): Promise<{ model: NativeModel; load: () => Promise<unknown> }> {
  const [{ addon }, { files, encoder, dense }] = await Promise.all([openNative(), openFolder(tiny)])
  const model = new addon.Model()
  return { model, load: () => model.load({ files, encoder, dense, dtype: 'float32', device: 'cpu', threads: 1, kernels: 'auto' }) }
}

async function loadedModel(): Promise<NativeModel> {
  const { model, load } = await newModel()
  await load()
  return model
}

function request(rows: number): EncodeRequest {
  const ids = new Int32Array(rows * 32).fill(5)
  const offsets = Int32Array.from({ length: rows + 1 }, (_, i) => i * 32)
  return {
    task: nextTask(),
    ids,
    offsets,
    pooling: ['mean'],
    promptTokens: 0,
    steps: [],
    truncateDim: 0,
    normalizeLast: false,
    batchTokens: 64,
  }
}

/** Takes a second at least, in small micro-batches, and so ends in these tests only because it is stopped. */
const long = () => request(40_000)

/** Which of the promises was settled when, and how. */
class Settled {
  readonly order: string[] = []

  follow(name: string, promise: Promise<unknown>): Promise<unknown> {
    return promise.then(
      () => this.order.push(`${name} ok`),
      (error: { code: string }) => this.order.push(`${name} ${error.code}`),
    )
  }
}

const moment = () => new Promise((resolve) => setTimeout(resolve, 20))

test('abort stops what runs, and only that', async () => {
  const model = await loadedModel()
  const settled = new Settled()
  const running = long()
  const all = [settled.follow('running', model.encode(running)), settled.follow('waiting', model.encode(request(1)))]
  await moment()
  model.abort(-1)
  model.abort(running.task)
  await Promise.all(all)
  expect(settled.order).toEqual(['running ERR_ABORTED', 'waiting ok'])
  await model.dispose()
})

test('abort of waiting work rejects it at once; what runs and what waits beside it goes on', async () => {
  const model = await loadedModel()
  const settled = new Settled()
  const [running, aborted, kept] = [long(), request(1), request(2)]
  const first = settled.follow('running', model.encode(running))
  await moment()
  const waiting = [settled.follow('aborted', model.encode(aborted)), settled.follow('kept', model.encode(kept))]
  model.abort(aborted.task)
  await waiting[0]
  expect(settled.order).toEqual(['aborted ERR_ABORTED'])
  model.abort(running.task)
  await Promise.all([first, ...waiting])
  expect(settled.order).toEqual(['aborted ERR_ABORTED', 'running ERR_ABORTED', 'kept ok'])
  await model.dispose()
})

test('dispose rejects what waits and stops what runs, frees last, and is one promise', async () => {
  const model = await loadedModel()
  const settled = new Settled()
  const running = settled.follow('running', model.encode(long()))
  await moment()
  const waiting = settled.follow('waiting', model.encode(request(1)))
  const disposal = model.dispose()
  expect(model.dispose()).toBe(disposal)
  await Promise.all([running, waiting, settled.follow('disposal', disposal)])
  expect(settled.order).toEqual(['waiting ERR_DISPOSED', 'running ERR_DISPOSED', 'disposal ok'])
  await expect(model.encode(request(1))).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
  await expect(model.dispose()).resolves.toBeUndefined()
})

test('dispose stops loading', async () => {
  const [{ addon }, { files, encoder, dense }] = await Promise.all([openNative(), openFolder(tiny)])
  const model = new addon.Model()
  // Takes a second at least.
  const deep = { ...encoder, layers: Array.from({ length: 1000 }, () => encoder.layers[0]!) }
  const request = { files, encoder: deep, dense, dtype: 'float32', device: 'cpu', threads: 1, kernels: 'auto' } as const
  const loading = expect(model.load(request)).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
  await moment()
  await model.dispose()
  await loading
})

test('a model that was never loaded refuses work and can be disposed of; afterwards it cannot be loaded', async () => {
  const { model, load } = await newModel()
  await expect(model.encode(request(1))).rejects.toMatchObject({ code: 'ERR_INTERNAL' })
  await expect(model.dispose()).resolves.toBeUndefined()
  await expect(load()).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
  const { model: other } = await newModel()
  await expect(other.dispose()).resolves.toBeUndefined()
  await expect(other.encode(request(1))).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
})

test('a thread ends with its model', async () => {
  const threads = () => readdirSync('/proc/self/task').length
  const before = threads()
  const models = await Promise.all(Array.from({ length: 8 }, loadedModel))
  await Promise.all(models.map((model) => model.dispose()))
  // The threads end after they have told of it. Those of the models themselves must be gone; libuv's and the like may have come.
  for (let i = 0; i < 100 && threads() > before + 4; i++) await moment()
  expect(threads()).toBeLessThanOrEqual(before + 4)
  expect(models).toHaveLength(8)
})

describe('training', () => {
  // Long enough that other work arrives while they run, also on a busy machine.
  const STEPS = 400
  let training: NativeTraining
  const plan = stepsOf(Array.from({ length: STEPS }, (_, i) => [i % 2]))
  async function started(): Promise<NativeTraining> {
    const made = await NativeTraining.load(tiny)
    const head = { name: 'a', type: 'classification', activation: 'relu', sizes: [2], pooling: ['mean'], steps: [], inputs: 32 } as const
    await made.native.addHead({ ...head, sizes: [2], pooling: ['mean'], steps: [], layers: null, files: [], seed: 0 })
    await made.start({ tasks: [plainTask('a')], targets: [] })
    return made
  }
  const trainRequest = ({ order, batches, steps }: StepPlan) => ({
    task: nextTask(),
    order: Int32Array.from(order),
    batches: Int32Array.from(batches),
    steps: Int32Array.from(steps),
    multipliers: new Float64Array(steps.length - 1).fill(1),
    weights: null,
    firstStep: 0,
    milliseconds: 60_000,
    apply: true,
  })
  const train = () => training.native.train(trainRequest(plan))

  beforeAll(async () => {
    training = await started()
    await training.trainOnly((name) => name.startsWith('heads.'))
    await training.setCorpus({
      ids: Int32Array.of(2, 5, 3, 2, 6, 3),
      offsets: Int32Array.of(0, 3, 6),
      labels: [Int32Array.of(0, 1)],
      targets: [],
    })
  })
  afterAll(() => training.dispose())

  test('ends after a step where other work waits, and not where none does', async () => {
    const [cut, served] = await Promise.all([train(), training.native.encode(request(1))])
    expect(cut.steps).toBeLessThan(STEPS)
    expect(served.dimension).toBe(32)
    expect((await train()).steps).toBe(STEPS)
  })

  test('ends at no step for work that was aborted while it waited', async () => {
    const long = await started()
    await long.trainOnly(() => true)
    const { ids, offsets } = request(64)
    await long.setCorpus({ ids, offsets, labels: [new Int32Array(64)], targets: [] })
    const rows = Array.from({ length: 64 }, (_, row) => row)
    const slow = stepsOf(Array.from({ length: 6 }, () => rows))
    const steps = async () => {
      const running = long.native.train(trainRequest(slow))
      await moment()
      const aborted = request(1)
      const waiting = long.native.encode(aborted)
      long.native.abort(aborted.task)
      await expect(waiting).rejects.toMatchObject({ code: 'ERR_ABORTED' })
      return (await running).steps
    }
    // A step that ends between the two calls sees the waiting work, and rightly: then once more.
    let most = 0
    for (let i = 0; i < 3 && most < 6; i++) most = Math.max(most, await steps())
    expect(most).toBe(6)
    await long.dispose()
  })
})
