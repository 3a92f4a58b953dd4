import { join } from 'node:path'
import { loadedModelOf } from '../../lib/api/access'
import { Trainer } from '../../lib/api/trainer'
import type { FitOptions } from '../../lib/training/options/fit'
import type { TrainerOptions } from '../../lib/training/options/train'
import type { StepReport } from '../../lib/training/loop/report'
import { multiplier } from '../../lib/training/plan/schedule'
import { scratch } from '../support/scratch'
import { sentences, tinyModel } from '../support/training'

const data = sentences(48)
const OPTIONS: TrainerOptions = { learningRate: 1e-3, batchSize: 8 }
const PER_EPOCH = 6

/** A run of three epochs whose last step was saved, resumed. */
async function finished(options: TrainerOptions, resume: { extend?: boolean }, fit: FitOptions = { epochs: 3 }) {
  const dir = join(scratch(), 'checkpoint')
  const model = await tinyModel()
  await model.trainer(options).fit(data, { ...fit, saveEvery: { dir, steps: 18 } })
  await model.dispose()
  return Trainer.resume(dir, { load: { device: 'cpu', threads: 1 }, ...resume })
}

test('a fit of more epochs is refused with the way out, and with less than it had also then', async () => {
  const trainer = await finished(OPTIONS, {})
  await expect(trainer.fit(data, { epochs: 5 })).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT',
    message: expect.stringContaining(
      'resume with the same `epochs` (checkpoint: 3, now: 5), or pass `extend: true`, or pass `otherData: true`',
    ),
    detail: expect.objectContaining({ option: 'epochs', checkpoint: 3, now: 5 }),
  })
  const shorter = await trainer.fit(data, { epochs: 2 }).catch((error: Error) => error.message)
  expect(shorter).toContain('(checkpoint: 3, now: 2), or pass `otherData: true`')
  await trainer.model.dispose()

  const extending = await finished(OPTIONS, { extend: true })
  await expect(extending.fit(data, { epochs: 2 })).rejects.toMatchObject({ code: 'ERR_CHECKPOINT' })
  await expect(extending.fit(data, { epochs: 5, maxSteps: 20 })).rejects.toMatchObject({ message: expect.stringContaining('`maxSteps`') })
  await extending.model.dispose()
})

test.each<[string, TrainerOptions, FitOptions, FitOptions, number, number]>([
  ['linear over the fit', OPTIONS, { epochs: 3 }, { epochs: 5 }, 1, 30],
  ['cosine, with a warm-up in steps', { ...OPTIONS, schedule: 'cosine', warmupSteps: 4 }, { epochs: 3 }, { epochs: 5 }, 4, 30],
  ['the epochs of the trainer', { ...OPTIONS, epochs: 3 }, {}, { epochs: 5 }, 1, 30],
  ['the steps of the trainer, which stay', { ...OPTIONS, totalSteps: 24 }, { epochs: 3 }, { epochs: 5 }, 2, 24],
  ['more steps', OPTIONS, { epochs: 5, maxSteps: 18 }, { epochs: 5, maxSteps: 21 }, 1, 21],
  ['no bound of steps any more', OPTIONS, { epochs: 5, maxSteps: 18 }, { epochs: 5 }, 1, 30],
])('extended, it goes to the new end, on the schedule of the new length: %s', async (_, options, before, now, warmup, total) => {
  const trainer = await finished(options, { extend: true }, before)
  const rates: number[] = []
  const onStep = ({ learningRates }: StepReport) => void rates.push(learningRates.heads!)
  const result = await trainer.fit(data, { ...now, onStep })
  const steps = now.maxSteps ?? PER_EPOCH * now.epochs!
  expect(result).toMatchObject({ steps, stopped: now.maxSteps === undefined ? 'epochs' : 'maxSteps' })
  expect(result.history.map(({ epoch }) => epoch)).toEqual(Array.from({ length: Math.ceil(steps / PER_EPOCH) }, (_, i) => i))
  const schedule = { shape: options.schedule ?? 'linear', warmup, total } as const
  expect(rates).toEqual(Array.from({ length: steps - 18 }, (_, i) => 1e-3 * multiplier(schedule, 18 + i)))
  await trainer.model.dispose()
})

test('the same length with extend is what it was, and a checkpoint without a fit under way cannot be extended', async () => {
  const trainer = await finished(OPTIONS, { extend: true })
  expect(await trainer.fit(data, { epochs: 3 })).toMatchObject({ steps: 18, stopped: 'epochs' })
  const dir = join(scratch(), 'after')
  await trainer.saveCheckpoint(dir)
  await trainer.model.dispose()
  const resumed = await Trainer.resume(dir, { extend: true })
  await expect(resumed.fit(data, { epochs: 5 })).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT',
    message: expect.stringContaining('no unfinished fit'),
  })
  expect(loadedModelOf(resumed.model).trainer).toBeDefined()
  await resumed.model.dispose()
})

test.each(['', 7, undefined])('a checkpoint cannot be called %j', async (dir) => {
  const message = expect.stringContaining('for dir, received') as string
  await expect(Trainer.resume(dir as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message })
})

test.each([{ extend: 1 }, { otherData: 'no' }, { extend: true, otherData: true }])('%j is refused', async (options) => {
  await expect(Trainer.resume('nowhere', options as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
})
