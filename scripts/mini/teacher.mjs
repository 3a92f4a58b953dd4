// Computes the teacher's vectors of all texts, in float16, in files of 16,384 texts. A run that was interrupted continues with the first missing file.
// usage: node scripts/mini/teacher.mjs [--out DIR] [--teacher DIR] [--texts N] [--threads N] [--dtype float32|bfloat16]
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { getModel } from '../model.mjs'
import { main, note } from '../support/console.mjs'
import { fromFloat16, toFloat16 } from '../support/float16.mjs'
import { inRoot } from '../support/paths.mjs'
import { optionsOf } from './options.mjs'

export const SHARD = 16_384
/** Dimension of the teacher's vectors. */
export const WIDTH = 384

const shardFile = (out, shard) => path.join(out, 'teacher', `${String(shard).padStart(4, '0')}.f16`)

/** The first `count` texts of the corpus. */
export function textsOf(out, count = Infinity) {
  return fs.readFileSync(path.join(out, 'texts.txt'), 'utf8').split('\n').slice(0, -1).slice(0, count)
}

export async function teach({ out, teacher, texts: count, threads, dtype = 'bfloat16' }) {
  const { Model } = createRequire(import.meta.url)(inRoot('dist/index.js'))
  const texts = textsOf(out, count)
  fs.mkdirSync(path.join(out, 'teacher'), { recursive: true })
  refuseOtherTexts(out)
  const shards = Array.from({ length: Math.ceil(texts.length / SHARD) }, (_, i) => i).filter((shard) => !isWhole(out, shard, texts.length))
  if (shards.length === 0) return
  const model = await Model.load(teacher ?? (await getModel(note)), { dtype, ...(threads && { threads }) })
  for (const shard of shards) {
    const start = performance.now()
    const rows = texts.slice(shard * SHARD, (shard + 1) * SHARD)
    const { data } = await model.encode(rows)
    const file = shardFile(out, shard)
    fs.writeFileSync(`${file}.tmp`, toFloat16(data))
    fs.renameSync(`${file}.tmp`, file)
    note(`${file}: ${Math.round((1000 * rows.length) / (performance.now() - start))} texts/s`)
  }
  await model.dispose()
}

/** The vectors of a few thousand texts, kept in a file of float32. */
export async function cachedVectors(file, texts, teacher, Model, dtype = 'float32') {
  if (fs.existsSync(file)) {
    const data = new Float32Array(Uint8Array.from(fs.readFileSync(file)).buffer)
    if (data.length === texts.length * WIDTH) return data
  }
  const model = await Model.load(teacher ?? (await getModel(note)), { dtype })
  const { data } = await model.encode(texts)
  await model.dispose()
  fs.writeFileSync(file, data)
  return data
}

/**
 * The recorded vectors of the first texts, as a function from texts to embeddings that `distill` takes as teacher. `known`: the vectors of
 * other texts.
 */
export function recordedTeacher(out, texts, Embeddings, known = new Map()) {
  const place = new Map(texts.map((text, i) => [text, i]))
  let open = { shard: -1, halves: undefined }
  return (asked) => {
    const data = new Float32Array(asked.length * WIDTH)
    for (const [i, text] of asked.entries()) {
      const given = known.get(text)
      if (given) {
        data.set(given, i * WIDTH)
        continue
      }
      const row = place.get(text)
      const shard = Math.floor(row / SHARD)
      if (open.shard !== shard) open = { shard, halves: new Uint16Array(Uint8Array.from(fs.readFileSync(shardFile(out, shard))).buffer) }
      const from = (row % SHARD) * WIDTH
      data.set(fromFloat16(open.halves.subarray(from, from + WIDTH)), i * WIDTH)
    }
    return new Embeddings(data, WIDTH)
  }
}

/** The last shard of a shorter run has fewer rows, and is computed again. */
function isWhole(out, shard, count) {
  const file = shardFile(out, shard)
  const rows = Math.min(SHARD, count - shard * SHARD)
  return fs.existsSync(file) && fs.statSync(file).size >= 2 * WIDTH * rows
}

/** Vectors of another corpus are removed: they belong to texts by their number only. */
function refuseOtherTexts(out) {
  const file = path.join(out, 'teacher', 'texts.sha256')
  const hash = createHash('sha256')
    .update(fs.readFileSync(path.join(out, 'texts.txt')))
    .digest('hex')
  if (fs.existsSync(file) && fs.readFileSync(file, 'utf8') !== hash) {
    for (const name of fs.readdirSync(path.dirname(file))) fs.rmSync(path.join(path.dirname(file), name))
  }
  fs.writeFileSync(file, hash)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(() => teach(optionsOf()))
