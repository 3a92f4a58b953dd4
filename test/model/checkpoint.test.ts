import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Model } from '../../lib'
import type { TrainerOptions } from '../../lib/training/options/train'
import { Trainer, type ResumeOptions } from '../../lib/api/trainer'
import { parseState } from '../../lib/training/checkpoint/state'
import { fromPlainJson } from '../../lib/training/plain'
import type { StepReport } from '../../lib/training/loop/report'
import { parseTrainerJson } from '../../lib/training/checkpoint/checkpoint'
import { seal } from '../support/manifest'
import { openFiles } from '../support/open-files'
import { writeSafetensors } from '../support/safetensors'
import { scratch } from '../support/scratch'
import { changed, sentences, tinyModel, weightsOf } from '../support/training'

const OPTIONS: TrainerOptions = { learningRate: 1e-3, batchSize: 8 }
const LOAD = { device: 'cpu', threads: 1 } as const
const data = sentences(48)
const held = sentences(12, 8)
const models: Model[] = []

async function fresh(): Promise<Model> {
  const model = await tinyModel()
  models.push(model)
  return model
}

async function resume(dir: string, options?: ResumeOptions): Promise<Trainer> {
  const trainer = await Trainer.resume(dir, { load: LOAD, ...options })
  models.push(trainer.model)
  return trainer
}

afterEach(async () => {
  for (const model of models.splice(0)) await model.dispose()
})

const runs: { name: string; options: TrainerOptions; at: number }[] = [
  { name: 'in the middle of an epoch', options: { ...OPTIONS, epochs: 2 }, at: 3 },
  { name: 'at the end of an epoch', options: { ...OPTIONS, epochs: 2 }, at: 6 },
  { name: 'before the first step', options: { ...OPTIONS, epochs: 2 }, at: 0 },
  { name: 'Adam, accumulation, token budget, cosine', options: { ...OPTIONS, optimizer: 'adam', batchSize: undefined, batchTokens: 64, gradientAccumulation: 2, schedule: 'cosine', epochs: 2 }, at: 4 }, // prettier-ignore
  { name: 'learnt loss weights', options: { ...OPTIONS, uncertainty: true }, at: 4 },
  { name: 'every sub-word labelled', options: { ...OPTIONS, tasks: { slots: { labelSubwords: 'all' } } }, at: 4 },
  { name: 'balanced weights, rules by pattern, layer-wise rates', options: { ...OPTIONS, layerDecay: 0.8, groups: [{ match: /norm/i, learningRate: 1e-2 }], tasks: { intent: { classWeights: 'balanced' }, slots: { weight: 2 } } }, at: 5 }, // prettier-ignore
  { name: 'unfreezing before and after', options: { ...OPTIONS, freeze: 'all', unfreeze: [{ at: { epoch: 1 }, what: 'next' }, { at: { step: 3 }, what: { topLayers: 1 } }] }, at: 2 }, // prettier-ignore
  { name: 'a recipe that was chosen from the data', options: {}, at: 3 },
  { name: 'the original vectors', options: { ...OPTIONS, keepEmbeddings: 1 }, at: 3 },
]

test.each(runs)('a resumed run ends bit-equal: $name', async ({ options, at }) => {
  const dir = join(scratch(), 'checkpoint')
  const whole = await fresh()
  const trainer = whole.trainer(options)
  const expected = []
  if (at === 0) await trainer.saveCheckpoint(dir)
  const onStep = ({ applied }: StepReport) => (applied === at ? trainer.saveCheckpoint(dir) : undefined)
  for (let epoch = 0; epoch < 3; epoch++) expected.push(await trainer.trainEpoch(data, { onStep }))

  const resumed = await resume(dir)
  expect(resumed.position.applied).toBe(at)
  const reports = []
  while (resumed.position.epoch < 3) reports.push(await resumed.trainEpoch(data))
  const comparable = (report: object) => ({ ...report, seconds: 0 })
  expect(reports.map(comparable)).toEqual(expected.slice(-reports.length).map(comparable))
  expect(changed(await weightsOf(whole), await weightsOf(resumed.model))).toEqual([])
})

