import type { TrainerOptions } from '../../lib/training/options/train'
import { resolveEpoch, type EpochOptions } from '../../lib/training/options/epoch'
import { TrainerCore } from '../../lib/training/core'
import type { TrainingData } from '../../lib/training/loop/corpus'
import { resolveFit, type FitOptions } from '../../lib/training/options/fit'
import { multiplier } from '../../lib/training/plan/schedule'
import type { StepReport } from '../../lib/training/loop/report'
import { FakeNative, fakeModel } from '../support/fake-trainer'

const HEAD = { name: 'h', type: 'classification', labels: ['a', 'b'] } as const
const OPTIONS: TrainerOptions = { learningRate: 0.1, batchSize: 2, schedule: 'constant', maxGradNorm: 0 }

function examples(count: number): { text: string; labels: { h: string } }[] {
  return Array.from({ length: count }, (_, i) => ({ text: `x ${i}`, labels: { h: i % 3 ? 'a' : 'b' } }))
}

async function trainer(options: TrainerOptions = {}, native = new FakeNative()) {
  const core = new TrainerCore(await fakeModel(native, [HEAD]), { ...OPTIONS, ...options })
  const epoch = (data: TrainingData, more?: EpochOptions) => core.trainEpoch(data, resolveEpoch(more))
  return { native, core, epoch }
}

test('an epoch is given in slices of at most 64 steps, each with its multipliers and the number of its first step', async () => {
  const { native, core, epoch } = await trainer({ schedule: 'linear', epochs: 1, warmupSteps: 10 })
  native.callSteps = 40
  const report = await epoch(examples(200))
  expect(report).toMatchObject({ steps: 100, examples: 200, tokens: 600, skippedSteps: 0 })
  expect(native.calls.map(({ firstStep, steps }) => [firstStep, steps.length - 1])).toEqual([
    [0, 64],
    [40, 60],
    [80, 20],
  ])
  for (const { firstStep, multipliers } of native.calls) {
    multipliers.forEach((m, i) => expect(m).toBe(multiplier({ shape: 'linear', warmup: 10, total: 100 }, firstStep + i)))
  }
  const rows = [native.calls[0]!.order.slice(0, 80), native.calls[1]!.order.slice(0, 80), native.calls[2]!.order].flatMap((part) => [
    ...part,
  ])
  expect(rows.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i))
  expect(core.model.trained).toBe(true)
})

test('however the calls are cut, the same weights come out', async () => {
  const results = []
  for (const callSteps of [1, 3, 1000]) {
    const { native, epoch } = await trainer()
    native.callSteps = callSteps
    const { seconds: _, ...report } = await epoch(examples(37))
    results.push({ w: native.w, report })
  }
  expect(results[1]).toEqual(results[0])
  expect(results[2]).toEqual(results[0])
})

test('losses are weighted by items: a short last batch counts by its size', async () => {
  const { epoch } = await trainer({ learningRate: 0, batchSize: 4 })
  // w stays 0: the loss is ½ for each of the 7 'b' of 20.
  const report = await epoch(examples(19))
  expect(report.losses.h).toBeCloseTo(7 / 2 / 19, 12)
  expect(report.loss).toBeCloseTo(7 / 2 / 19, 12)
  expect(report.metrics.h!.accuracy).toBe(0.5)
})

