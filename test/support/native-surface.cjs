// The native surface under wrong requests: a valid session of calls on a small model, every place in its arguments, and what may be put there.
// Plain JavaScript on the built package: programs of test/life and of scripts/check-long use it.
'use strict'
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const NULLABLE = new Set(['bias', 'tokenTypeEmbeddings', 'relativeAttentionBias', 'layers', 'classWeights', 'weights', 'embedding'])
const FRACTIONS = new Set(['layerNormEps', 'weight', 'labelSmoothing', 'inputDropout', 'dropout', 'hiddenDropout', 'attentionDropout', 'attentionOutputDropout', 'beta1', 'beta2', 'eps', 'maxGradNorm', 'learningRate', 'weightDecay', 'milliseconds']) // prettier-ignore
const NAMES = new Set(['dtype', 'kernels', 'activation', 'type', 'loss', 'value'])
const ARRAYS = [Int32Array, Float32Array, Float64Array, Uint8Array, Int16Array, BigInt64Array]

/** The addon, opened, and the steps of a session: [method, arguments], each valid after the ones before it. */
async function openSurface(folder) {
  const { openFolder } = require('../../dist/format/folder.js')
  const { openNative } = require('../../dist/libtorch/open.js')
  const [{ addon }, { files, encoder, dense }] = await Promise.all([openNative(), openFolder(folder)])
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'sentorch-surface-'))
  process.on('exit', () => fs.rmSync(scratch, { recursive: true, force: true }))
  return { addon, steps: session(files, encoder, dense, scratch) }
}

function session(files, encoder, dense, scratch) {
  const hidden = encoder.hiddenSize
  const rows = { ids: Int32Array.of(2, 5, 6, 3, 2, 7, 3), offsets: Int32Array.of(0, 4, 7) }
  const vectors = { pooling: ['mean', 'max'], promptTokens: 0, steps: ['normalize'], truncateDim: 3, normalizeLast: true }
  const { query } = encoder.layers[0]
  const intent = { name: 'intent', type: 'classification', sizes: [5, 2], activation: 'relu', pooling: ['mean'], steps: ['normalize'], inputs: hidden, layers: null, files: [], seed: 1 } // prettier-ignore
  const slots = { ...intent, name: 'slots', type: 'token-classification', sizes: [hidden], pooling: [], steps: [], layers: [query], files }
  const task = { type: 'head', loss: 'cross-entropy', weight: 1, labelSmoothing: 0, classWeights: null, inputDropout: 0.1, dropout: 0.1 }
  const training = {
    ...{ files, encoder, dense, hiddenDropout: 0.1, attentionDropout: 0.1, attentionOutputDropout: 0.1, dtype: 'float32', seed: 1 },
    ...{ gradientCheckpointing: false, optimizer: { type: 'adamw', beta1: 0.9, beta2: 0.999, eps: 1e-8 }, maxGradNorm: 1 },
    objectives: [
      { ...task, head: 'intent', classWeights: Float32Array.of(1, 2) },
      { ...task, head: 'slots' },
      { type: 'vectors', name: 'target:0', pooling: ['mean'], steps: ['normalize'], loss: 'mse', weight: 1 },
    ],
    ...{ uncertainty: true, cacheBytes: 1000 },
  }
  const corpus = {
    ...rows,
    targets: [Int32Array.of(0, 1), Int32Array.of(-100, 1, 2, -100, -100, 0, -100), new Float32Array(2 * hidden)],
  }
  const plan = {
    order: Int32Array.of(0, 1),
    batches: Int32Array.of(0, 1, 2),
    steps: Int32Array.of(0, 1, 2),
    multipliers: Float64Array.of(1, 1),
  }
  const norm = encoder.embeddingNorm.weight
  // Embeddings and their norm, the layers, two heads of three layers, an uncertainty for each objective.
  const tables = [encoder.tokenTypeEmbeddings, encoder.relativeAttentionBias].filter((table) => table !== null).length
  const count = 4 + tables + 16 * encoder.layers.length + 2 * dense.length + 6 + 3
  const word = encoder.wordEmbeddings
  return [
    ['load', [{ files, encoder, dense, dtype: 'float32', device: 'cpu', threads: 1, kernels: 'auto' }]],
    ['encode', [{ task: 1, ...rows, ...vectors, batchTokens: 64 }]],
    ['weights', []],
    ['finish', [{ task: 4, vectors: new Float32Array(3 * hidden * vectors.pooling.length), ...vectors }]],
    ['addHead', [intent]],
    ['addHead', [slots]],
    ['predict', [{ task: 2, ...rows, batchTokens: 64, heads: ['intent', 'slots'], embedding: vectors }]],
    ['startTraining', [training]],
    ['setGroups', [[{ parameters: [0, 1, 2], learningRate: 1e-3, weightDecay: 0, clip: true }]]],
    ['setCorpus', [corpus]],
    ['train', [{ task: 3, ...plan, weights: Float64Array.of(1, 1, 1), firstStep: 0, milliseconds: 1000, apply: true }]],
    ['optimizerSteps', []],
    ['restore', [{ files, parameters: [{ parameter: norm.name, value: 'value', source: norm }], steps: new Int32Array(count) }]],
    ['keep', [Int32Array.of(0, 1)]],
    ['revert', []],
    ['read', ['exp_avg', [word.name]]],
    ['write', [{ path: scratch, header: new Uint8Array(16), parts: [{ value: 'value', parameter: norm.name }, { file: files[0], offset: 0, bytes: 8 }] }]], // prettier-ignore
    ['endTraining', []],
    ['extendHead', ['intent', 1, 0]],
    ['removeHead', ['intent']],
  ]
}

