import { familyOf } from '../../lib/format/families'
import { expectClose } from '../support/close'
import { readGolden } from '../support/golden'
import { hashes, NativeTraining, plainTask, stepsOf, StoredArrays } from '../support/native-training'
import {
  corpusOf,
  goldenArrays,
  optimizerOf,
  rowsOf,
  tasksOf,
  TRAINED_FAMILIES,
  type GoldenRun,
  type TrainingGolden,
} from '../support/training-golden'
import { makeVariant } from '../support/variant'

const LOGITS = 1e-5
const LOSS = 1e-5
/** Times the largest gradient of the model. */
const GRADIENT = 1e-5
const WEIGHT = 1e-6
const CURVE = 1e-4

describe.each(TRAINED_FAMILIES)('%s: every kind of head and loss at once', (family) => {
  const golden = readGolden<TrainingGolden>(`training/${family}`)
  const tasks = tasksOf(golden.tasks)
  let arrays: StoredArrays
  let training: NativeTraining

  beforeEach(async () => {
    arrays = await StoredArrays.open(goldenArrays(family))
    training = await NativeTraining.load(makeVariant({ base: golden.base }))
    await training.addHeads(golden.heads, arrays, 'value/')
  })
  afterEach(() => training.dispose())

  const start = async (run?: Pick<GoldenRun, 'recipe' | 'groups'>, dtype: 'float32' | 'bfloat16' = 'float32') => {
    await training.start({
      tasks,
      targets: [],
      dtype,
      ...(run && { optimizer: optimizerOf(run.recipe), maxGradNorm: run.recipe.maxGradNorm }),
    })
    await (run ? training.setGroups(run.groups) : training.trainOnly(() => true))
    await training.setCorpus(corpusOf(golden.corpus, tasks))
  }

  /** Of tables the golden holds some rows. */
  const expectArrays = (kind: string, actual: Map<string, Float32Array>, atol: number) => {
    const expected = arrays.names.filter((name) => name.startsWith(`${kind}/`)).map((name) => name.slice(kind.length + 1))
    expect([...actual.keys()].sort()).toEqual(expected.sort())
    for (const [name, values] of actual) {
      const rows = golden.rows[name]
      const width = training.parameters.find((parameter) => parameter.name === name)!.shape.at(-1)!
      naming(name, () => expectClose(rows ? rowsOf(values, rows, width) : values, arrays.read(`${kind}/${name}`), { atol, columns: width }))
    }
  }

  test('logits', async () => {
    await start()
    for (const { name } of golden.heads) {
      const logits = await training.logits(name)
      naming(name, () => expectClose(logits, arrays.read(`logits/${name}`), { atol: LOGITS }))
    }
  })

  test('one window of two micro-batches: losses and every gradient', async () => {
    await start()
    const before = hashes(await training.read('value'))
    const result = await training.run(golden.window, { apply: false })
    expectClose(result.loss, [golden.window.loss], { atol: LOSS })
    expectClose(result.losses, golden.window.losses, { atol: LOSS })
    expect(result.items).toEqual(golden.window.items)
    expect(result.correct).toEqual(golden.window.correct)
    const gradients = await training.read('gradient')
    expectArrays('gradient', gradients, GRADIENT * golden.window.largest)
    for (const [name, rows] of Object.entries(golden.rows)) {
      const { shape } = training.parameters.find((parameter) => parameter.name === name)!
      const kept = new Set(rows)
      const others = Array.from({ length: shape[0]! }, (_, row) => row).filter((row) => !kept.has(row))
      expect(rowsOf(gradients.get(name)!, others, shape[1]!).every((value) => value === 0)).toBe(true)
    }
    expect(hashes(await training.read('value'))).toEqual(before)
  })

  test.each(['adamw', 'adam'] as const)(
    'weights after 5 steps of %s: layer-wise groups, clipping, accumulation, schedule',
    async (kind) => {
      const run = golden.runs[kind]
      await start(run)
      const result = await training.run(run, { multipliers: run.multipliers })
      expectClose(result.loss, run.loss, { atol: LOSS })
      expectClose(result.losses, run.losses.flat(), { atol: LOSS })
      expect(result.items).toEqual(run.items.flat())
      expectClose(result.gradientNorm, run.gradientNorm, { atol: 1e-5 * Math.max(...run.gradientNorm) })
      expectArrays(kind, await training.read('value'), WEIGHT)
      expect(new Set(await training.native.optimizerSteps())).toEqual(new Set([5]))
    },
  )

  test('the loss curve of 50 steps', async () => {
    await start(golden.curve)
    const { loss } = await training.run(golden.curve, { multipliers: golden.curve.multipliers })
    expectClose(loss, golden.curve.loss, { atol: CURVE })
  })

  test('the loss curve of 50 steps in bfloat16', async () => {
    await start(golden.curve, 'bfloat16')
    const { loss } = await training.run(golden.curve, { multipliers: golden.curve.multipliers })
    const ratios = loss.map((value, i) => value / golden.curve.bfloat16[i]!)
    expectClose(
      ratios,
      ratios.map(() => 1),
      { atol: 0.02 },
    )
    // It is not float32 that ran: rounding of the products shows.
    expect(() => expectClose(loss, golden.curve.loss, { atol: CURVE })).toThrow('differ by more than')
  })
})

describe.each(TRAINED_FAMILIES)('%s: dropout in the encoder', (family) => {
  const golden = readGolden<TrainingGolden>(`training/${family}`)
  const DRAWS = 600
  const ALL = 1 - 2 ** -31

  /** One loss of the same rows, drawn anew in each step. */
  const draw = async (kind: 'hidden' | 'attention', p: number, draws: number) => {
    const training = await NativeTraining.load(makeVariant({ base: golden.base }))
    try {
      const tasks = [plainTask('intent')]
      const heads = golden.heads.filter(({ name }) => name === 'intent')
      await training.addHeads(heads, await StoredArrays.open(goldenArrays(family)), 'value/')
      const attentionOutputDropout = kind === 'hidden' && familyOf(family)!.attentionOutputDropout ? p : 0
      await training.start({ tasks, targets: [], [`${kind}Dropout`]: p, attentionOutputDropout })
      await training.trainOnly((name) => name.startsWith('embeddings.LayerNorm'))
      await training.setCorpus(corpusOf(golden.corpus, tasks))
      const { loss } = await training.run(stepsOf(new Array<number[]>(draws).fill(golden.dropout[kind].rows)), { apply: false })
      return loss
    } finally {
      await training.dispose()
    }
  }

  test.each(['hidden', 'attention'] as const)('%s dropout stands where Python has it: a loss when everything is dropped', async (kind) => {
    expectClose(await draw(kind, ALL, 1), [golden.dropout[kind].everything], { atol: LOSS })
  })

  test.each(['hidden', 'attention'] as const)('%s dropout: mean and deviation of a loss', async (kind) => {
    const { p, draws, mean, deviation } = golden.dropout[kind]
    const loss = await draw(kind, p, DRAWS)
    const average = loss.reduce((sum, x) => sum + x, 0) / DRAWS
    const spread = Math.sqrt(loss.reduce((sum, x) => sum + (x - average) ** 2, 0) / (DRAWS - 1))
    // Four standard errors of each.
    expect(Math.abs(average - mean)).toBeLessThan(4 * deviation * Math.sqrt(1 / DRAWS + 1 / draws))
    expect(Math.abs(spread / deviation - 1)).toBeLessThan(4 * Math.sqrt(1 / (2 * DRAWS) + 1 / (2 * draws)))
  })
})

function naming(name: string, check: () => void): void {
  try {
    check()
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error })
  }
}
