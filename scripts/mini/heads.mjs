// The second part of the training: an intent head and a slot head learn SNIPS, while the sentence vectors still follow the teacher.
// A run that was interrupted continues from its newest checkpoint.
// usage: node scripts/mini/heads.mjs [--out DIR] [--start DIR] [--run NAME] [--data DIR] [--teacher DIR] [--texts N] [--epochs N] [--rate R] [--batch N] [--dtype float32|bfloat16] [--threads N]
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { main } from '../support/console.mjs'
import { inRoot } from '../support/paths.mjs'
import { optionsOf } from './options.mjs'
import { cachedVectors, recordedTeacher, textsOf, WIDTH } from './teacher.mjs'
import { progress, saved } from './train.mjs'

export async function teachHeads(options) {
  const {
    out,
    start,
    run = 'heads',
    data,
    teacher,
    texts: count,
    epochs = 4,
    rate = 4e-4,
    batch = 48,
    dtype = 'bfloat16',
    threads,
  } = options
  const { Dataset, Embeddings, Model, Trainer, readJointBert } = createRequire(import.meta.url)(inRoot('dist/index.js'))
  const texts = textsOf(out, count)
  const snips = await Dataset.from(readJointBert(path.join(data, 'snips/train')), { name: 'snips' })
  const sentences = snips.examples.map(({ text }) => text)
  const known = new Map()
  const vectors = await cachedVectors(path.join(out, 'teacher-snips.f32'), sentences, teacher, Model, dtype)
  sentences.forEach((text, i) => known.set(text, vectors.subarray(i * WIDTH, (i + 1) * WIDTH)))
  const recorded = recordedTeacher(out, texts, Embeddings, known)

  const dir = path.join(out, 'runs', run)
  const trainer = fs.existsSync(dir)
    ? await Trainer.resume(dir, { teacher: recorded })
    : withHeads(await Model.load(start ?? path.join(out, 'distilled'), threads && { threads }), snips).trainer({
        learningRate: rate,
        headLearningRate: 5 * rate,
        groups: [{ match: 'dense.*', learningRate: rate / 10 }],
        schedule: 'linear',
        warmupRatio: 0.05,
        batchSize: batch,
        epochs,
        dtype,
        sampling: 'mixed',
        tasks: { intent: { weight: 0.25 }, slots: { weight: 2 } },
        distill: { teacher: recorded, loss: 'cosine', weight: 4 },
      })
  const sets = {
    snips,
    texts: await Dataset.from(
      texts.map((text) => ({ text })),
      { name: 'texts' },
    ),
  }
  await trainer.fit(sets, { epochs, saveEvery: { dir, minutes: 10, keep: 1 }, onProgress: progress() })
  return saved(trainer, path.join(out, run))
}

/** `start` may be a checkpoint of an earlier run of this part. */
function withHeads(model, snips) {
  if (model.heads.length > 0) return model
  return model
    .addHead({ name: 'intent', type: 'classification', labels: snips.labels('intent'), inputDropout: 0.1 })
    .addHead({ name: 'slots', type: 'token-classification', labels: snips.labels('slots'), inputDropout: 0.1 })
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(() => teachHeads(optionsOf()))
