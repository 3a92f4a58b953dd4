// Models are loaded, used, trained, saved and disposed of for some minutes, in an order drawn from the seed: memory, threads and open files stay flat.
// usage: node scripts/check-long/soak.mjs [MINUTES] [SEED]
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Dataset, Model, Trainer } from '../../dist/index.js'
import { Explained, main } from '../support/console.mjs'
import { inRoot } from '../support/paths.mjs'
import { randomFrom } from '../support/random.mjs'
import { EXAMPLES } from './support/folders-base.mjs'

const [minutes = 10, seed = 1] = process.argv.slice(2).map(Number)

/** Growth between the early and the late half that counts as a leak. Caches of the allocator and of oneDNN move by a few megabytes. */
const MOST_GROWTH_MB = 24
const FAMILIES = ['bert', 'distilbert', 'mpnet', 'roberta', 'xlm-roberta']
const fixture = (name) => inRoot('test/fixtures/models', name)

if (!globalThis.gc) {
  // Each measurement collects garbage first, since objects that JavaScript still references do not leak.
  const { status } = spawnSync(process.execPath, ['--expose-gc', ...process.argv.slice(1)], { stdio: 'inherit' })
  process.exit(status ?? 1)
}

const random = randomFrom(seed)
const WORDS = 'rain in New York play some jazz by Miles Davis tomorrow at noon is it cold 東京 naïve 🙂'.split(' ')
const sentence = (most) => Array.from({ length: 1 + random.below(most) }, () => random.pick(WORDS)).join(' ')
const sentences = (most) => Array.from({ length: 1 + random.below(most) }, () => sentence(40))

/** Accepts a rejection with this code, or success: the work may finish before it is stopped. */
const mayReject = (promise, code) =>
  promise.catch((error) => {
    if (error.code !== code) throw error
  })

async function mustReject(promise, code) {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  )
  if (error?.code !== code) throw error ?? new Error(`Was not refused with ${code}.`)
}

/** One thing done with a model that has heads. */
const ACTIONS = {
  encode: (model) => model.encode(sentences(64), { batchTokens: random.pick([128, 2048]) }),
  one: (model) => model.encode(sentence(20)),
  tokens: (model) => model.encode(sentences(8), { tokenEmbeddings: true }),
  stream: async (model) => {
    let left = 1 + random.below(5)
    // Left early half of the time.
    for await (const batch of model.encodeStream(sentences(200), { batchTexts: 16 })) if (batch.length === 0 || --left === 0) break
  },
  predict: (model) => model.predict(sentences(32)),
  together: (model) => Promise.all(Array.from({ length: 8 }, () => model.encode(sentence(30)))),
  abort: async (model) => {
    const abort = new AbortController()
    const work = model.encode(sentences(400), { signal: abort.signal })
    setTimeout(() => abort.abort(), random.below(20))
    await mayReject(work, 'ERR_ABORTED')
  },
  refuse: async (model) => {
    await mustReject(model.encode(['sound', 5]), 'ERR_INVALID_ARGUMENT')
    await mustReject(model.encode('x', { maxLength: -1 }), 'ERR_INVALID_ARGUMENT')
    await mustReject(Model.load(inRoot('test/fixtures/tokenizers/bert')), 'ERR_MODEL_NOT_FOUND')
  },
  train: async (model) => {
    const trainer = model.trainer({ batchSize: 2, schedule: 'constant', seed: random.below(100) })
    await trainer.trainEpoch(await Dataset.from(EXAMPLES))
    await trainer.evaluate(EXAMPLES)
    await trainer.dispose()
  },
  save: async (model, folder) => {
    await model.save(path.join(folder, 'model'), { overwrite: true })
    const again = await Model.load(path.join(folder, 'model'), { threads: 1 })
    await again.predict(sentence(10))
    await again.dispose()
  },
  checkpoint: async (model, folder) => {
    const trainer = model.trainer({ batchSize: 2, schedule: 'constant' })
    await trainer.trainEpoch(EXAMPLES)
    await trainer.saveCheckpoint(path.join(folder, 'checkpoint'))
    await trainer.dispose()
    const resumed = await Trainer.resume(path.join(folder, 'checkpoint'))
    await resumed.trainEpoch(EXAMPLES)
    await resumed.model.dispose()
  },
  'dispose at work': async (model) => {
    const work = [model.encode(sentences(200)), model.predict(sentences(50))]
    const ends = work.map((promise) => mayReject(promise, 'ERR_DISPOSED'))
    await model.dispose()
    await Promise.all(ends)
  },
}

async function life(folder, counts) {
  const model = await Model.load(fixture(random.pick(FAMILIES)), {
    threads: 1 + random.below(2),
    dtype: random.pick(['float32', 'bfloat16']),
  })
  model
    .addHead({ name: 'intent', type: 'classification', labels: ['music', 'weather'] })
    .addHead({ name: 'slots', type: 'token-classification', labels: ['B-city', 'I-city', 'O'] })
  for (let i = random.below(6); i >= 0; i--) {
    const name = random.pick(Object.keys(ACTIONS))
    await ACTIONS[name](model, folder)
    counts[name] = (counts[name] ?? 0) + 1
    if (name === 'dispose at work') break
  }
  await model.dispose()
}

/** Resident memory, and on Linux threads and open files, while nothing is running. */
function measured() {
  for (let i = 0; i < 3; i++) globalThis.gc()
  const entries = (name) => (process.platform === 'linux' ? fs.readdirSync(`/proc/self/${name}`).length : 0)
  return { megabytes: process.memoryUsage.rss() / 2 ** 20, threads: entries('task'), files: entries('fd') }
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]

await main(async () => {
  if (!(minutes > 0)) throw new Explained('MINUTES must be a number above 0.')
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentorch-soak-'))
  const began = performance.now()
  const passed = () => (performance.now() - began) / 60_000
  const counts = {}
  const measurements = []
  let lives = 0
  try {
    while (passed() < minutes) {
      await life(folder, counts)
      lives++
      if (lives % 10 === 0) measurements.push({ at: passed(), ...measured() })
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
  // The first third fills caches.
  const late = measurements.filter(({ at }) => at > minutes / 3)
  const half = late.length >> 1
  if (half < 3) throw new Explained(`${lives} lives in ${minutes} minutes are too few to tell.`)
  const between = (key) => [median(late.slice(0, half).map((each) => each[key])), median(late.slice(half).map((each) => each[key]))]
  const [[early, end], threads, files] = [between('megabytes'), between('threads'), between('files')]
  const missing = Object.keys(ACTIONS).filter((name) => !counts[name])
  const flat = end - early <= MOST_GROWTH_MB && threads[1] <= threads[0] && files[1] <= files[0]
  console.log(
    `${lives} lives of models in ${minutes} minutes (seed ${seed}), ${Object.values(counts).reduce((a, b) => a + b)} actions of ${Object.keys(counts).length} kinds: ` +
      `${early.toFixed(0)} MB, later ${end.toFixed(0)} MB; threads ${threads.join(', later ')}; open files ${files.join(', later ')}`,
  )
  if (missing.length > 0) console.error(`never done: ${missing.join(', ')}`)
  if (!flat || missing.length > 0) process.exitCode = 1
})
