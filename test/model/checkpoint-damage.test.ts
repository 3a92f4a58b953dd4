import { cpSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Model } from '../../lib'
import type { SaveEvery } from '../../lib/training/options/epoch'
import { Trainer } from '../../lib/api/trainer'
import type { StepReport } from '../../lib/training/loop/report'
import { filesIn } from '../support/fake-model'
import { manifestFor, seal } from '../support/manifest'
import { scratch } from '../support/scratch'
import { changed, sentences, tinyModel, weightsOf } from '../support/training'

const LOAD = { device: 'cpu', threads: 1 } as const
const OPTIONS = { learningRate: 1e-3, batchSize: 8, keepEmbeddings: 1 }
const data = sentences(48)
const models: Model[] = []

async function fresh(): Promise<Model> {
  const model = await tinyModel()
  models.push(model)
  return model
}

async function resume(dir: string): Promise<Trainer> {
  const trainer = await Trainer.resume(dir, { load: LOAD })
  models.push(trainer.model)
  return trainer
}

/** Code and text of each warning. */
const warnings: [string, string][] = []

beforeEach(() => {
  warnings.length = 0
  jest.spyOn(process, 'emitWarning').mockImplementation((message, options) => {
    warnings.push([(options as { code: string }).code, String(message)])
  })
})

afterEach(async () => {
  jest.restoreAllMocks()
  for (const model of models.splice(0)) await model.dispose()
})

function flip(file: string): void {
  const bytes = readFileSync(file)
  bytes[bytes.length - 40]! ^= 1
  writeFileSync(file, bytes)
}

describe('a checkpoint with one file', () => {
  const [third, fifth] = [join(scratch(), 'third'), join(scratch(), 'fifth')]

  beforeAll(async () => {
    const model = await tinyModel()
    const trainer = model.trainer(OPTIONS)
    const onStep = ({ applied }: StepReport) =>
      applied === 3 || applied === 5 ? trainer.saveCheckpoint(applied === 3 ? third : fifth) : undefined
    await trainer.trainEpoch(data, { onStep })
    await model.dispose()
  })

  function copy(): string {
    const dir = join(scratch(), 'checkpoint')
    cpSync(third, dir, { recursive: true })
    return dir
  }

  test('whole: the manifest names every other file', async () => {
    expect(JSON.parse(readFileSync(join(third, 'sentorch-manifest.json'), 'utf8'))).toEqual(manifestFor(third))
    expect((await resume(copy())).position.applied).toBe(3)
    expect(warnings).toEqual([])
  })

  // Beside the tokenizer's and the encoder's own, which no step changes, every one is of another step.
  const files = ['model.safetensors', 'heads.safetensors', 'optimizer.safetensors', 'targets.safetensors', 'trainer.json', 'sentorch.json', 'config.json', 'modules.json', '1_Pooling/config.json', 'tokenizer.json'] // prettier-ignore
  const damages: [string, (file: string, name: string) => void][] = [
    ['missing', (file) => rmSync(file)],
    ['cut off', (file) => truncateSync(file, 100)],
    ['with a flipped bit', (file) => flip(file)],
    ['of another step', (file, name) => cpSync(join(fifth, name), file)],
  ]
  const steps = ['model.safetensors', 'heads.safetensors', 'optimizer.safetensors', 'trainer.json', 'sentorch.json']
  const cases = files.flatMap((name) => damages.map(([what, damage]) => ({ name, what, damage })))
  test.each(cases.filter(({ name, what }) => what !== 'of another step' || steps.includes(name)))(
    '$what is refused: $name',
    async ({ name, damage }) => {
      const dir = copy()
      damage(join(dir, name), name)
      await expect(resume(dir)).rejects.toMatchObject({ code: 'ERR_CHECKPOINT', message: expect.stringContaining(name) })
    },
  )

  const manifest = (change: (content: any) => void) => (dir: string) => {
    const content = manifestFor(dir)
    change(content)
    writeFileSync(join(dir, 'sentorch-manifest.json'), JSON.stringify(content))
  }
  test.each<[string, (dir: string) => void, RegExp]>([
    ['no manifest', (dir) => rmSync(join(dir, 'sentorch-manifest.json')), /sentorch-manifest.json.* is missing/],
    [
      'a manifest that is none',
      (dir) => writeFileSync(join(dir, 'sentorch-manifest.json'), '{"files":'),
      /sentorch-manifest.json.* is not JSON/,
    ],
    ['a manifest of a newer format', manifest((content) => (content.format = 2)), /format is 2/],
    ['a manifest without the state', manifest((content) => delete content.files['trainer.json']), /not name trainer.json/],
    ['a manifest that leads out', manifest((content) => (content.files['../x'] = content.files['config.json'])), /"\.\.\/x"/],
    ['a hash that is none', manifest((content) => (content.files['config.json'].sha256 = 'abc')), /sha256/],
    ['a size that is none', manifest((content) => (content.files['config.json'].size = -1)), /size/],
    [
      'weights of another save',
      (dir) => cpSync(join(dir, 'heads.safetensors'), join(dir, 'more.safetensors')),
      /more.safetensors is not listed/,
    ],
  ])('%s is ERR_CHECKPOINT', async (_, damage, message) => {
    const dir = copy()
    damage(dir)
    await expect(resume(dir)).rejects.toMatchObject({ code: 'ERR_CHECKPOINT', message: expect.stringMatching(message) })
  })

  test("a user's own notes in it are allowed", async () => {
    const dir = copy()
    writeFileSync(join(dir, 'NOTES.md'), 'the good one')
    expect((await resume(dir)).position.applied).toBe(3)
  })
})