test('a resumed fit goes on with its history, its best and its evaluations', async () => {
  const dir = join(scratch(), 'checkpoint')
  const options = { evaluate: held, epochs: 3, evaluateEvery: 4, earlyStopping: { patience: 50 } }
  const whole = await fresh()
  const expected = await whole.trainer(OPTIONS).fit(data, options)

  const trainer = (await fresh()).trainer(OPTIONS)
  const onStep = ({ applied }: StepReport) => {
    if (applied === 9) throw new Error('the machine went down')
  }
  await expect(trainer.fit(data, { ...options, onStep, saveEvery: { dir, steps: 4 } })).rejects.toThrow('went down')

  const resumed = await resume(dir)
  expect(resumed.position).toEqual({ epoch: 1, step: 2, applied: 8 })
  const result = await resumed.fit(data, options)
  const comparable = (fit: typeof result) => JSON.parse(JSON.stringify(fit, (key, value) => (key === 'seconds' ? 0 : value)))
  expect(comparable(result)).toEqual(comparable(expected))
  expect(changed(await weightsOf(whole), await weightsOf(resumed.model))).toEqual([])
})

test('a resumed fit keeps the recipe of its checkpoint, although this version would choose another', async () => {
  const dir = join(scratch(), 'checkpoint')
  const onStep = ({ applied }: StepReport) => {
    if (applied === 3) throw new Error('the machine went down')
  }
  await expect((await fresh()).fit(data, { onStep, saveEvery: { dir, steps: 2 } })).rejects.toThrow('went down')
  const file = join(dir, 'trainer.json')
  const stored = JSON.parse(readFileSync(file, 'utf8'))
  expect(stored.state.recipe).toMatchObject({ batchSize: 8, epochs: 17 })
  const other = { learningRate: 2e-4, headLearningRate: 3e-3, batchSize: 16, epochs: 2 }
  Object.assign(stored.state.recipe, other)
  stored.state.fit.course.epochs = other.epochs
  writeFileSync(file, JSON.stringify(stored))
  seal(dir)
  const { recipe, history } = await (await resume(dir)).fit(data)
  expect(recipe).toMatchObject(other)
  expect(history.map(({ steps }) => steps)).toEqual([3, 3])
})

test('a checkpoint replaces the one that it was resumed from, again and again', async () => {
  const dir = join(scratch(), 'checkpoint')
  await (await fresh()).trainer(OPTIONS).trainEpoch(data, { saveEvery: { dir, steps: 2 } })
  const resumed = await resume(dir)
  await resumed.trainEpoch(data, { saveEvery: { dir, steps: 1 } })
  const again = await resume(dir)
  expect(again.position).toEqual({ epoch: 0, step: 6, applied: 6 })
  expect(changed(await weightsOf(resumed.model), await weightsOf(again.model))).toEqual([])
  expect(readdirSync(join(dir, '..'))).toEqual(['checkpoint'])
  expect(openFiles(join(dir, '..'))).toEqual([])
})

