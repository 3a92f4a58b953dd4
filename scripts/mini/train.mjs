// Distils the teacher's vectors into the student. A run that was interrupted continues from its newest checkpoint.
// usage: node scripts/mini/train.mjs [--out DIR] [--start DIR] [--run NAME] [--texts N] [--epochs N] [--rate R] [--schedule linear|constant] [--batch N] [--dtype float32|bfloat16] [--threads N]
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { main, note, seconds } from '../support/console.mjs'
import { inRoot } from '../support/paths.mjs'
import { optionsOf } from './options.mjs'
import { recordedTeacher, textsOf } from './teacher.mjs'

const REPORT_MS = 15_000
const WARMUP = 200

export async function distil({
  out,
  start,
  run = 'distilled',
  texts: count,
  epochs = 3,
  rate = 4e-4,
  batch = 64,
  dtype = 'bfloat16',
  schedule = 'linear',
  threads,
}) {
  const { Dataset, Embeddings, Model, Trainer } = createRequire(import.meta.url)(inRoot('dist/index.js'))
  const texts = textsOf(out, count)
  const teacher = recordedTeacher(out, texts, Embeddings)
  const dir = path.join(out, 'runs', run)
  const trainer = fs.existsSync(dir)
    ? await Trainer.resume(dir, { teacher })
    : (await Model.load(start ?? path.join(out, 'student'), threads && { threads })).trainer({
        learningRate: rate,
        // The Dense module starts from a regression and has small weights.
        headLearningRate: rate / 10,
        weightDecay: 0.01,
        schedule,
        warmupSteps: WARMUP,
        batchSize: batch,
        epochs,
        dtype,
        distill: { teacher, loss: 'cosine' },
      })
  const data = await Dataset.from(
    texts.map((text) => ({ text })),
    { name: 'texts' },
  )
  await trainer.fit(data, {
    epochs,
    saveEvery: { dir, minutes: 10, keep: 1 },
    onProgress: progress(),
  })
  return saved(trainer, path.join(out, run))
}

/** Ends a run: saves its model to the folder, which is returned. */
export async function saved(trainer, folder) {
  await trainer.dispose()
  await trainer.model.save(folder)
  await trainer.model.dispose()
  note(`Saved in ${folder}`)
  return folder
}

/** Prints a line every 15 seconds, with the mean loss since the last one. */
export function progress() {
  let next = 0
  let last = { step: 0, sum: 0 }
  return ({ epoch, step, steps, loss, eta }) => {
    if (performance.now() < next) return
    next = performance.now() + REPORT_MS
    const before = step < last.step ? { step: 0, sum: 0 } : last
    last = { step, sum: loss * step }
    const recent = (last.sum - before.sum) / Math.max(1, step - before.step)
    const time = new Date().toISOString().slice(11, 19)
    note(`${time} epoch ${epoch} step ${step}/${steps} loss ${recent.toFixed(4)}, ${seconds(1000 * eta)} left`)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(() => distil(optionsOf()))