describe('several checkpoints', () => {
  async function trained(dir: string, more: Partial<SaveEvery> = {}): Promise<Trainer> {
    const trainer = (await fresh()).trainer(OPTIONS)
    await trainer.trainEpoch(data, { saveEvery: { dir, steps: 1, keep: 3, ...more } })
    return trainer
  }

  test('the newest are kept; resume takes the newest, and the next saves count on', async () => {
    const dir = join(scratch(), 'runs')
    const trainer = await trained(dir)
    expect(readdirSync(dir)).toEqual(['checkpoint-0004', 'checkpoint-0005', 'checkpoint-0006'])
    const resumed = await resume(dir)
    expect(resumed.position.applied).toBe(6)
    expect(changed(await weightsOf(trainer.model), await weightsOf(resumed.model))).toEqual([])
    // The rest of the epoch, which has no step left, and another.
    for (let i = 0; i < 2; i++) await resumed.trainEpoch(data, { saveEvery: { dir, steps: 4, keep: 2 } })
    expect(readdirSync(dir)).toEqual(['checkpoint-0007', 'checkpoint-0008'])
    expect(warnings).toEqual([])
  })

  test('a damaged newest one is passed over for the one before it, with a warning', async () => {
    const dir = join(scratch(), 'runs')
    await trained(dir)
    flip(join(dir, 'checkpoint-0006', 'optimizer.safetensors'))
    rmSync(join(dir, 'checkpoint-0005', 'trainer.json'))
    expect((await resume(dir)).position.applied).toBe(4)
    expect(warnings).toEqual([
      ['SENTORCH_CHECKPOINT_DAMAGED', expect.stringMatching(/0006.*optimizer.safetensors.*0005.*trainer.json.*from .*checkpoint-0004/)],
    ])
    // Asked for by its own name it is refused.
    await expect(resume(join(dir, 'checkpoint-0006'))).rejects.toMatchObject({ code: 'ERR_CHECKPOINT' })
    flip(join(dir, 'checkpoint-0004', 'model.safetensors'))
    await expect(resume(dir)).rejects.toMatchObject({ code: 'ERR_CHECKPOINT', message: expect.stringContaining('all 3 checkpoints') })
  })

  test('the folder that the model came from may be the one that is removed', async () => {
    const dir = join(scratch(), 'runs')
    await trained(dir, { keep: 1 })
    const resumed = await resume(dir)
    for (let i = 0; i < 2; i++) await resumed.trainEpoch(data, { saveEvery: { dir, steps: 1, keep: 1 } })
    expect(readdirSync(dir)).toEqual(['checkpoint-0012'])
    const saved = join(scratch(), 'model')
    await resumed.model.save(saved)
    expect(filesIn(saved)).toContain('tokenizer.json')
    expect(changed(await weightsOf(resumed.model), await weightsOf((await resume(dir)).model))).toEqual([])
  })

  test('what is not a checkpoint of ours is left alone', async () => {
    const dir = join(scratch(), 'runs')
    for (const name of ['checkpoint-1', 'checkpoint-0100.bak', 'notes'])
      cpSync(join(__dirname, '..', 'fixtures', 'overlays'), join(dir, name), { recursive: true })
    await trained(dir, { keep: 1 })
    expect(readdirSync(dir)).toEqual(['checkpoint-0006', 'checkpoint-0100.bak', 'checkpoint-1', 'notes'])
  })

  test.each([true, false])('a folder that cannot take them is refused before the first step: keep %s', async (keep) => {
    const dir = scratch()
    if (keep) cpSync(join(__dirname, '..', 'fixtures', 'models', 'bert'), dir, { recursive: true })
    else writeFileSync(join(dir, 'thesis.txt'), 'x')
    const trainer = (await fresh()).trainer(OPTIONS)
    const run = trainer.trainEpoch(data, { saveEvery: { dir, steps: 100, ...(keep && { keep: 2 }) } })
    await expect(run).rejects.toMatchObject({ code: 'ERR_FILE', message: expect.stringContaining(dir) })
    expect(trainer.position.applied).toBe(0)
  })
})

