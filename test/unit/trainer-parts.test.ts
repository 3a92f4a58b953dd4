import { resolveEpoch } from '../../lib/training/options/epoch'
import { resolveEvaluate, resolveFit } from '../../lib/training/options/fit'
import { randomNumbers } from '../support/random'
import { MatchedNames } from '../../lib/training/parameters/patterns'
import { UNSEEN, watch } from '../../lib/training/evaluation/evaluate'
import { firstDifference, fromPlainJson, toPlainJson } from '../../lib/training/plain'
import { ProgressReporter, type EpochFacts, type EpochProgress } from '../../lib/training/loop/progress'
import { addResult, epochReport, noSums, totalLoss } from '../../lib/training/loop/report'
import { SavingTimes } from '../../lib/training/checkpoint/kept'
import { SerialQueue } from '../../lib/model/loaded-model'

describe('watching a measure', () => {
  const run = (values: number[], rule: Parameters<typeof watch>[2]) => {
    let state = UNSEEN
    return values.map((value) => {
      const seen = watch(state, value, rule)
      state = seen.state
      return `${seen.isBest ? 'best' : '-'}${seen.isOver ? ' over' : ''}`
    })
  }
  test.each([
    ['rises', [1, 2, 3], { mode: 'max', minDelta: 0, patience: 1 }, ['best', 'best', 'best']],
    ['falls', [1, 2, 0], { mode: 'min', minDelta: 0, patience: 2 }, ['best', '-', 'best']],
    ['stays', [1, 1, 1], { mode: 'max', minDelta: 0, patience: 2 }, ['best', '-', '- over']],
    [
      'rises by too little, and is the best all the same',
      [1, 1.1, 1.2, 1.3],
      { mode: 'max', minDelta: 0.15, patience: 2 },
      ['best', 'best', 'best', 'best'],
    ],
    ['creeps', [1, 1.01, 1.02], { mode: 'max', minDelta: 0.1, patience: 2 }, ['best', 'best', 'best over']],
    ['is no number', [NaN, 1, NaN, Infinity], { mode: 'max', minDelta: 0, patience: 2 }, ['-', 'best', '-', '- over']],
    ['is no number at first', [NaN, NaN], { mode: 'min', minDelta: 0, patience: 2 }, ['-', '- over']],
  ] as const)('that %s', (_, values, rule, expected) => expect(run([...values], rule)).toEqual(expected))
})

test('progress is told ten times a second at most, and at the end', async () => {
  let now = 0
  const told: EpochProgress[] = []
  const facts = (step: number): EpochFacts => ({ epoch: 1, step, steps: 100, examples: 8 * step, totalExamples: 800, tokens: 80 * step, loss: 1, learningRate: 1, skippedSteps: 0 }) // prettier-ignore
  const reporter = new ProgressReporter(
    (progress) => told.push(progress),
    facts(20),
    8000,
    () => now,
  )
  for (let step = 21; step <= 100; step++) {
    now += 30
    await reporter.tell(() => facts(step))
  }
  await reporter.tell(() => facts(100), true)
  expect(told.length).toBe(21)
  expect(told[1]!.step - told[0]!.step).toBe(4)
  // At 30 ms a step, counted from the call's beginning at step 20.
  expect(told[0]).toMatchObject({ step: 21, seconds: 0.03, examplesPerSecond: 8 / 0.03, tokensPerSecond: 80 / 0.03 })
  expect(told[0]!.eta).toBeCloseTo(79 * 0.03, 9)
  expect(told.at(-1)).toMatchObject({ step: 100, eta: 0 })
})

test('the ETA is within 1.5 × of the time that is left once 5 % is done, although the first steps are slow and batches differ in length', async () => {
  let now = 0
  const random = randomNumbers(5)
  const lengths = Array.from({ length: 200 }, () => 20 + Math.floor(random() * 200))
  const total = lengths.reduce((sum, n) => sum + n, 0)
  const told: [at: number, eta: number, tokens: number][] = []
  const reporter = new ProgressReporter((progress) => told.push([now, progress.eta, progress.tokens]), { step: 0, examples: 0, tokens: 0 }, total, () => now) // prettier-ignore
  let tokens = 0
  for (const [i, length] of lengths.entries()) {
    now += length * (i < 4 ? 6 : 1) * (0.8 + 0.4 * random())
    tokens += length
    await reporter.tell(() => ({ epoch: 0, step: i + 1, steps: 200, examples: i, totalExamples: 200, tokens, loss: 1, learningRate: 1, skippedSteps: 0 })) // prettier-ignore
  }
  const judged = told.filter(([, , done]) => done >= 0.05 * total && done < 0.98 * total)
  expect(judged.length).toBeGreaterThan(100)
  for (const [at, eta] of judged) {
    expect(eta * 1000).toBeGreaterThan((now - at) / 1.5)
    expect(eta * 1000).toBeLessThan((now - at) * 1.5)
  }
})

