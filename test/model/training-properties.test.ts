import type { TrainingRequest } from '../../binding'
import { fromNative, nextTask } from '../../lib/native/call'
import { expectClose } from '../support/close'
import { readGolden } from '../support/golden'
import { randomNumbers, shuffled } from '../support/random'
import { hashes, NativeTraining, plainTask, stepsOf, StoredArrays, type Objectives, type StepPlan } from '../support/native-training'
import { corpusOf, goldenArrays, TRAINED_FAMILIES, tasksOf, type TrainingGolden } from '../support/training-golden'
import { makeVariant } from '../support/variant'

const FAMILY = 'bert'
const ROWS = 48
const opened: NativeTraining[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((training) => training.dispose()))
})

interface Start extends Partial<Omit<TrainingRequest, 'objectives'> & Objectives> {
  family?: string
  threads?: number
  /** Dropout before and inside the heads. */
  headDropout?: number
  trains?: (name: string) => boolean
  learningRate?: number
}

/** Every kind of head on a tiny model, ready to train. */
async function begin({ family = FAMILY, threads = 1, headDropout = 0, trains = () => true, learningRate = 1e-3, ...request }: Start = {}) {
  const golden = readGolden<TrainingGolden>(`training/${family}`)
  const training = await NativeTraining.load(makeVariant({ base: golden.base }), { threads })
  opened.push(training)
  await training.addHeads(golden.heads, await StoredArrays.open(goldenArrays(family)), 'value/')
  const tasks = request.tasks ?? tasksOf(golden.tasks).map((task) => ({ ...task, inputDropout: headDropout, dropout: headDropout }))
  await training.start({ targets: [], maxGradNorm: 1, ...request, tasks })
  await training.trainOnly(trains, { learningRate })
  await training.setCorpus(corpusOf(golden.corpus, tasks))
  return training
}

const all = Array.from({ length: ROWS }, (_, i) => i)

/** Batches of 8, every epoch in another order. */
function epochs(count: number, seed = 1): StepPlan {
  const random = randomNumbers(seed)
  const rows = Array.from({ length: count }, () => shuffled(all, random)).flat()
  return stepsOf(Array.from({ length: rows.length / 8 }, (_, i) => rows.slice(8 * i, 8 * i + 8)))
}

async function trained(options: Start, plan = epochs(2)) {
  const training = await begin(options)
  const { loss } = await training.run(plan)
  return { training, loss, weights: hashes(await training.read('value')) }
}

const DROPOUT = { hiddenDropout: 0.1, attentionDropout: 0.1, attentionOutputDropout: 0.1, headDropout: 0.1 }

describe('the same bits', () => {
  test.each([
    ['without dropout', {}],
    ['with dropout', DROPOUT],
    ['on two threads', { ...DROPOUT, threads: 2 }],
    ['in bfloat16', { ...DROPOUT, dtype: 'bfloat16' as const }],
  ])('twice, %s', async (_, options) => {
    const [one, two] = [await trained(options), await trained(options)]
    expect(one.loss).toEqual(two.loss)
    expect(one.weights).toEqual(two.weights)
  })

  test.each(TRAINED_FAMILIES)('%s: with gradient checkpointing', async (family) => {
    const plan = epochs(1)
    const kept = await trained({ family, ...DROPOUT }, plan)
    const again = await trained({ family, ...DROPOUT, gradientCheckpointing: true }, plan)
    expect(again.loss).toEqual(kept.loss)
    expect(again.weights).toEqual(kept.weights)
  })

  test('in one call and in a call for each step, with predictions between', async () => {
    const plan = epochs(1)
    const whole = await trained(DROPOUT, plan)
    const training = await begin(DROPOUT)
    const before = await training.logits('intent')
    for (let step = 0; step < plan.steps.length - 1; step++) {
      await training.run({ ...plan, steps: [step, step + 1] }, { firstStep: step, milliseconds: 0 })
      await training.logits('slots')
    }
    expect(hashes(await training.read('value'))).toEqual(whole.weights)
    expect(hashes(new Map([['intent', await training.logits('intent')]]))).not.toEqual(hashes(new Map([['intent', before]])))
  })

  test('another seed, and another step, give other dropout', async () => {
    const rows = stepsOf([all.slice(0, 8)])
    const training = await begin(DROPOUT)
    const other = await begin({ ...DROPOUT, seed: 1 })
    const loss = async (from: NativeTraining, firstStep: number) => (await from.run(rows, { apply: false, firstStep })).loss[0]!
    expect(await loss(training, 7)).toBe(await loss(training, 7))
    expect(new Set([await loss(training, 7), await loss(training, 8), await loss(other, 7)]).size).toBe(3)
  })

  test('without dropout neither seed nor step matters', async () => {
    const rows = stepsOf([all.slice(0, 8)])
    const [training, other] = [await begin(), await begin({ seed: 5 })]
    const [one, two] = [await training.run(rows, { apply: false, firstStep: 3 }), await other.run(rows, { apply: false })]
    expect(one.loss).toEqual(two.loss)
  })
})