test('an abort keeps the steps that a call had done, and the next call goes on behind them', async () => {
  const whole = await trainer()
  await whole.epoch(examples(40))
  const { native, core, epoch } = await trainer()
  const controller = new AbortController()
  native.before = (step) => step === 7 && controller.abort()
  await expect(epoch(examples(40), { signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  expect(core.state).toMatchObject({ step: 7, applied: 7, attempted: 7 })
  native.before = () => {}
  expect(await epoch(examples(40))).toMatchObject({ steps: 20, examples: 40 })
  expect(native.w).toBe(whole.native.w)
})

test('a signal that is aborted already stops before anything is opened', async () => {
  const { native, epoch } = await trainer()
  await expect(epoch(examples(4), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  expect(native.opened).toHaveLength(0)
})

test('skipped steps are counted and do not advance the schedule; training goes on behind them', async () => {
  const { native, core, epoch } = await trainer({ schedule: 'linear', epochs: 1, warmupSteps: 0 })
  native.bad = new Set([3, 4, 9])
  const steps: StepReport[] = []
  const report = await epoch(examples(40), { onStep: (step) => void steps.push(step) })
  expect(report).toMatchObject({ steps: 17, skippedSteps: 3, examples: 40 })
  expect(Number.isFinite(report.loss)).toBe(true)
  expect(steps.filter(({ isApplied }) => !isApplied).map(({ step }) => step)).toEqual([3, 4, 9])
  expect(native.calls.map(({ multipliers }) => multipliers[0])).toEqual(
    steps.map(({ applied, isApplied }) => multiplier({ shape: 'linear', warmup: 0, total: 20 }, isApplied ? applied - 1 : applied)),
  )
  expect(core.state).toMatchObject({ applied: 17, attempted: 20, skippedInARow: 0, epoch: 1 })
})

test('too many skipped steps in a row end training; fewer do not', async () => {
  const { native, core, epoch } = await trainer({ maxSkippedSteps: 3 })
  native.bad = new Set([1, 2, 4, 5, 6])
  await expect(epoch(examples(40))).rejects.toMatchObject({ code: 'ERR_NON_FINITE', detail: { epoch: 0, step: 6, skipped: 3 } })
  expect(core.state).toMatchObject({ step: 7, applied: 2 })
  expect(core.model.trained).toBe(true)
})

test('with onStep each step is a call of its own, and the next waits for it', async () => {
  const { native, epoch } = await trainer()
  const order: string[] = []
  native.before = (step) => void order.push(`step ${step}`)
  const onStep = async ({ step }: StepReport) => {
    await new Promise((resolve) => setTimeout(resolve, 1))
    order.push(`seen ${step}`)
  }
  await epoch(examples(6), { onStep })
  expect(order).toEqual(['step 0', 'seen 0', 'step 1', 'seen 1', 'step 2', 'seen 2'])
})

test('the corpus crosses once for the same data, and again for other data', async () => {
  const { native, epoch } = await trainer()
  for (const count of [6, 6, 8, 6]) await epoch(examples(count))
  expect(native.corpora).toBe(3)
})

test('unfreezing by step ends a call at that step, and the groups are set between', async () => {
  const { native, epoch } = await trainer({ freeze: { head: 'h' }, unfreeze: [{ at: { step: 5 }, what: { head: 'h' } }] })
  await epoch(examples(20))
  expect(native.groups).toEqual([[0], [0, 1]])
  expect(native.calls.map(({ firstStep, steps }) => [firstStep, steps.length - 1])).toEqual([
    [0, 5],
    [5, 5],
  ])
})

test("'balanced' weights are those of the first data; groups asked for before it open the trainer without them", async () => {
  const { native, core, epoch } = await trainer({ tasks: { h: { classWeights: 'balanced' } } })
  await core.session()
  await epoch(examples(9))
  await epoch(examples(6))
  expect(native.opened.map(({ objectives }) => objectives[0])).toEqual([
    expect.objectContaining({ classWeights: null }),
    expect.objectContaining({ classWeights: Float32Array.of(9 / 12, 9 / 6) }),
  ])
})

test('a failure of the native side leaves training where it was', async () => {
  const { native, core, epoch } = await trainer()
  native.callSteps = 2
  native.before = (step) => {
    if (step === 4) throw Object.assign(new Error('no memory'), { code: 'ERR_OUT_OF_MEMORY' })
  }
  await expect(epoch(examples(20))).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY' })
  expect(core.state).toMatchObject({ step: 4, applied: 4 })
  native.before = () => {}
  expect(await epoch(examples(20))).toMatchObject({ steps: 10 })
})

test('closing ends the native trainer and frees the model', async () => {
  const { native, core } = await trainer()
  await core.session()
  expect(core.model.trainer).toBe(core)
  await core.close()
  expect(native.isOpen).toBe(false)
  expect(core.model.trainer).toBeUndefined()
})

test('other data after an abort gives the epoch up and begins one of its own, over all its rows', async () => {
  const { native, epoch } = await trainer()
  const controller = new AbortController()
  native.before = (step) => step === 7 && controller.abort()
  await expect(epoch(examples(40), { signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  expect(await epoch(examples(20))).toMatchObject({ epoch: 0, steps: 10, examples: 20 })
  expect([...native.calls.at(-1)!.order].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i))
})

test('without a length of its own the schedule spans each fit anew, and maxSteps shortens it', async () => {
  const { native, core } = await trainer({ schedule: undefined })
  const fit = (options: FitOptions) => core.fit(examples(20), resolveFit(options, [HEAD], undefined))
  for (const [options, total] of [
    [{ epochs: 2 }, 20],
    [{ epochs: 4, maxSteps: 15 }, 15],
  ] as const) {
    // prettier-ignore
    native.calls.length = 0
    expect(await fit(options)).toMatchObject({ steps: total, stopped: total === 20 ? 'epochs' : 'maxSteps' })
    const given = native.calls.flatMap(({ multipliers }) => [...multipliers])
    const expected = Array.from({ length: total }, (_, i) => multiplier({ shape: 'linear', warmup: Math.floor(total / 10), total }, i))
    expect(given).toEqual(expected)
  }
})

test('every listener of an abort signal is taken away again, whatever ends the call', async () => {
  const added = jest.spyOn(AbortSignal.prototype, 'addEventListener')
  const removed = jest.spyOn(AbortSignal.prototype, 'removeEventListener')
  const { native, epoch } = await trainer()
  native.callSteps = 2
  const { signal } = new AbortController()
  await epoch(examples(20), { signal })
  native.before = () => {
    throw Object.assign(new Error('no memory'), { code: 'ERR_OUT_OF_MEMORY' })
  }
  await expect(epoch(examples(20), { signal })).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY' })
  const handlers = (spy: typeof added) => spy.mock.calls.map(([, handler]) => handler)
  expect(added.mock.calls.length).toBeGreaterThan(5)
  expect(handlers(removed)).toEqual(handlers(added))
  jest.restoreAllMocks()
})

test('closing waits for the step under way before the native trainer ends', async () => {
  const { native, core, epoch } = await trainer()
  const order: string[] = []
  let closing: Promise<void> | undefined
  native.before = (step) => {
    if (step === 3) closing = core.close().then(() => void order.push('closed'))
    order.push(`step ${step}`)
  }
  const end = native.endTraining.bind(native)
  native.endTraining = async () => {
    order.push('ended')
    return end()
  }
  native.callSteps = 1
  await expect(epoch(examples(40))).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
  await closing
  expect(order.slice(-3)).toEqual(['step 3', 'ended', 'closed'])
})

describe('callbacks that give promises', () => {
  const fails = () => Promise.reject(new Error('mine'))

  test.each(['onProgress', 'onStep'])('%s: one that rejects ends the call at a step, and the next call continues', async (name) => {
    const { core, epoch } = await trainer()
    await expect(epoch(examples(8), { [name]: fails })).rejects.toMatchObject({ code: 'ERR_CALLBACK', detail: { callback: name } })
    expect(core.isBusy).toBe(false)
    expect(await epoch(examples(8))).toMatchObject({ steps: 4, examples: 8 })
  })

  test.each(['onProgress', 'onStep', 'onEpoch'])('%s: nothing goes on until it has settled', async (name) => {
    const { core, native } = await trainer()
    native.callSteps = 1
    let calls = 0
    let pending = 0
    let during = 0
    native.before = () => void (during += pending)
    const callback = async () => {
      calls++
      pending++
      await new Promise((resolve) => setTimeout(resolve, 5))
      pending--
    }
    await core.fit(examples(8), resolveFit({ epochs: 2, [name]: callback }, core.model.heads.list, undefined))
    expect({ during, pending }).toEqual({ during: 0, pending: 0 })
    expect(calls).toBeGreaterThan(1)
  })

  test.each(['onProgress', 'onStep', 'onEpoch'])('%s: one may dispose of the trainer and wait for that', async (name) => {
    const { core, native } = await trainer()
    const options = resolveFit({ epochs: 2, [name]: () => core.close() }, core.model.heads.list, undefined)
    await expect(core.fit(examples(400), options)).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
    expect(native.isOpen).toBe(false)
  })
})

test('a task weight that is a function is evaluated when an epoch starts, with the last evaluation of the fit', async () => {
  const native = new FakeNative()
  const predict = async ({ offsets }: { offsets: Int32Array }) => ({ logits: [new Float32Array(2 * (offsets.length - 1)).fill(native.w)], embedding: null, nonFiniteRow: -1 }) // prettier-ignore
  const asked: [number, number | undefined][] = []
  const weight = (epoch: number, last: { score: number } | undefined) => (asked.push([epoch, last?.score]), (epoch + 1) / 4)
  const { core } = await trainer({ tasks: { h: { weight } } }, Object.assign(native, { predict }))
  const result = await core.fit(examples(8), resolveFit({ evaluate: examples(8), epochs: 3, restoreBest: false }, [HEAD], undefined))
  const scores = result.evaluations.map(({ evaluation }) => evaluation.score)
  expect(asked).toEqual([
    [0, undefined],
    [1, scores[0]],
    [2, scores[1]],
  ])
  expect(native.calls.map(({ weights }) => [...weights!])).toEqual([[0.25], [0.5], [0.75]])
  for (const [epoch, report] of result.history.entries()) {
    expect(report.loss).toBeCloseTo(((epoch + 1) / 4) * report.losses.h!, 12)
    expect(report.evaluation!.loss).toBeCloseTo(((epoch + 1) / 4) * report.evaluation!.losses.h!, 12)
  }
})

test('a weight that is not a number of at least 0, or a function that throws, stops the epoch before its first step', async () => {
  for (const [weight, code] of [
    [() => NaN, 'ERR_INVALID_ARGUMENT'],
    [
      () => {
        throw new Error('no')
      },
      'ERR_CALLBACK',
    ],
  ] as const) {
    // prettier-ignore
    const { native, epoch } = await trainer({ tasks: { h: { weight } } })
    await expect(epoch(examples(8))).rejects.toMatchObject({ code })
    expect(native.calls).toEqual([])
  }
})
