// transformers.js (onnxruntime) on the CPU: the figures of bench/programs/encode.mjs. Runs where its package is installed.
// usage: node encode_transformersjs.mjs MODELS_DIR NAME TEXTS.json [limit] [repeat]      MODELS_DIR/NAME: made by export_onnx.py
import fs from 'node:fs'

const [models, name, file, limit = '2048', repeat = '3'] = process.argv.slice(2)
const texts = JSON.parse(fs.readFileSync(file, 'utf8')).slice(0, Number(limit))

// The package is part of the start that a program pays for.
const start = performance.now()
const { env, pipeline } = await import('@huggingface/transformers')
env.allowRemoteModels = false
env.localModelPath = models
const extract = await pipeline('feature-extraction', name, { dtype: 'fp32', device: 'cpu' })
const encode = (some) => extract(some, { pooling: 'mean', normalize: true })
await encode(texts.slice(0, 1))
const firstSeconds = (performance.now() - start) / 1e3

// The pipeline pads a batch to its longest text and sorts nothing: sorted here, as the other contenders do.
const sorted = texts.toSorted((a, b) => b.length - a.length)
const batches = Array.from({ length: Math.ceil(sorted.length / 32) }, (_, i) => sorted.slice(32 * i, 32 * (i + 1)))

const timed = async (work) => {
  const began = performance.now()
  await work()
  return performance.now() - began
}
const everything = async () => {
  for (const batch of batches) await encode(batch)
}
const bulk = []
for (let i = 0; i < Number(repeat); i++) bulk.push(await timed(everything))
const latency = []
for (const text of texts.slice(0, 200)) latency.push(await timed(() => encode(text)))

const at = (values, share) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]
const round = (value, digits) => Number(value.toFixed(digits))
console.log(
  JSON.stringify({
    peer: 'transformers.js',
    dtype: 'float32',
    texts: texts.length,
    firstSeconds: round(firstSeconds, 2),
    textsPerSecond: round((texts.length / at(bulk, 0.5)) * 1e3, 1),
    p50Ms: round(at(latency, 0.5), 2),
    p99Ms: round(at(latency, 0.99), 2),
    peakRssMB: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
)
