// From a bare clone to a first result: sets up what is missing, obtains a model, embeds a dozen sentences and searches them by meaning.
import { createRequire } from 'node:module'
import { bold, cyan, dim, main, note, ready, step } from './support/console.mjs'
import { inRoot } from './support/paths.mjs'
import { getModel } from './model.mjs'
import { setup } from './setup.mjs'

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

await main(async () => {
  await setup()
  const folder = await getModel((line) => note(line))
  ready(`all-MiniLM-L6-v2 is in ${folder}`)
  const { Model } = createRequire(import.meta.url)(inRoot('dist/index.js'))

  const start = performance.now()
  const model = await Model.load(folder)
  const loaded = performance.now()
  const sentences = await model.encode(SENTENCES)
  const took = performance.now() - loaded
  ready(`Loaded in ${milliseconds(loaded - start)}: ${model.info.dtype}, ${model.info.device}`)
  ready(`${sentences.length} sentences became vectors of ${sentences.dimension} numbers in ${milliseconds(took)}`)

  await step('Searching them by meaning', async () => {
    for (const question of QUESTIONS) await search(model, question, sentences)
  })

  const perSentence = await timePerSentence(model)
  ready(`Time per sentence: ${milliseconds(perSentence.alone)} alone (median), ${milliseconds(perSentence.bulk)} in bulk`)
  await model.dispose()
  console.log(
    `\n${dim('Next:')} npm test, ${dim('or in your own code:')} const model = await Model.load('sentence-transformers/all-MiniLM-L6-v2')`,
  )
})

async function search(model, question, sentences) {
  const scores = model.similarity(await model.encode(question), sentences).data
  const best = [...scores.keys()].sort((a, b) => scores[b] - scores[a]).slice(0, 3)
  console.log(`\n  ${bold(question)}`)
  for (const index of best) {
    const bar = '█'.repeat(Math.max(0, Math.round(scores[index] * 20)))
    note(`${scores[index].toFixed(2).padStart(5)} ${cyan(bar.padEnd(16))} ${SENTENCES[index]}`)
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