describe('of one checkpoint', () => {
  const stored = join(scratch(), 'checkpoint')
  const fitOptions = { evaluate: held, epochs: 2, evaluateEvery: 4 }

  beforeAll(async () => {
    const model = await tinyModel()
    const trainer = model.trainer({ ...OPTIONS, keepEmbeddings: 1 })
    const onStep = async ({ applied }: StepReport) => {
      if (applied < 5) return
      await trainer.saveCheckpoint(stored)
      throw new Error('enough')
    }
    await expect(trainer.fit(data, { ...fitOptions, onStep })).rejects.toThrow('enough')
    await model.dispose()
  })

  function copy(): string {
    const dir = join(scratch(), 'checkpoint')
    cpSync(stored, dir, { recursive: true })
    return dir
  }

  test('other data is refused by what differs, until it is asked for', async () => {
    const trainer = await resume(stored)
    const refused = (input: any, what: string) =>
      expect(trainer.trainEpoch(input)).rejects.toMatchObject({ code: 'ERR_CHECKPOINT', message: expect.stringContaining(what) })
    await refused(data.slice(1), 'had 48 examples before, and has 47 now')
    await refused({ other: data }, "'data' before, 'other' now")
    await refused({ data, more: data }, '1 data sets before, 2 now')
    await refused([...data.slice(1), data[0]], "the texts, the labels or the order of the data set 'data' have changed")
    expect(trainer.position).toEqual({ epoch: 0, step: 5, applied: 5 })

    const free = await resume(stored, { otherData: true })
    await expect(free.trainEpoch(data.slice(1))).rejects.toThrow(/'keepEmbeddings' needs the vectors/)
  })

  const others = [
    [{ ...fitOptions, epochs: 3 }, 'epochs'],
    [{ ...fitOptions, evaluateEvery: 5 }, 'evaluateEvery'],
    [{ ...fitOptions, maxSteps: 7 }, 'maxSteps'],
    [{ ...fitOptions, earlyStopping: { patience: 2 } }, 'earlyStopping'],
    [{ ...fitOptions, scoreWeights: { intent: 2 } }, 'scoreWeights'],
    [{ ...fitOptions, evaluate: sentences(12, 9) }, 'evaluate'],
  ] as const
  test.each(others)('a fit with other options is refused by name: %#', async (options, name) => {
    const trainer = await resume(stored)
    await expect(trainer.fit(data, options)).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: expect.stringMatching(`resume with the same \`${name}\` \\(checkpoint: .*, now: .*\\)`),
    })
  })

  test('options of the trainer that are given again must be the same', async () => {
    await resume(stored, { options: { ...OPTIONS, keepEmbeddings: 1 } })
    const other = async (options: TrainerOptions, difference: string) =>
      expect(resume(stored, { options })).rejects.toMatchObject({
        code: 'ERR_CHECKPOINT',
        message: expect.stringContaining(difference),
      })
    await other({ ...OPTIONS, keepEmbeddings: 1, seed: 3 }, '`seed` (checkpoint: not given, now: 3)')
    await other({ ...OPTIONS, keepEmbeddings: 1, learningRate: 1 }, '`learningRate` (checkpoint: 0.001, now: 1)')
    // What is said although it is the default is the same.
    await resume(stored, { options: { optimizer: 'adamw', ...OPTIONS, keepEmbeddings: 1, seed: 0 } })
    await other({ optimizer: 'adamw', ...OPTIONS }, '`keepEmbeddings` (checkpoint: 1, now: not given)')
  })

  test('Model.load opens it', async () => {
    const model = await Model.load(stored, LOAD)
    models.push(model)
    expect(model.heads.map(({ name }) => name)).toEqual(['intent', 'slots'])
  })

  const json = (change: (content: any) => void) => (dir: string) => {
    const file = join(dir, 'trainer.json')
    const content = JSON.parse(readFileSync(file, 'utf8'))
    change(content)
    writeFileSync(file, JSON.stringify(content))
  }
  /** Every array of the stored vectors gets another shape, and zeros. */
  const targets = (shapeOf: (shape: [number, number]) => number[]) => (dir: string) => {
    const file = join(dir, 'targets.safetensors')
    const bytes = readFileSync(file)
    const header: Record<string, { shape: [number, number] }> = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE())))
    const arrays = Object.entries(header).filter(([key]) => key !== '__metadata__')
    writeSafetensors(file, Object.fromEntries(arrays.map(([key, { shape }]) => [key, { shape: shapeOf(shape) }])))
  }
  const broken: [string, (dir: string) => void, RegExp][] = [
    ['no trainer.json', (dir) => rmSync(join(dir, 'trainer.json')), /trainer.json is missing/],
    ['no folder', (dir) => rmSync(dir, { recursive: true }), /does not exist/],
    ['a cut trainer.json', (dir) => truncateSync(join(dir, 'trainer.json'), 200), /not JSON/],
    ['a list', (dir) => writeFileSync(join(dir, 'trainer.json'), '[]'), /JSON object/],
    ['a newer format', json((c) => (c.format = 2)), /format is 2/],
    [
      'an expression',
      json((c) => (c.options.groups = [{ match: { $regexp: ['x', ''] }, learningRate: 1 }])),
      /options are invalid.*groups\[0\]\.match/,
    ],
    [
      'names that the model does not have',
      json((c) => {
        c.options.groups = [{ match: { $pattern: '/x/', $names: ['x'] }, learningRate: 1 }]
        c.resolved.rates.groups = [{ match: [{ $pattern: '/x/' }], learningRate: 1 }]
      }),
      /\/x\/ of groups\[0\].match matched "x"/,
    ],
    [
      'a glob of many stars',
      json((c) => {
        c.options.groups = [{ match: '*e'.repeat(40) + 'Z', learningRate: 1 }]
        c.resolved.rates.groups = [{ match: ['*e'.repeat(40) + 'Z'], learningRate: 1 }]
      }),
      /does not match any parameter/,
    ],
    ['class weights of other labels', json((c) => (c.classWeights = [[1], null])), /classWeights/],
    ['a device that is none', json((c) => (c.load.device = 'tpu')), /device/],
    ['a fit without a schedule', json((c) => Object.assign(c.state, { schedule: null, sums: null, step: 0 })), /fit/],
    ['a key that is not known', json((c) => (c.more = 1)), /the unknown key "more"/],
    ['a mistyped key', json((c) => (c.state.sums.tokns = 1)), /Did you mean 'tokens'/],
    ['an evaluation without a score', json((c) => delete c.state.fit.evaluations[0].evaluation.score), /score/],
    ['options that do not hold', json((c) => (c.options.batchSize = -1)), /options are invalid.*batchSize/],
    ['options that were changed', json((c) => (c.options.batchSize = 9)), /interprets the option 'batching' differently/],
    ['a state that is none', json((c) => (c.state = 5)), /an object for state/],
    ['a negative step', json((c) => (c.state.step = -1)), /step/],
    ['a step that is no number', json((c) => (c.state.step = '5')), /step/],
    ['sums of other tasks', json((c) => c.state.sums.items.pop()), /items/],
    ['sums that are not finite', json((c) => (c.state.sums.loss = { $number: 'NaN' })), /loss/],
    ['no sums in an epoch', json((c) => (c.state.sums = null)), /sums/],
    ['a schedule of another shape', json((c) => (c.state.schedule.shape = 'square')), /shape/],
    ['rules of unfreezing that are not there', json((c) => (c.state.unfreezing.fired = [0])), /fired/],
    ['a history that is none', json((c) => (c.state.fit.history = 'x')), /history/],
    ['a best that is not there', json((c) => (c.state.fit.best = 100)), /best/],
    ['class weights that are none', json((c) => (c.classWeights = [['x'], null])), /classWeights/],
    ['updates of what is not there', json((c) => (c.updates.nothing = 3)), /updates of the parameter nothing/],
    ['updates left out', json((c) => delete c.updates['heads.intent.0.bias']), /does not belong to a trained parameter/],
    ['no optimizer', (dir) => rmSync(join(dir, 'optimizer.safetensors')), /not name optimizer.safetensors/],
    ['a cut optimizer', (dir) => truncateSync(join(dir, 'optimizer.safetensors'), 5000), /optimizer.safetensors/],
    ['an optimizer of another model', (dir) => cpSync(join(dir, 'heads.safetensors'), join(dir, 'optimizer.safetensors')), /optimizer.safetensors contains/], // prettier-ignore
    ['cut vectors', (dir) => truncateSync(join(dir, 'targets.safetensors'), 300), /targets.safetensors/],
    ['vectors of another model', (dir) => cpSync(join(dir, 'heads.safetensors'), join(dir, 'targets.safetensors')), /targets.safetensors/],
    ['vectors that are not a matrix', targets(([rows, dimension]) => [rows, dimension, 1]), /does not contain vectors/],
  ]
  test.each(broken)('%s is ERR_CHECKPOINT', async (_, damage, message) => {
    const dir = copy()
    damage(dir)
    if (existsSync(dir)) seal(dir)
    const load = jest.spyOn(Model, 'load')
    await expect(resume(dir)).rejects.toMatchObject({ code: 'ERR_CHECKPOINT', message: expect.stringMatching(message) })
    // A model that was loaded for it is not left behind.
    for (const { value } of load.mock.results) {
      const model = await (value as Promise<Model>).catch(() => undefined)
      if (model) await expect(model.encode('x')).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
    }
    load.mockRestore()
  })

  test('what stands in a trainer.json that is not JSON is not quoted', async () => {
    const dir = copy()
    writeFileSync(join(dir, 'trainer.json'), 'root:x:0:0:')
    seal(dir)
    const error = await resume(dir).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'ERR_CHECKPOINT', message: expect.stringMatching(/not JSON/) })
    expect((error as Error).cause).toBeUndefined()
    expect((error as Error).message).not.toContain('root')
  })

  test('vectors of fewer rows than the data set has are refused when they are needed', async () => {
    const dir = copy()
    targets(([rows, dimension]) => [rows - 1, dimension])(dir)
    seal(dir)
    const trainer = await resume(dir)
    const fewer = /has \d+ vectors of '\w+' for the data set 'data', which has \d+ examples/
    await expect(trainer.fit(data, fitOptions)).rejects.toMatchObject({ code: 'ERR_CHECKPOINT', message: expect.stringMatching(fewer) })
  })

  test('every value of trainer.json is checked: null, another type and nothing in its place are refused or mean what they say', async () => {
    const text = readFileSync(join(stored, 'trainer.json'), 'utf8')
    const paths: (string | number)[][] = []
    const walk = (value: unknown, path: (string | number)[]) => {
      if (path.length > 0) paths.push(path)
      if (typeof value !== 'object' || value === null) return
      // The values of `resolved` are only compared, and what holds for one label holds for all.
      const keys = path[0] === 'resolved' ? [] : Array.isArray(value) ? Object.keys(value).slice(0, 1) : Object.keys(value)
      for (const key of keys) walk((value as Record<string, unknown>)[key], [...path, key])
    }
    walk(JSON.parse(text), [])
    expect(paths.length).toBeGreaterThan(150)
    const accepted: string[] = []
    for (const path of paths) {
      for (const wrong of [null, 'x', [], {}, undefined]) {
        const content = JSON.parse(text)
        const holder = path.slice(0, -1).reduce((at, key) => at[key], content)
        if (wrong === undefined) delete holder[path.at(-1)!]
        else holder[path.at(-1)!] = wrong
        try {
          const { state } = parseTrainerJson(fromPlainJson(JSON.stringify(content)), 'trainer.json')
          parseState(state, 'state', { tasks: 2, targets: 1, rules: 0, uncertainty: false })
          accepted.push(`${path.join('.')} = ${JSON.stringify(wrong)}`)
        } catch (error) {
          expect(error).toMatchObject({ name: 'SentorchError' })
        }
      }
    }
    // The options are checked with the model, class weights and updates against it. What is left is free text, may be absent, or may be empty.
    const free = [
      /^(options|resolved|classWeights|updates\b)/,
      /\b(sentorch|libtorch|name|fingerprint|label|metric|mode) = "x"$/,
      /\b(best|similarity|fit|maxSteps|evaluateEvery|patience|evaluate|loss|strict|frameAccuracy|reference|batchSize|weights) = (null|undefined)$/,
      /\b(fired|stale|data|metrics|evaluate|history|labels|types|chosen|uncertainty) = \[\]$/,
      /\b(scoreWeights|losses|metrics|custom) = \{\}$/,
      /\.(losses|metrics)\.(intent|slots) = undefined$/,
    ]
    expect(accepted.filter((line) => !free.some((pattern) => pattern.test(line)))).toEqual([])
  })

  test('a step beyond the plan is refused when the data is known', async () => {
    const dir = copy()
    json((content) => (content.state.step = 100))(dir)
    seal(dir)
    const trainer = await resume(dir)
    await expect(trainer.fit(data, fitOptions)).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: expect.stringContaining('step 100'),
    })
  })

  test('a replacement that a kill interrupted between two renames is finished', async () => {
    const dir = copy()
    const staging = join(dir, '..', '.checkpoint.0123abcd.tmp')
    mkdirSync(join(staging, 'old'), { recursive: true })
    writeFileSync(join(staging, 'lock'), '')
    renameSync(dir, join(staging, 'new'))
    expect((await resume(dir)).position.step).toBe(5)
    expect(existsSync(staging)).toBe(false)
  })
})