describe('windows', () => {
  const gradients = async (plan: StepPlan, options: Start = {}) => {
    const training = await begin(options)
    const { loss, losses, items } = await training.run(plan, { apply: false })
    return { loss, losses, items, gradients: await training.read('gradient') }
  }
  const cut = (rows: readonly number[], size: number): StepPlan => {
    const plan = stepsOf(Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.slice(size * i, size * (i + 1))))
    return { ...plan, steps: [0, plan.batches.length - 1] }
  }

  test.each([
    ['24 micro-batches of one row', cut(all.slice(0, 24), 1)],
    ['micro-batches of 7, the last one short', cut(all.slice(0, 24), 7)],
    ['the rows in another order', cut(shuffled(all.slice(0, 24), randomNumbers(4)), 24)],
  ])('%s give the gradients of one batch', async (_, plan) => {
    expectSame(await gradients(plan), await gradients(cut(all.slice(0, 24), 24)))
  })

  test.each([
    ['in float32', {}],
    ['recomputed', { gradientCheckpointing: true }],
    ['of MPNet', { family: 'mpnet' }],
  ])('with dropout too, %s: a mask belongs to a row of the step, not to a micro-batch', async (_, more) => {
    const options = { ...DROPOUT, ...more }
    const whole = await gradients(cut(all.slice(0, 24), 24), options)
    expectSame(await gradients(cut(all.slice(0, 24), 7), options), whole)
    expectSame(await gradients(cut(all.slice(0, 24), 1), options), whole)
    // Masks do differ from row to row: in another order the rows have others.
    const turned = await gradients(cut([...all.slice(0, 24)].reverse(), 24), options)
    expect(Math.abs(turned.loss[0]! - whole.loss[0]!)).toBeGreaterThan(1e-4)
  })

  function expectSame(parts: Awaited<ReturnType<typeof gradients>>, whole: Awaited<ReturnType<typeof gradients>>) {
    expect(parts.items).toEqual(whole.items)
    expectClose(parts.loss, whole.loss, { atol: 2e-6 })
    expectClose(parts.losses, whole.losses, { atol: 2e-6 })
    const largest = Math.max(...[...whole.gradients.values()].map((values) => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0)))
    for (const [name, values] of whole.gradients) expectClose(parts.gradients.get(name)!, values, { atol: 3e-6 * largest })
  }
})