test('while a step runs, progress is told again at least every 250 ms; an error of the listener comes when the step has ended', async () => {
  const facts = (): EpochFacts => ({ epoch: 0, step: 1, steps: 4, examples: 8, totalExamples: 32, tokens: 80, loss: 1, learningRate: 1, skippedSteps: 0 }) // prettier-ignore
  const times: number[] = []
  const etas: number[] = []
  const note = ({ eta }: EpochProgress) => {
    times.push(performance.now())
    etas.push(eta)
  }
  const reporter = new ProgressReporter(note, { step: 0, examples: 0, tokens: 0 }, 320)
  const pause = async (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  await pause(50)
  await reporter.tell(facts)
  expect(
    await reporter.during(
      pause(900).then(() => 'done'),
      facts,
    ),
  ).toBe('done')
  expect(times.length).toBeGreaterThanOrEqual(3)
  expect(etas[1]!).toBeLessThan(etas[0]!)
  const failing = new ProgressReporter(() => Promise.reject(new Error('no')), { step: 0, examples: 0, tokens: 0 }, 320)
  let ended = false
  await expect(failing.during(pause(400).then(() => (ended = true)), facts)).rejects.toThrow('no') // prettier-ignore
  expect(ended).toBe(true)
})

test('sums weight losses by items and leave a skipped step out', () => {
  const sums = noSums(1, 1, null)
  const result = {
    steps: 3,
    skipped: true,
    loss: Float64Array.of(3, 5, NaN),
    losses: Float64Array.of(1, 2, 3, 4, NaN, NaN),
    items: Float64Array.of(10, 1, 30, 0, 7, 7),
    correct: Float64Array.of(4, 0, 20, 0, 1, 0),
    gradientNorm: Float64Array.of(2, 4, NaN),
    uncertainty: new Float64Array(),
    examples: 0,
    tokens: 99,
  }
  addResult(sums, result, [2, 6, 9], Float64Array.of(0.5, 0.25, 0.125))
  const terms = { names: ['h', 'keep'], tasks: 1, weights: [1, 10], uncertainty: false }
  sums.uncertainty = [Math.log(4), -Math.log(2)]
  expect(epochReport(4, sums, terms, {})).toMatchObject({
    epoch: 4,
    losses: { h: (10 + 90) / 40, keep: 2 },
    loss: 2.5 + 20,
    metrics: { h: { accuracy: 24 / 40 } },
    examples: 17,
    tokens: 99,
    steps: 2,
    skippedSteps: 1,
    gradientNorm: 3,
    uncertaintyWeights: { h: expect.closeTo(0.25, 12), keep: expect.closeTo(2, 12) },
  })
  expect(sums.multiplier).toBe(0.25)
  expect(totalLoss(sums, { ...terms, uncertainty: true })).toBe((3 * 2 + 5 * 6) / 8)
})

test('what had no labelled item has no loss and no accuracy', () => {
  const terms = { names: ['h', 'other', 'keep'], tasks: 2, weights: [1, 1, 1], uncertainty: false }
  const sums = noSums(2, 1, null)
  expect(epochReport(0, sums, terms, {})).toMatchObject({ loss: NaN, losses: {}, metrics: {}, skippedSteps: 0 })
  expect(totalLoss(sums, { ...terms, uncertainty: true })).toBeNaN()
  Object.assign(sums, { losses: [0, 6, 4], items: [0, 3, 2], correct: [0, 1] })
  const report = epochReport(0, sums, terms, {})
  expect([report.loss, report.losses, report.metrics]).toEqual([4, { other: 2, keep: 2 }, { other: { accuracy: 1 / 3 } }])
})

test('checkpoints are due by steps, by minutes, or by both', async () => {
  let now = 0
  const saved: number[] = []
  const times = new SavingTimes(
    { dir: 'x', keep: undefined, steps: 4, milliseconds: 1000 },
    async () => void saved.push(now),
    () => now,
  )
  expect([0, 1, 3, 4].map((n) => times.room(n))).toEqual([4, 3, 1, 4])
  const steps: [number, number][] = [[1, 500], [4, 600], [5, 1599], [6, 1600], [7, 1700], [8, 1800]] // prettier-ignore
  for (const [step, time] of steps) {
    now = time
    await times.saveIfDue(step)
  }
  expect(saved).toEqual([600, 1600, 1800])
  const never = new SavingTimes(undefined, () => Promise.reject(new Error('saved')))
  await never.saveIfDue(4)
  expect(never.room(4)).toBe(Infinity)
})

test('what the operating system refuses during a save is a warning, whoever of us met it; anything else ends training', async () => {
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const failing = (error: Error) => new SavingTimes({ dir: 'x', keep: 1, steps: 1, milliseconds: Infinity }, () => Promise.reject(error))
  await failing(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' })).saveIfDue(1)
  expect(warned).toHaveBeenCalledWith(expect.stringContaining('EIO'), expect.objectContaining({ code: 'SENTORCH_CHECKPOINT_NOT_SAVED' }))
  warned.mockRestore()
  await expect(failing(new Error('mine')).saveIfDue(1)).rejects.toThrow('mine')
})

test('turns run one at a time, in order, whatever fails', async () => {
  const queue = new SerialQueue()
  const order: number[] = []
  const work = (id: number, ms: number) => queue.run(async () => {
    await new Promise((resolve) => setTimeout(resolve, ms))
    order.push(id)
    if (id === 1) throw new Error('fails')
  }) // prettier-ignore
  const all = await Promise.allSettled([work(0, 5), work(1, 1), work(2, 0)])
  expect(order).toEqual([0, 1, 2])
  expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})

test('options and reports come back from their JSON', () => {
  const value = { a: [1, NaN, -Infinity], b: new MatchedNames('/x/i', new Set(['x.y', 'X'])), c: { d: 'text', e: null, f: 1 / 3 } }
  expect(fromPlainJson(toPlainJson(value))).toEqual(value)
  expect(fromPlainJson(toPlainJson({ w: Float32Array.of(0.1, 2), f: () => 1, teacher: { encode: 1 } }))).toEqual({
    w: [Math.fround(0.1), 2],
    f: { $given: true },
    teacher: { $given: true },
  })
  // No expression is ever made of a file's text.
  expect(fromPlainJson(toPlainJson({ b: /(a+)+$/i }))).toEqual({ b: { $pattern: '/(a+)+$/i' } })
  expect(fromPlainJson('{"b":{"$regexp":["x","i"]}}')).toEqual({ b: { $regexp: ['x', 'i'] } })
  expect(firstDifference({ b: new MatchedNames('/x/i', new Set(['x'])) }, { b: /x/i })).toBeUndefined()
  expect(firstDifference({ a: 1, b: /x/ }, { b: /x/, a: 1 })).toBeUndefined()
  expect(firstDifference({ a: 1, b: /x/ }, { a: 1, b: /y/ })).toBe('b')
  expect(firstDifference({ a: 1 }, { a: 1, c: 2 })).toBe('c')
})

describe('options', () => {
  const heads = [
    { name: 'intent', type: 'classification' },
    { name: 'slots', type: 'token-classification' },
  ] as const
  const evaluate: any = []
  test.each([
    [() => resolveEpoch({ saveEvry: 1 } as any), /Did you mean 'saveEvery'/],
    [() => resolveEpoch({ saveEvery: { dir: 'x' } }), /'steps' or 'minutes'/],
    [() => resolveEpoch({ saveEvery: { dir: '', steps: 1 } }), /path of a folder/],
    [() => resolveEpoch({ saveEvery: { dir: 'x', steps: 0 } }), /saveEvery.steps/],
    [() => resolveEpoch({ saveEvery: { dir: 'x', steps: 1, keep: 0 } }), /saveEvery.keep/],
    [() => resolveEpoch({ saveEvery: { dir: 'x', minutes: 0 } }), /saveEvery.minutes/],
    [() => resolveEpoch({ onStep: 5 as any }), /onStep/],
    [() => resolveFit({ epochs: 0 }, heads, undefined), /epochs/],
    [() => resolveFit({ maxSteps: 1.5 }, heads, undefined), /maxSteps/],
    [() => resolveFit({ earlyStopping: { patience: 1 } }, heads, undefined), /'earlyStopping' requires evaluation data/],
    [() => resolveFit({ saveBest: 'x' }, heads, undefined), /'saveBest' requires evaluation data/],
    [() => resolveFit({ evaluate, earlyStopping: {} as any }, heads, undefined), /patience/],
    [
      () => resolveFit({ evaluate, earlyStopping: { patience: 1, metric: 'itent.accuracy' } }, heads, undefined),
      /unknown metric "itent.accuracy"/,
    ],
    [
      () => resolveFit({ evaluate, earlyStopping: { patience: 1, metric: 'intent.f1' } }, heads, undefined),
      /unknown metric "intent.f1".*slots.f1/,
    ],
    [() => resolveFit({ evaluate, earlyStopping: { patience: 1, mode: 'up' as any } }, heads, undefined), /mode/],
    [() => resolveFit({ evaluate, earlyStopping: { patience: 1, minDelta: -1 } }, heads, undefined), /minDelta/],
    [() => resolveFit({ evaluate, scoreWeights: { other: 1 } }, heads, undefined), /Unknown option 'other'/],
    [() => resolveFit({ evaluate, scoreWeights: { intent: -1 } }, heads, undefined), /scoreWeights.intent/],
    [() => resolveEvaluate({ metrics: { score: () => 1 } }, heads), /already in use/],
    [() => resolveEvaluate({ metrics: { mine: 1 as any } }, heads), /metrics.mine/],
  ])('%# is refused', (resolve, message) => {
    expect(resolve).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringMatching(message) }))
  })

  test('defaults', () => {
    expect(resolveFit({}, heads, undefined)).toMatchObject({ epochs: undefined, maxSteps: Infinity, evaluateEvery: Infinity })
    expect(resolveFit({}, heads, 7).epochs).toBe(7)
    const watched = (metric: string) =>
      resolveFit({ evaluate, metrics: { mine: () => 1 }, earlyStopping: { patience: 1, metric } }, heads, 1).watch.mode
    expect(['loss', 'intent.loss', 'score', 'slots.f1', 'mine'].map(watched)).toEqual(['min', 'min', 'max', 'max', 'max'])
  })
})