test('a save that fails on the disk is a warning, and training continues to its end', async () => {
  const dir = join(scratch(), 'runs')
  const trainer = (await fresh()).trainer(OPTIONS)
  const onStep = ({ applied }: StepReport) => {
    // Not even root writes into a file.
    if (applied === 2) renameSync(dir, `${dir}.aside`)
    if (applied === 2) writeFileSync(dir, 'x')
    if (applied === 4) rmSync(dir)
  }
  expect(await trainer.trainEpoch(data, { onStep, saveEvery: { dir, steps: 1, keep: 9 } })).toMatchObject({ steps: 6 })
  expect(warnings.map(([code, text]) => [code, /after \d steps/i.exec(text)?.[0]])).toEqual([
    ['SENTORCH_CHECKPOINT_NOT_SAVED', 'after 2 steps'],
    ['SENTORCH_CHECKPOINT_NOT_SAVED', 'after 3 steps'],
  ])
  expect(readdirSync(dir)).toEqual(['checkpoint-0001', 'checkpoint-0002', 'checkpoint-0003'])
  expect((await resume(dir)).position.applied).toBe(6)
})

describe('Model.load with verify', () => {
  test('what model.save wrote is verified, and damage is named', async () => {
    const dir = join(scratch(), 'model')
    await (await fresh()).save(dir)
    models.push(await Model.load(dir, { ...LOAD, verify: true }))
    flip(join(dir, 'model.safetensors'))
    const damaged = { code: 'ERR_MODEL_FORMAT', message: expect.stringContaining('model.safetensors is damaged') }
    await expect(Model.load(dir, { ...LOAD, verify: true })).rejects.toMatchObject(damaged)
    models.push(await Model.load(dir, LOAD))
    seal(dir)
    models.push(await Model.load(dir, { ...LOAD, verify: true }))
  })

  test('without known hashes it is refused', async () => {
    const dir = join(__dirname, '..', 'fixtures', 'models', 'bert')
    await expect(Model.load(dir, { ...LOAD, verify: true })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('Cannot verify') }) // prettier-ignore
  })
})