describe('frozen parameters', () => {
  const frozen: [string, (name: string) => boolean][] = [
    ['the encoder', (name) => !name.startsWith('heads.')],
    ['the embeddings', (name) => name.startsWith('embeddings.')],
    ['the lowest layer and the embeddings', (name) => name.startsWith('embeddings.') || name.includes('.layer.0.')],
    ['the top layer', (name) => name.includes('.layer.1.')],
    ['one head', (name) => name.startsWith('heads.slots.')],
    ['every bias', (name) => name.endsWith('.bias')],
    ['the heads', (name) => name.startsWith('heads.')],
  ]

  test.each(frozen)('%s: not a bit changes, nothing is kept for them; the others learn as before', async (_, isFrozen) => {
    const training = await begin({ trains: (name) => !isFrozen(name) })
    const before = hashes(await training.read('value'))
    const window = stepsOf([all.slice(0, 12)])
    await training.run(window, { apply: false })
    const gradients = await training.read('gradient')
    const unfrozen = await begin()
    await unfrozen.run(window, { apply: false })
    const expected = await unfrozen.read('gradient')
    const most = Math.max(...[...expected.values()].map((values) => values.reduce((so, x) => Math.max(so, Math.abs(x)), 0)))
    for (const [name, values] of gradients) {
      if (isFrozen(name)) expect(values.every((value) => value === 0)).toBe(true)
      else expectClose(values, expected.get(name)!, { atol: 1e-6 * most })
    }

    await training.run(epochs(1))
    const after = hashes(await training.read('value'))
    const steps = await training.native.optimizerSteps()
    const changed = training.parameters.filter(({ name }) => before[name] !== after[name]).map(({ name }) => name)
    const trainable = training.parameters.filter(({ name }) => !isFrozen(name)).map(({ name }) => name)
    expect(changed).toEqual(trainable)
    expect(training.parameters.filter((_, i) => steps[i] !== 0).map(({ name }) => name)).toEqual(trainable)
  })

  test('a parameter that is frozen and thawed begins its optimizer anew', async () => {
    const training = await begin()
    await training.run(epochs(1))
    await training.trainOnly((name) => name.startsWith('heads.'))
    await training.trainOnly(() => true)
    const steps = await training.native.optimizerSteps()
    const counts = (heads: boolean) =>
      new Set(training.parameters.flatMap(({ part }, i) => ((part === 'head') === heads ? [steps[i]] : [])))
    expect([counts(true), counts(false)]).toEqual([new Set([6]), new Set([0])])
  })
})

describe('a frozen encoder', () => {
  const heads = (name: string) => name.startsWith('heads.')
  const repeated = (): StepPlan => {
    const one = epochs(1)
    const rows = Array.from({ length: 6 }, (_, i) => one.order.slice(8 * i, 8 * i + 8))
    return stepsOf([...rows, ...rows, ...rows])
  }

  test('runs without dropout', async () => {
    const dry = await trained({ trains: heads, hiddenDropout: 0, attentionDropout: 0 })
    const wet = await trained({ trains: heads, hiddenDropout: 0.5, attentionDropout: 0.5 })
    expect(wet.weights).toEqual(dry.weights)
  })

  test.each([
    ['all of them', 1 << 30],
    ['some of them', 40_000],
  ])('its states are kept (%s) and the epochs are those without', async (_, cacheBytes) => {
    const without = await trained({ trains: heads, headDropout: 0.1, cacheBytes: 0 }, repeated())
    const kept = await trained({ trains: heads, headDropout: 0.1, cacheBytes }, repeated())
    expectClose(kept.loss, without.loss, { atol: 1e-5 })
  })

  test('also where epochs batch in other ways', async () => {
    const without = await trained({ trains: heads, cacheBytes: 0 }, epochs(4))
    const kept = await trained({ trains: heads, cacheBytes: 1 << 30 }, epochs(4))
    expectClose(kept.loss, without.loss, { atol: 1e-5 })
  })

  // Else a run that is resumed, which keeps them anew, would not end as the whole one.
  test.each([
    ['all of them', 1 << 30],
    ['some of them', 40_000],
  ])('what is kept (%s) does not depend on the batches that were run', async (_, cacheBytes) => {
    const [one, two] = [await begin({ trains: heads, cacheBytes }), await begin({ trains: heads, cacheBytes })]
    await one.run(epochs(1), { apply: false })
    for (const training of [one, two]) await training.run(epochs(2, 2))
    expect(hashes(await two.read('value'))).toEqual(hashes(await one.read('value')))
  })

  test('what was kept is forgotten when the encoder has learnt', async () => {
    const training = await begin({ trains: heads, cacheBytes: 1 << 30 })
    const rows = stepsOf([all])
    const loss = async () => (await training.run(rows, { apply: false })).loss[0]!
    const before = await loss()
    await training.trainOnly((name) => !heads(name), { learningRate: 1e-2 })
    await training.run(epochs(1))
    await training.trainOnly(heads)
    expect(await loss()).not.toBeCloseTo(before, 2)
    expectClose([await loss()], [(await training.run(rows, { apply: false })).loss[0]!], { atol: 0 })
  })
})

