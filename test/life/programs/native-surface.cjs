// Hands every place of every request of the native surface each value of a wrong type, and the values of a wrong size or sign that are listed
// here. Prints what was not refused, and how many were.
'use strict'
const { openSurface, modelBefore, call, places, changed, wrongTypes } = require('../../support/native-surface.cjs')
const CODES = new Set(['ERR_INTERNAL', 'ERR_INVALID_ARGUMENT', 'ERR_MODEL_MISMATCH', 'ERR_MODEL_NOT_FOUND', 'ERR_MODEL_FORMAT', 'ERR_DATA', 'ERR_CHECKPOINT', 'ERR_FILE', 'ERR_DEVICE_UNAVAILABLE', 'ERR_OUT_OF_MEMORY']) // prettier-ignore

const ints = (...values) => Int32Array.from(values)
/** [method, path in its arguments, values that must be refused there], for an encoder of these sizes: just outside, where there is a limit. */
const wrongValues = ({ hiddenSize: hidden, heads }) => [
  ['load', 'threads', [0, -1, 1e9]],
  ['load', 'device', ['', 'cuda', 'meta', 'mps', 'cpu:x', 'cuda:99', 'cuda:-1']],
  ['load', 'files', [[], ['/nowhere/model.safetensors']]],
  ['load', 'encoder.hiddenSize', [0, -hidden, hidden - 1, 2 ** 40]],
  ['load', 'encoder.heads', [0, -2, 3, 1000]],
  ['load', 'encoder.intermediateSize', [0, -1, 7]],
  ['load', 'encoder.positionPadding', [-2, -1000]],
  [
    'load',
    'encoder.wordEmbeddings.shape',
    [[], [hidden], [10, hidden - 1], [-10, hidden], [0, hidden], [2 ** 50, hidden], [2 ** 53 - 1, 2 ** 53 - 1]],
  ],
  ['load', 'encoder.wordEmbeddings.file', [-1, 99]],
  ['load', 'encoder.wordEmbeddings.offset', [-100, 2 ** 50]],
  ['load', 'encoder.positionEmbeddings.shape', [[], [hidden], [0, hidden], [8, hidden - 1]]],
  ['load', 'encoder.tokenTypeEmbeddings.shape', [[], [0, hidden], [2, hidden - 1]]],
  ['load', 'encoder.embeddingNorm.bias.shape', [[], [3], [hidden, 1]]],
  ['load', 'encoder.layers.0.query.bias', [null]],
  ['load', 'encoder.layers.0.query.weight.shape', [[], [hidden], [hidden, hidden - 1], [hidden - 1, hidden], [hidden, hidden, 1]]],
  ['load', 'encoder.layers.0.key.bias.shape', [[], [3]]],
  ['load', 'encoder.layers.0.output.weight.shape', [[], [hidden, hidden]]],
  [
    'load',
    'encoder.relativeAttentionBias',
    [0, 1, 3].map((buckets) => ({ name: 'x', file: 0, offset: 0, dtype: 'F32', shape: [buckets, heads] })),
  ],
  ['encode', 'promptTokens', [-5, -5_000_000]],
  ['encode', 'truncateDim', [-1, 2 * hidden + 1, 1e9]],
  ['encode', 'steps', [[99], [-1]]],
  ['encode', 'ids', [ints(-1, 5, 6, 3, 2, 7, 3), ints(1e9, 5, 6, 3, 2, 7, 3), ints(), ints(2)]],
  ['encode', 'offsets', [ints(), ints(0, 1e6), ints(-5, 7), ints(1, 7), ints(0, 4, 4, 7), ints(0, 7, 4), ints(0, 4), ints(7, 4, 0)]],
  ['addHead', 'sizes', [[], [0], [5, 0], [-3], [5, -2]]],
  ['addHead', 'inputs', [0, -1, hidden - 1, hidden + 1, 2 ** 40]],
  ['addHead', 'pooling', [[], ['mean', 'max']]],
  ['addHead', 'steps', [[0], [-1]]],
  ['addHead', 'layers', [[]]],
  ['predict', 'heads', [['nope'], ['intent', 'nope']]],
  ['predict', 'embedding.promptTokens', [-1]],
  ['predict', 'embedding.truncateDim', [-1, 2 * hidden + 1]],
  ['predict', 'offsets', [ints(), ints(0, 1e6), ints(0, 7, 4)]],
  ['startTraining', 'encoder.heads', [0, 1, 3, -2]],
  ['startTraining', 'encoder.wordEmbeddings.shape', [[], [hidden]]],
  ['startTraining', 'dense', [[{}]]],
  ['startTraining', 'objectives.0.head', ['nope']],
  ['startTraining', 'objectives.0.classWeights', [new Float32Array(0), new Float32Array(1), new Float32Array(3)]],
  ['startTraining', 'objectives.2.steps', [[0], [-1]]],
  ['setGroups', '0.parameters', [[-1], [1e6], [0, 0]]],
  ['setCorpus', 'offsets', [ints(), ints(0, 1e6, 7), ints(-5, 4, 7), ints(0, 4)]],
  ['setCorpus', 'targets', [[], [ints(0, 1)]]],
  ['setCorpus', 'targets.0', [ints(), ints(0), ints(99, 1), ints(-1, 1), new Float32Array(2)]],
  ['setCorpus', 'targets.1', [ints(), ints(0, 0, 0, 0, 0, 0, 99), new Float32Array(7)]],
  ['setCorpus', 'targets.2', [new Float32Array(0), new Float32Array(2 * hidden - 1), new Float32Array(2 * hidden + 1), ints(0, 1)]],
  ['train', 'order', [ints(), ints(0), ints(1e9, 0), ints(2, 0), ints(-1, 0)]],
  ['train', 'batches', [ints(), ints(0, 1, 3), ints(0, 1, 1e7), ints(-1000, 1, 2), ints(0, 0, 2), ints(0, 2, 1), ints(2, 1, 0)]],
  ['train', 'steps', [ints(), ints(0, 1, 3), ints(0, 1, 1000), ints(-1, 1, 2), ints(0, 0, 2), ints(2, 1, 0)]],
  ['train', 'multipliers', [new Float64Array(0), new Float64Array(1)]],
  ['train', 'weights', [new Float64Array(0), new Float64Array(2), ints(1, 1, 1)]],
  ['restore', 'steps', [ints(), ints(0), new Int32Array(1000)]],
  ['restore', 'parameters.0.parameter', ['nope']],
  ['restore', 'parameters.0.source.shape', [[], [3], [-hidden], [2 ** 50]]],
  ['restore', 'parameters.0.source.file', [-1, 9]],
  ['keep', '0', [ints(-1), ints(1000), new Float32Array(1)]],
  ['read', '1', [['nope']]],
  ['write', 'parts.0.parameter', ['nope']],
  ['write', 'parts.1.offset', [-1]],
  ['write', 'parts.1.bytes', [-1, 2 ** 40]],
  ['extendHead', '0', ['nope']],
  ['extendHead', '1', [0, -1]],
  ['removeHead', '0', ['nope']],
]

