// sentorch: throughput, latency of one text, start, memory. The peers print the same figures.
// usage: node bench/programs/encode.mjs MODEL_DIR TEXTS.json [float32|bfloat16] [limit] [repeat]
import fs from 'node:fs'
import { median, percentile, round } from './figures.mjs'

const start = performance.now()
const { Model } = await import('../../dist/index.js')
const [folder, file, dtype = 'float32', limit = '2048', repeat = '3'] = process.argv.slice(2)
const texts = JSON.parse(fs.readFileSync(file, 'utf8')).slice(0, Number(limit))
const model = await Model.load(folder, { dtype, device: 'cpu' })
await model.encode(texts.slice(0, 1))
const first = performance.now() - start

const seconds = []
for (let i = 0; i < Number(repeat); i++) {
  const began = performance.now()
  await model.encode(texts)
  seconds.push((performance.now() - began) / 1e3)
}
const latency = []
for (const text of texts.slice(0, 200)) {
  const began = performance.now()
  await model.encode(text)
  latency.push(performance.now() - began)
}
const counts = await model.countTokens(texts)
const tokens = counts.reduce((sum, count) => sum + Math.min(count, model.info.maxLength), 0)
const bulk = median(seconds)
console.log(
  JSON.stringify({
    peer: 'sentorch',
    dtype,
    texts: texts.length,
    tokens,
    firstSeconds: round(first / 1e3),
    textsPerSecond: round(texts.length / bulk, 1),
    tokensPerSecond: Math.round(tokens / bulk),
    p50Ms: round(median(latency)),
    p99Ms: round(percentile(latency, 0.99)),
    peakRssMB: Math.round(process.resourceUsage().maxRSS / 1024),
    kernels: model.info.kernels,
    libtorch: model.info.libtorch.version,
    threads: model.info.threads,
  }),
)
