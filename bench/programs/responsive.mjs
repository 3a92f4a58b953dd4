// How late JavaScript is while 4,096 texts are encoded: a 1 ms timer, and fs.readFile of a small file.
// usage: node bench/programs/responsive.mjs MODEL_DIR TEXTS.json
import fs from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Model } from '../../dist/index.js'
import { percentile, round } from './figures.mjs'

const [folder, file] = process.argv.slice(2)
const some = JSON.parse(fs.readFileSync(file, 'utf8'))
const texts = Array.from({ length: 4096 }, (_, i) => some[i % some.length])
const model = await Model.load(folder, { device: 'cpu' })
await model.encode(texts.slice(0, 256))

const late = []
const reads = []
let running = true
function tick(expected) {
  const now = performance.now()
  late.push(Math.max(0, now - expected))
  if (running) setTimeout(tick, 1, now + 1)
}
async function read() {
  const here = fileURLToPath(import.meta.url)
  while (running) {
    const began = performance.now()
    await fs.promises.readFile(here)
    reads.push(performance.now() - began)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
setTimeout(tick, 1, performance.now() + 1)
const reading = read()
const began = performance.now()
await model.encode(texts)
const seconds = (performance.now() - began) / 1e3
running = false
await reading
console.log(
  JSON.stringify({
    texts: texts.length,
    seconds: round(seconds),
    timers: late.length,
    lateP50Ms: round(percentile(late, 0.5)),
    lateP99Ms: round(percentile(late, 0.99)),
    lateMaxMs: round(Math.max(...late)),
    readMaxMs: round(Math.max(...reads)),
  }),
)