test.each(['gelu', 'gelu_new', 'relu', 'silu', 'tanh'])('with %s, training computes the vectors that encode gives', async (activation) => {
  const training = await NativeTraining.load(makeVariant({ base: FAMILY, files: { 'config.json': { hidden_act: activation } } }))
  opened.push(training)
  const { ids, offsets } = corpusOf(readGolden<TrainingGolden>(`training/${FAMILY}`).corpus, [])
  const { values } = await fromNative(
    training.native.encode({
      ...{ task: nextTask(), ids, offsets, pooling: ['mean'], promptTokens: 0, steps: [], truncateDim: 0 },
      ...{ normalizeLast: false, batchTokens: 64 },
    }),
  )
  await training.start({ tasks: [], targets: [{ pooling: ['mean'], steps: [], loss: 'mse', weight: 1 }] })
  await training.trainOnly(() => true)
  await training.setCorpus({ ids, offsets, labels: [], targets: [values] })
  const { loss } = await training.run(stepsOf([all]), { apply: false })
  // The approximation of gelu differs from gelu by up to 5e-4.
  expect(loss[0]).toBeLessThan(1e-11)
})

describe('dropout in heads', () => {
  /** One row: dropout before a linear head shows in its gradient, where masked inputs leave columns of zeros. */
  async function masks(inputDropout: number, draws: number) {
    const golden = readGolden<TrainingGolden>(`training/${FAMILY}`)
    const training = await begin({ tasks: [{ ...plainTask('intent'), inputDropout }] })
    const row = golden.corpus.labels.intent!.findIndex((label) => label !== -100)
    const width = golden.heads[0]!.inputs
    const inputs: Float64Array[] = []
    for (let draw = 0; draw < draws; draw++) {
      await training.run(stepsOf([[row]]), { apply: false, firstStep: draw })
      const gradients = await training.read('gradient', ['heads.intent.0.weight', 'heads.intent.0.bias'])
      const [weight, bias] = [gradients.get('heads.intent.0.weight')!, gradients.get('heads.intent.0.bias')!]
      inputs.push(Float64Array.from({ length: width }, (_, j) => weight[j]! / bias[0]!))
    }
    return inputs
  }

  test('zeroes a share p of the inputs, anew in each step, and scales the others by 1 / (1 − p)', async () => {
    const p = 0.2
    const [plain] = await masks(0, 1)
    const draws = await masks(p, 300)
    const width = plain!.length
    let zeros = 0
    const perInput = new Float64Array(width)
    for (const input of draws) {
      input.forEach((value, j) => {
        if (value === 0) {
          zeros++
          perInput[j]!++
        } else expectClose([value * (1 - p)], [plain![j]!], { atol: 1e-4 * Math.max(1, Math.abs(plain![j]!)) })
      })
    }
    const total = draws.length * width
    expect(Math.abs(zeros / total - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / total))
    // No input is dropped always or never, and no two steps have the same mask.
    for (const count of perInput) expect(Math.abs(count / draws.length - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / draws.length))
    expect(new Set(draws.map((input) => input.map((value) => (value === 0 ? 1 : 0)).join(''))).size).toBeGreaterThan(draws.length * 0.95)
  })
})