test('a folder that holds something else is not replaced', async () => {
  const dir = scratch()
  writeFileSync(join(dir, 'thesis.txt'), 'x')
  const trainer = (await fresh()).trainer(OPTIONS)
  await expect(trainer.saveCheckpoint(dir)).rejects.toMatchObject({ code: 'ERR_FILE' })
  expect(readdirSync(dir)).toEqual(['thesis.txt'])
})

test('a fit with a task weight that is a function and rates that follow a plateau is resumed bit-equal, if it is given the function again', async () => {
  const dir = join(scratch(), 'checkpoint')
  const asked: number[] = []
  const weight = (epoch: number, last: { score: number } | undefined) => (asked.push(epoch), 1 + epoch + (last?.score ?? 0))
  const options: TrainerOptions = { ...OPTIONS, tasks: { slots: { weight } }, schedule: 'plateau', plateau: { patience: 0, factor: 0.5, threshold: 1 } } // prettier-ignore
  const course = { epochs: 4, evaluate: held, restoreBest: false }
  const whole = await fresh()
  const trainer = whole.trainer(options)
  const expected = await trainer.fit(data, {
    ...course,
    onStep: ({ applied }) => (applied === 15 ? trainer.saveCheckpoint(dir) : undefined),
  })
  expect(expected.history.at(-1)!.learningRates.heads).toBeLessThan(OPTIONS.learningRate!)

  asked.length = 0
  const resumed = await resume(dir, { options })
  const result = await resumed.fit(data, course)
  expect(asked).toEqual([3])
  const plain = ({ history }: typeof result) => history.map(({ loss, losses, learningRates }) => ({ loss, losses, learningRates }))
  expect(plain(result)).toEqual(plain(expected))
  expect(changed(await weightsOf(whole), await weightsOf(resumed.model))).toEqual([])

  const without = await resume(dir)
  await expect(without.fit(data, course)).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    message: expect.stringContaining('tasks.slots.weight'),
  })
})
