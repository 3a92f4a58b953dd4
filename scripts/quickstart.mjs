// From a bare clone to a first result: sets up what is missing, then embeds and searches sentences, classifies sentences and finds entities with
// the bundled model, trains it on a small sample, saves it and loads it again.
// usage: node scripts/quickstart.mjs [--model FOLDER_OR_HUB_ID]      all-MiniLM-L6-v2 is also obtained without the hub
import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { bold, cyan, dim, main, note, ready, step } from './support/console.mjs'
import { inRoot } from './support/paths.mjs'
import { getModel } from './model.mjs'
import { setup } from './setup.mjs'

const BUNDLED = 'sentorch:mini'
const SENTENCES = [
  'Refunds reach your account within five working days.',
  'You can change the delivery address until the parcel is dispatched.',
  'Our kitchen is open from noon until ten in the evening.',
  'The battery lasts about nine hours with the screen on.',
  'A password must have at least twelve characters.',
  'Dogs are welcome in the garden, but not in the dining room.',
  'The train to the airport leaves every twenty minutes.',
  'Your invoice is attached to the confirmation e-mail.',
  'Breakfast is included in the price of the room.',
  'The warranty covers manufacturing faults for two years.',
  'Check-in starts at three in the afternoon.',
  'Support answers by phone on weekdays from nine to five.',
]
const QUESTIONS = [
  'How do I get my money back?',
  'When can I eat dinner?',
  'May I bring my pet?',
  'The device broke, who pays for the repair?',
]
const COMMANDS = ['play some jazz by miles davis', 'will it rain in oslo tomorrow', 'book a table for four at an italian restaurant']

const { values } = parseArgs({ options: { model: { type: 'string', default: BUNDLED } } })

await main(async () => {
  await setup()
  const { Model } = createRequire(import.meta.url)(inRoot('dist/index.js'))
  const where = await located(values.model)

  const start = performance.now()
  const model = await Model.load(where)
  const loaded = performance.now()
  const sentences = await model.encode(SENTENCES)
  const took = performance.now() - loaded
  ready(`${values.model} loaded in ${milliseconds(loaded - start)}: ${model.info.dtype}, ${model.info.device}`)
  ready(`${sentences.length} sentences became vectors of ${sentences.dimension} numbers in ${milliseconds(took)}`)

  await step('Searching them by meaning', async () => {
    for (const question of QUESTIONS) await search(model, question, sentences)
  })
  const perSentence = await timePerSentence(model)
  ready(`Time per sentence: ${milliseconds(perSentence.alone)} alone (median), ${milliseconds(perSentence.bulk)} in bulk`)
  if (model.heads.length > 0) {
    await step('Classifying sentences and finding entities', async () => {
      for (const result of await model.predict(COMMANDS)) show(result)
    })
  }
  await model.dispose()

  await train(where)
  console.log(`
${dim('Next:')}
  node examples/train.mts ${values.model} my-model   ${dim('the same in your own program: 30 lines of TypeScript (Node 22.18 or newer)')}
  npm run quickstart -- --model all-MiniLM-L6-v2   ${dim('the same with a larger and better model: a download of 83 MB')}
  docs/heads.md and docs/training.md   ${dim('your own labels, and every option of the training')}`)
})

/** A folder or a hub id as it is; all-MiniLM-L6-v2 is found where there is no hub, too. */
async function located(model) {
  const isMiniLm = /^(sentence-transformers\/)?all-MiniLM-L6-v2$/.test(model) && !fs.existsSync(model)
  return isMiniLm ? getModel((line) => note(line)) : model
}

async function search(model, question, sentences) {
  const scores = model.similarity(await model.encode(question), sentences).data
  const best = [...scores.keys()].sort((a, b) => scores[b] - scores[a]).slice(0, 3)
  console.log(`\n  ${bold(question)}`)
  for (const index of best) {
    const bar = '█'.repeat(Math.max(0, Math.round(scores[index] * 20)))
    note(`${scores[index].toFixed(2).padStart(5)} ${cyan(bar.padEnd(16))} ${SENTENCES[index]}`)
  }
}

function show({ text, intent, slots }) {
  const entities = slots.entities.map(({ label, start, end }) => `${label}=${cyan(text.slice(start, end))}`)
  note(`${text}\n    ${bold(intent.label)} ${intent.score.toFixed(2)}  ${entities.join('  ')}`)
}

/** New heads learn the sample for an epoch; the model is saved and used from its folder. */
async function train(where) {
  const { Dataset, Model, readJsonl } = createRequire(import.meta.url)(inRoot('dist/index.js'))
  const sample = (split) => Dataset.from(readJsonl(inRoot(`examples/data/snips-${split}.jsonl`)), { name: split })
  const [data, test] = [await sample('train'), await sample('dev')]
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentorch-quickstart-'))
  try {
    await step(`Training new heads for an epoch on ${data.length} sentences, evaluating on ${test.length} others`, async () => {
      const model = await Model.load(where)
      for (const { name } of model.heads) model.removeHead(name)
      model
        .addHead({ name: 'intent', type: 'classification', labels: data.labels('intent') })
        .addHead({ name: 'slots', type: 'token-classification', labels: data.labels('slots') })
      const scores = ({ metrics }) => `intent accuracy ${percent(metrics.intent.accuracy)}, entity F1 ${percent(metrics.slots.f1)}`
      note(`before  ${scores(await model.evaluate(test))}`)
      await model.fit(data, { epochs: 1, batchSize: 4, learningRate: 1e-4, headLearningRate: 1e-2 })
      note(`after   ${scores(await model.evaluate(test))}`)
      await model.save(path.join(folder, 'trained'))
      await model.dispose()
    })
    await step('Loading the saved model and predicting with it', async () => {
      const model = await Model.load(path.join(folder, 'trained'))
      for (const result of await model.predict(COMMANDS)) show(result)
      await model.dispose()
    })
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

async function timePerSentence(model) {
  const times = []
  for (const sentence of [...SENTENCES, ...SENTENCES]) {
    const start = performance.now()
    await model.encode(sentence)
    times.push(performance.now() - start)
  }
  const many = Array.from({ length: 50 }, () => SENTENCES).flat()
  const start = performance.now()
  await model.encode(many)
  return { alone: times.sort((a, b) => a - b)[times.length >> 1], bulk: (performance.now() - start) / many.length }
}

function milliseconds(value) {
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`
}

function percent(share) {
  return `${Math.round(100 * share)} %`
}
