// Evaluates the bundled model and writes its card, models/mini/README.md.
// usage: node scripts/mini/card.mjs [--data DIR] [--out DIR] [--teacher DIR] [--threads N]
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { main, note } from '../support/console.mjs'
import { inRoot } from '../support/paths.mjs'
import { optionsOf } from './options.mjs'
import { filesIn, writeManifest } from './pack.mjs'
import { score } from './score.mjs'

export async function writeCard(options) {
  const folder = inRoot('models/mini')
  const scores = await score({ ...options, model: folder })
  const { dense, encoder, labels, rate } = await measured(folder, options)
  const bytes = filesIn(folder).reduce((sum, name) => sum + fs.statSync(path.join(folder, name)).size, 0)
  const card = fill(fs.readFileSync(inRoot('scripts/mini/card.md'), 'utf8'), {
    megabytes: (bytes / 1e6).toFixed(1),
    encoder: (encoder / 1e6).toFixed(2),
    dimension: dense,
    intents: labels.intent,
    tags: labels.slots,
    utterances: scores.utterances.spearman.toFixed(3),
    utterancesCosine: scores.utterances.cosine.toFixed(3),
    wordnet: scores.wordnet.spearman.toFixed(3),
    wordnetCosine: scores.wordnet.cosine.toFixed(3),
    intent: percent(scores.snips.intent),
    slots: percent(scores.snips.slots),
    frame: percent(scores.snips.frame),
    rate: Math.round(rate / 10) * 10,
  })
  fs.writeFileSync(path.join(folder, 'README.md'), card)
  writeManifest(folder)
  note(card.slice(card.indexOf('## Scores'), card.indexOf('## Limits')))
}

/** Sizes, and sentences per second over the held-out utterances. */
async function measured(folder, { out, threads }) {
  const { Model } = createRequire(import.meta.url)(inRoot('dist/index.js'))
  const model = await Model.load(folder, threads && { threads })
  const texts = fs.readFileSync(path.join(out, 'held-out-utterances.txt'), 'utf8').split('\n').slice(0, 5000)
  await model.encode(texts.slice(0, 500))
  const start = performance.now()
  await model.encode(texts)
  const rate = (1000 * texts.length) / (performance.now() - start)
  const { dimension, parameters } = model.info
  const labels = Object.fromEntries(model.heads.map((head) => [head.name, head.labels.length]))
  await model.dispose()
  return { dense: dimension, encoder: parameters, labels, rate }
}

function fill(template, values) {
  return template.replace(/\{\{(\w+)\}\}/g, (_, name) => {
    if (values[name] === undefined) throw new Error(`card.md: no value for ${name}`)
    return values[name]
  })
}

function percent(share) {
  return (100 * share).toFixed(1)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(() => writeCard(optionsOf()))
