// Semantic search over a handful of texts.
// node examples/search.mts MODEL 'a question'      (Node 22.18 or newer runs TypeScript as it is; MODEL is a folder or a hub id)
import { Model } from 'sentorch'

const [where = 'sentence-transformers/all-MiniLM-L6-v2', question = 'How do I get my money back?'] = process.argv.slice(2)

const passages = [
  'Refunds reach your account within five working days.',
  'Dogs are welcome in the garden, but not in the dining room.',
  'A password must have at least twelve characters.',
  'The warranty covers manufacturing faults for two years.',
  'Check-in starts at three in the afternoon.',
]

const model = await Model.load(where)
const index = await model.encodeDocument(passages)
const scores = model.similarity(await model.encodeQuery(question), index)

const ranked = passages.map((text, i) => ({ text, score: scores.at(0, i) })).sort((a, b) => b.score - a.score)
console.log(question)
for (const { text, score } of ranked.slice(0, 3)) console.log(`  ${score.toFixed(3)}  ${text}`)

await model.dispose()