/** Calls a method; `write` to a new file. The outcome: 'ok', a code, or what was thrown instead of rejected. */
async function call(model, method, args) {
  const request = args[0]
  if (method === 'write' && typeof request?.path === 'string' && !request.path.includes('\0'))
    args = [{ ...request, path: path.join(request.path, `${++written}`) }]
  let promise
  try {
    promise = model[method](...args)
  } catch (error) {
    return `thrown: ${error.message}`
  }
  return promise.then(
    () => 'ok',
    (error) => error.code ?? `untyped: ${error.message}`,
  )
}
let written = 0

/** A model on which the steps before `end` were done. */
async function modelBefore({ addon, steps }, end) {
  const model = new addon.Model()
  for (const [method, args] of steps.slice(0, end)) {
    const outcome = await call(model, method, args)
    if (outcome !== 'ok') throw new Error(`${method} of the valid session: ${outcome}`)
  }
  return model
}

/** Every place in a value, by its path; of an array the first item and each of those that differ from it in kind. */
function places(value, at = []) {
  const found = at.length > 0 ? [{ at, value }] : []
  if (Array.isArray(value))
    value.forEach((item, i) => (i === 0 || at.length === 0 || at.at(-1) === 'parts') && found.push(...places(item, [...at, i])))
  else if (isPlain(value)) for (const key of Object.keys(value)) found.push(...places(value[key], [...at, key]))
  return found
}

function isPlain(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)
}

/** A copy of the arguments with another value at one place; undefined: without it. */
function changed(args, at, value) {
  if (at.length === 0) return value
  const [key, ...rest] = at
  const copy = Array.isArray(args) ? [...args] : { ...args }
  copy[key] = changed(args[key], rest, value)
  return copy
}

/** Values of another type than the one at this place: each must be refused. */
function wrongTypes({ at, value }) {
  const key = at.findLast((part) => typeof part === 'string')
  const all = [undefined, null, 5, 1.5, NaN, 'nonsense', true, {}, [], 1n, new DataView(new ArrayBuffer(8)), ...ARRAYS.map((A) => new A(3))]
  const nullable = NULLABLE.has(at.at(-1))
  return all.filter((wrong) => {
    if (wrong === null && (nullable || value === null)) return false
    if (typeof value === 'string') return typeof wrong !== 'string' || NAMES.has(key) || (key === 'steps' && wrong === 'nonsense')
    if (typeof value === 'number') return typeof wrong !== 'number' || (!FRACTIONS.has(key) && !Number.isSafeInteger(wrong))
    if (typeof value === 'boolean') return typeof wrong !== 'boolean'
    if (ArrayBuffer.isView(value)) return wrong?.constructor !== value.constructor
    if (Array.isArray(value)) return !Array.isArray(wrong)
    return true
  })
}

module.exports = { openSurface, modelBefore, call, places, changed, wrongTypes }
