// Compares losses with the reference step by step: the same heads, the same rows in each step, no dropout. Uses the native surface directly,
// since the public API has no option for the order of the rows.
// usage: node scripts/results/curve.mjs MODEL_DIR DATA_ROOT CURVE.json      CURVE.json: by bench/peers/train.py --curve
import fs from 'node:fs'
import { createRequire } from 'node:module'
import { trainerOptions } from './recipe.mjs'
import { labelsOf, readSet } from './sets.mjs'

const require = createRequire(import.meta.url)
const { openNative } = require('../../dist/libtorch/open.js')
const { fromNative } = require('../../dist/native/call.js')
const { openFolder } = require('../../dist/format/folder.js')
const { readSafetensorsHeader } = require('../../dist/format/safetensors.js')
const { Tokenizer } = require('../../dist/tokenizer/tokenizer.js')
const { Dataset } = require('../../dist/index.js')
const { prepare } = require('../../dist/data/prepare.js')
const { resolveTrain } = require('../../dist/training/options/train.js')
const { headObjectives } = require('../../dist/training/objectives/heads.js')
const { resolveSchedule, multipliers } = require('../../dist/training/plan/schedule.js')
const { parameterGroups } = require('../../dist/training/parameters/groups.js')

const [modelFolder, root, file] = process.argv.slice(2)
const curve = JSON.parse(fs.readFileSync(file, 'utf8'))
const { train } = await readSet(curve.set, root)
const labels = labelsOf(train)
const stored = file.replace(/\.json$/, '.safetensors')
const { tensors } = await readSafetensorsHeader(stored)

const native = await openNative()
const folder = await openFolder(modelFolder)
const { files, encoder, dense, config, modules } = folder
const model = new native.addon.Model()
const threads = Number(process.env.OMP_NUM_THREADS) || 2
await fromNative(model.load({ files, encoder, dense, dtype: 'float32', device: 'cpu', threads, kernels: 'auto' }))

const heads = Object.entries(labels).map(([name, names]) => ({
  name,
  type: name === 'slots' ? 'token-classification' : 'classification',
  labels: names,
  hidden: [],
  activation: 'relu',
  inputDropout: 0,
  dropout: 0,
  multiLabel: false,
}))
for (const { name, type, labels: names, activation } of heads) {
  const source = (part) => {
    const { dtype, shape, offset } = tensors.get(`heads.${name}.0.${part}`)
    return { name: part, file: 0, offset, dtype, shape }
  }
  const pooling = type === 'classification' ? ['mean'] : []
  const layers = [{ weight: source('weight'), bias: source('bias') }]
  const shape = { sizes: [names.length], activation, pooling, steps: [], inputs: config.hiddenSize }
  await fromNative(model.addHead({ name, type, ...shape, layers, files: [stored], seed: 0 }))
}

const tokenizer = await Tokenizer.open(modelFolder, { maxLength: modules.maxSeqLength, doLowerCase: modules.doLowerCase, config })
const corpus = await prepare(await Dataset.from(train), tokenizer, heads, { maxLength: 64, unknownLabels: 'refuse' })
tokenizer.dispose()

const { layers, usablePositions } = config
const options = resolveTrain(trainerOptions(labels, { dtype: curve.dtype }), {
  heads,
  layers,
  maxLength: modules.maxSeqLength,
  usablePositions,
  hiddenDropout: 0,
  attentionDropout: 0,
})
const { optimizer, maxGradNorm, tasks, dtype } = options
const { parameters } = await fromNative(
  model.startTraining({
    ...{ files, encoder, dense, dtype, optimizer, maxGradNorm },
    ...{ hiddenDropout: 0, attentionDropout: 0, attentionOutputDropout: 0, seed: 0 },
    ...{ gradientCheckpointing: false, uncertainty: false, cacheBytes: 0 },
    objectives: headObjectives(
      options,
      tasks.map(() => null),
    ),
  }),
)
await fromNative(model.setGroups(parameterGroups(parameters, options, layers, new Set())))
const { ids, offsets } = corpus
await fromNative(model.setCorpus({ ids, offsets, targets: tasks.map(({ head }) => corpus.labels.get(head)) }))

const steps = curve.steps.length
const batches = curve.steps.reduce((ends, rows) => [...ends, ends.at(-1) + rows.length], [0])
const rates = multipliers(resolveSchedule(options.schedule, steps), 0, steps)
const losses = []
while (losses.length < steps) {
  const from = losses.length
  const result = await fromNative(
    model.train({
      task: 1,
      order: Int32Array.from(curve.steps.flat()),
      batches: Int32Array.from(batches),
      steps: Int32Array.from({ length: steps - from + 1 }, (_, i) => from + i),
      multipliers: rates.slice(from),
      weights: null,
      firstStep: from,
      milliseconds: 5000,
      apply: true,
    }),
  )
  losses.push(...result.loss)
}
await fromNative(model.dispose())

console.log('| step | reference | sentorch | difference |\n| --- | --- | --- | --- |')
const difference = losses.map((loss, i) => loss - curve.loss[i])
for (const [i, loss] of losses.entries()) {
  if (i % 10 === 9 || i === 0)
    console.log(`| ${i + 1} | ${curve.loss[i].toFixed(6)} | ${loss.toFixed(6)} | ${difference[i].toExponential(1)} |`)
}
const worst = Math.max(...difference.map(Math.abs))
console.log(`curve ${curve.set} seed ${curve.seed} ${curve.dtype}: ${steps} steps, largest difference ${worst.toExponential(2)}`)