/** 'a.0.b' below the first argument, or '1': the second one. */
function pathOf(text, method) {
  const parts = text.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part))
  return method === 'read' || method === 'extendHead' || method === 'removeHead' ? parts : [0, ...parts]
}

async function main() {
  const surface = await openSurface(process.argv[2])
  const outside = wrongValues(surface.steps[0][1][0].encoder)
  let refused = 0
  for (const [i, [method, args]] of surface.steps.entries()) {
    const given = outside.filter(([name]) => name === method && surface.steps.findIndex(([other]) => other === name) === i)
    const cases = [
      ...places(args).flatMap((place) => wrongTypes(place).map((wrong) => ({ at: place.at, wrong }))),
      ...given.flatMap(([, text, values]) => values.map((wrong) => ({ at: pathOf(text, method), wrong }))),
    ].filter(({ at }) => at.slice(0, -1).reduce((value, key) => value?.[key], args) != null)
    let model
    for (const { at, wrong } of cases) {
      model ??= await modelBefore(surface, i)
      const outcome = await call(model, method, changed(args, at, wrong))
      if (CODES.has(outcome)) refused++
      else {
        console.log(method, at.join('.'), wrong, outcome)
        model = undefined
      }
    }
    model ??= await modelBefore(surface, i)
    const after = await call(model, method, args)
    if (after !== 'ok') console.log(`${method} after the refusals: ${after}`)
    await model.dispose()
  }
  console.log(`refused ${refused}`)
}
void main()
