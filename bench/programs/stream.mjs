// Memory of encodeStream over many texts: RSS after a tenth and at the end. usage: node bench/programs/stream.mjs MODEL_DIR TEXTS.json [dtype] [count]
import fs from 'node:fs'
import { Model } from '../../dist/index.js'
import { round } from './figures.mjs'

const [folder, file, dtype = 'float32', count = '200000'] = process.argv.slice(2)
const some = JSON.parse(fs.readFileSync(file, 'utf8'))
const model = await Model.load(folder, { dtype, device: 'cpu' })
function* texts() {
  for (let i = 0; i < Number(count); i++) yield `${some[i % some.length]} ${i}`
}
const megabytes = () => Math.round(process.memoryUsage().rss / 2 ** 20)
let done = 0
let early = 0
const began = performance.now()
for await (const batch of model.encodeStream(texts())) {
  done += batch.length
  if (!early && done >= Number(count) / 10) early = megabytes()
}
const late = megabytes()
console.log(
  JSON.stringify({
    texts: done,
    dtype,
    textsPerSecond: round((done / (performance.now() - began)) * 1e3, 1),
    rssTenthMB: early,
    rssEndMB: late,
  }),
)
