import { Embeddings } from '../../lib/encode/embeddings'
import { resolveTrain, type TrainerOptions } from '../../lib/training/options/train'
import { context, head, refused, resolved } from '../support/parameters'

test('defaults', () => {
  expect(resolved()).toEqual({
    given: {},
    optimizer: { type: 'adamw', beta1: 0.9, beta2: 0.999, eps: 1e-8 },
    rates: {
      learningRate: 1e-4,
      headLearningRate: 1e-3,
      denseLearningRate: 1e-4,
      uncertaintyLearningRate: 1e-3,
      weightDecay: 0.01,
      layerDecay: 1,
      layerBands: 6,
      groups: [],
    },
    batching: { by: 'rows', size: 32, groupByLength: true },
    gradientAccumulation: 1,
    sampling: { mode: 'proportional', temperature: 1, stop: 'longest' },
    maxGradNorm: 1,
    schedule: {},
    freeze: [],
    unfreeze: [],
    tasks: [
      {
        head: 'intent',
        loss: 'cross-entropy',
        weight: 1,
        labelSmoothing: 0,
        classWeights: null,
        labelSubwords: 'first',
        inputDropout: 0.1,
        dropout: 0.1,
      },
      {
        head: 'slots',
        loss: 'cross-entropy',
        weight: 1,
        labelSmoothing: 0,
        classWeights: null,
        labelSubwords: 'first',
        inputDropout: 0.1,
        dropout: 0.1,
      },
    ],
    uncertainty: false,
    keepEmbeddings: 0,
    distill: undefined,
    dtype: 'float32',
    gradientCheckpointing: false,
    hiddenDropout: 0.1,
    attentionDropout: 0.2,
    maxLength: 64,
    seed: 0,
    maxSkippedSteps: 10,
    cacheBytes: 1_073_741_824,
  })
})

test('every option given arrives', () => {
  const teacher = (): Embeddings => new Embeddings(new Float32Array(4), 4)
  const given: TrainerOptions = {
    optimizer: 'adam',
    learningRate: 1,
    headLearningRate: 2,
    uncertaintyLearningRate: 3,
    betas: [0.5, 0.6],
    eps: 1e-6,
    weightDecay: 0.2,
    layerDecay: 0.9,
    layerBands: 2,
    groups: [{ match: 'a.*', learningRate: 4 }],
    batchTokens: 999,
    groupByLength: false,
    gradientAccumulation: 4,
    maxGradNorm: 0,
    schedule: 'cosine',
    warmupSteps: 5,
    totalSteps: 50,
    freeze: ['encoder', { layers: 2 }, { head: 'intent' }, { match: [/x/] }],
    unfreeze: [
      { at: { epoch: 1 }, what: 'next' },
      { every: { plateau: 2 }, what: 'next' },
      { at: { step: 9 }, what: { topLayers: 1 } },
    ],
    tasks: { intent: { labelSmoothing: 0.1, classWeights: { b: 3 } }, slots: false },
    uncertainty: true,
    distill: { teacher, loss: 'cosine' },
    sampling: 'round-robin',
    stop: 'shortest',
    dtype: 'bfloat16',
    gradientCheckpointing: true,
    hiddenDropout: 0,
    attentionDropout: 0.5,
    maxLength: 128,
    seed: 4294967295,
    maxSkippedSteps: 1,
    cacheBytes: 0,
  }
  expect(resolved(given)).toEqual({
    given: { learningRate: 1, headLearningRate: 2, uncertaintyLearningRate: 3, totalSteps: 50 },
    optimizer: { type: 'adam', beta1: 0.5, beta2: 0.6, eps: 1e-6 },
    rates: {
      learningRate: 1,
      headLearningRate: 2,
      denseLearningRate: 2,
      uncertaintyLearningRate: 3,
      weightDecay: 0.2,
      layerDecay: 0.9,
      layerBands: 2,
      groups: [{ match: ['a.*'], learningRate: 4 }],
    },
    batching: { by: 'tokens', size: 999, groupByLength: false },
    gradientAccumulation: 4,
    sampling: { mode: 'round-robin', temperature: 1, stop: 'shortest' },
    maxGradNorm: 0,
    schedule: { shape: 'cosine', warmupSteps: 5, totalSteps: 50 },
    freeze: [{ kind: 'encoder' }, { kind: 'layers', count: 2 }, { kind: 'head', head: 'intent' }, { kind: 'match', patterns: [/x/] }],
    unfreeze: [
      { unit: 'epoch', count: 1, repeat: false, what: { kind: 'next' } },
      { unit: 'plateau', count: 2, repeat: true, what: { kind: 'next' } },
      { unit: 'step', count: 9, repeat: false, what: { kind: 'topLayers', count: 1 } },
    ],
    tasks: [
      {
        head: 'intent',
        loss: 'cross-entropy',
        weight: 1,
        labelSmoothing: 0.1,
        labelSubwords: 'first',
        classWeights: Float32Array.of(1, 3, 1),
        inputDropout: 0.1,
        dropout: 0.1,
      },
    ],
    uncertainty: true,
    keepEmbeddings: 0,
    distill: { teacher, loss: 'cosine', weight: 1 },
    dtype: 'bfloat16',
    gradientCheckpointing: true,
    hiddenDropout: 0,
    attentionDropout: 0.5,
    maxLength: 128,
    seed: 4294967295,
    maxSkippedSteps: 1,
    cacheBytes: 0,
  })
})

test.each<[string, TrainerOptions, object]>([
  ['adam decays nothing unless told', { optimizer: 'adam' }, { rates: expect.objectContaining({ weightDecay: 0 }) }],
  ["heads have the encoder's rate", { learningRate: 3 }, { rates: expect.objectContaining({ headLearningRate: 3 }) }],
  ["learnt loss weights have the heads' rate", { headLearningRate: 3, uncertainty: true }, { rates: expect.objectContaining({ uncertaintyLearningRate: 3 }) }], // prettier-ignore
  ['one thing to freeze', { freeze: 'all' }, { freeze: [{ kind: 'all' }] }],
  ['epochs', { epochs: 3, warmupRatio: 0.2 }, { schedule: { epochs: 3, warmupRatio: 0.2 } }],
  ['class weights in order', { tasks: { slots: { classWeights: [0, 2], weight: 0.5 } } }, { tasks: [expect.anything(), expect.objectContaining({ weight: 0.5, classWeights: Float32Array.of(0, 2) })] }], // prettier-ignore
  ['class weights from the data', { tasks: { slots: { classWeights: 'balanced' } } }, { tasks: [expect.anything(), expect.objectContaining({ classWeights: 'balanced' })] }], // prettier-ignore
  ['a model teaches', { distill: { teacher: { encode: () => Promise.reject(new Error()) }, weight: 2 } }, { distill: expect.objectContaining({ loss: 'mse', weight: 2 }) }], // prettier-ignore
  ['temperature', { sampling: 'mixed', temperature: 3 }, { sampling: expect.objectContaining({ mode: 'mixed', temperature: 3 }) }],
])('%s', (_, options, expected) => {
  expect(resolved(options)).toMatchObject(expected)
})

test('multi-label and binary heads have the loss of single logits', () => {
  const heads = [head('topics', { multiLabel: true }), head('spam', { labels: ['spam'] }), head('tag', { type: 'token-classification', labels: ['O'] })] // prettier-ignore
  expect(resolveTrain({}, { ...context, heads }).tasks.map(({ loss }) => loss)).toEqual(['bce', 'bce', 'cross-entropy'])
  expect(() => resolveTrain({ tasks: { spam: { labelSmoothing: 0.1 } } }, { ...context, heads })).toThrow(refused('tasks.spam.labelSmoothing')) // prettier-ignore
})

test('maxLength is within the positions, also where the model says more', () => {
  expect(resolveTrain({}, { ...context, maxLength: 9999 }).maxLength).toBe(128)
})

test('a teacher alone is enough; nothing to learn is refused', () => {
  const alone = { ...context, heads: [] }
  const distill = { teacher: (): Promise<Embeddings> => Promise.reject(new Error()) }
  expect(resolveTrain({ distill }, alone).tasks).toEqual([])
  expect(() => resolveTrain({}, alone)).toThrow(refused('nothing to learn', 'no head', 'addHead'))
  expect(() => resolveTrain({ keepEmbeddings: 1 }, alone)).toThrow(refused('nothing to learn'))
  expect(() => resolved({ tasks: { intent: false, slots: false } })).toThrow(refused('nothing to learn', 'every head'))
})

const teacher = (): Promise<Embeddings> => Promise.reject(new Error())

describe('refused', () => {
  test.each<[string, object, string[]]>([
    ['an unknown option', { learningrate: 1 }, ["'learningrate' for trainer", "Did you mean 'learningRate'?"]],
    ['no object', [], ['trainer']],
    ['another optimizer', { optimizer: 'sgd' }, ["'adamw'", "'adam'"]],
    ['a negative rate', { learningRate: -1 }, ['at least 0 for learningRate']],
    ['a rate that is no number', { headLearningRate: NaN }, ['headLearningRate']],
    ['null for a default', { learningRate: null }, ['learningRate']],
    ['one beta', { betas: [0.9] }, ['[β1, β2]']],
    ['a beta of 1', { betas: [0.9, 1] }, ['betas[1]']],
    ['swapped betas', { betas: [0.999, 0.9] }, ['β1 ≤ β2', '[0.999, 0.9]']],
    ['eps 0', { eps: 0 }, ['eps']],
    ['a negative decay', { weightDecay: -0.1 }, ['weightDecay']],
    ['a layer decay of 0', { layerDecay: 0 }, ['layerDecay']],
    ['a layer decay above 1', { layerDecay: 1.1 }, ['at most 1 for layerDecay']],
    ['more bands than layers', { layerDecay: 0.9, layerBands: 7 }, ['1..6', 'layerBands']],
    ['bands without a decay', { layerBands: 2 }, ["'layerBands'", "'layerDecay'"]],
    ['groups that are no list', { groups: { match: 'x' } }, ['groups']],
    ['a rule without effect', { groups: [{ match: 'x' }] }, ['groups[0]', 'no effect']],
    ['a rule with a misspelt key', { groups: [{ match: 'x', learnigRate: 1 }] }, ["'learnigRate' for groups[0]", "'learningRate'"]],
    ['an empty glob', { groups: [{ match: '', learningRate: 1 }] }, ['groups[0].match']],
    ['no glob', { groups: [{ match: [], learningRate: 1 }] }, ['groups[0].match']],
    ['two batch sizes', { batchSize: 1, batchTokens: 1 }, ["'batchSize' and 'batchTokens'"]],
    ['no batch', { batchSize: 0 }, ['batchSize']],
    ['no tokens', { batchTokens: 0.5 }, ['batchTokens']],
    ['no accumulation', { gradientAccumulation: 0 }, ['gradientAccumulation']],
    ['a negative norm', { maxGradNorm: -1 }, ['maxGradNorm']],
    ['another schedule', { schedule: 'polynomial' }, ["'cosine'"]],
    ['two warm-ups', { warmupSteps: 1, warmupRatio: 0.1 }, ["'warmupSteps' and 'warmupRatio'"]],
    ['two totals', { epochs: 1, totalSteps: 10 }, ["'epochs' and 'totalSteps'"]],
    ['a warm-up beyond the total', { warmupSteps: 11, totalSteps: 10 }, ["'warmupSteps' (11)"]],
    ['a ratio above 1', { warmupRatio: 2 }, ['warmupRatio']],
    ['no epochs', { epochs: 0 }, ['epochs']],
    ['a word to freeze', { freeze: 'heads' }, ["'encoder'", 'for freeze']],
    ['one of several words', { freeze: ['encoder', 'layer'] }, ['freeze[1]']],
    ['more layers than there are', { freeze: { layers: 7 } }, ['1..6', 'freeze.layers']],
    ['two things in one rule', { freeze: { layers: 1, head: 'intent' } }, ['freeze']],
    ['nothing in a rule', { freeze: {} }, ['freeze']],
    ['top layers', { freeze: { topLayers: 1 } }, ["'topLayers' for freeze"]],
    ['a head to freeze that is not there', { freeze: [{ head: 'topic' }] }, ['freeze[0]', '"topic"', 'intent, slots']],
    ['unfreezing nothing', { unfreeze: [{ at: { epoch: 1 }, what: 'next' }] }, ['no parameter is frozen']],
    ['no time', { freeze: 'all', unfreeze: [{ what: 'next' }] }, ["'at' or 'every'"]],
    ['two times', { freeze: 'all', unfreeze: [{ at: { epoch: 1 }, every: { epoch: 1 }, what: 'next' }] }, ["'at' or 'every'"]],
    ['two units', { freeze: 'all', unfreeze: [{ at: { epoch: 1, step: 2 }, what: 'next' }] }, ['unfreeze[0].at']],
    ['a misspelt unit', { freeze: 'all', unfreeze: [{ at: { epochs: 1 }, what: 'next' }] }, ["Did you mean 'epoch'?"]],
    ['epoch 0', { freeze: 'all', unfreeze: [{ at: { epoch: 0 }, what: 'next' }] }, ['unfreeze[0].at.epoch']],
    [
      'a set again and again',
      { freeze: 'all', unfreeze: [{ every: { epoch: 1 }, what: 'all' }] },
      ["'every' can only be used with 'next'"],
    ],
    ['no set', { freeze: 'all', unfreeze: [{ at: { epoch: 1 } }] }, ['unfreeze[0].what']],
    ['unfreezing a head that is switched off', { freeze: 'all', tasks: { slots: false }, unfreeze: [{ at: { epoch: 1 }, what: { head: 'slots' } }] }, ["'slots'", "'tasks'"]], // prettier-ignore
    ['a task that is not there', { tasks: { topic: {} } }, ['"topic"', 'Its heads: intent, slots.']],
    ['tasks in a list', { tasks: [] }, ['tasks']],
    ['a task that is true', { tasks: { intent: true } }, ['tasks.intent']],
    ['a misspelt task option', { tasks: { intent: { weigth: 1 } } }, ["'weigth' for tasks.intent", "'weight'"]],
    ['a negative weight', { tasks: { intent: { weight: -1 } } }, ['tasks.intent.weight']],
    ['smoothing of 1', { tasks: { intent: { labelSmoothing: 1 } } }, ['tasks.intent.labelSmoothing']],
    ['too few class weights', { tasks: { intent: { classWeights: [1, 2] } } }, ['3 numbers', '2 numbers']],
    ['a class weight that is no number', { tasks: { intent: { classWeights: [1, '2', 3] } } }, ['"b"']],
    ['class weights of 0', { tasks: { intent: { classWeights: [0, 0, 0] } } }, ['above 0']],
    ['a label that is not there', { tasks: { intent: { classWeights: { d: 1 } } } }, ['"d"', 'a, b, c']],
    ['another word for class weights', { tasks: { intent: { classWeights: 'equal' } } }, ["'balanced'"]],
    ['a fixed weight that is learnt', { uncertainty: true, tasks: { intent: { weight: 1 } } }, ['tasks.intent.weight', "'uncertainty'"]],
    ['a fixed pull beside learnt weights', { uncertainty: true, keepEmbeddings: 1 }, ["'keepEmbeddings'", "'uncertainty'"]],
    ['a rate for nothing', { uncertaintyLearningRate: 1 }, ["'uncertainty: true'"]],
    ['a negative pull', { keepEmbeddings: -1 }, ['keepEmbeddings']],
    ['no teacher', { distill: {} }, ['distill.teacher']],
    ['another distance', { distill: { teacher, loss: 'l1' } }, ['distill.loss']],
    ['a teacher without weight', { distill: { teacher, weight: 0 } }, ['distill.weight']],
    ['a fixed weight of a teacher', { uncertainty: true, distill: { teacher, weight: 1 } }, ['distill.weight', "'uncertainty'"]],
    ['another sampling', { sampling: 'random' }, ["'round-robin'"]],
    ['a temperature in turns', { sampling: 'round-robin', temperature: 2 }, ["'temperature'"]],
    ['an end without turns', { stop: 'shortest' }, ["'stop'", "'proportional'"]],
    ['temperature 0', { temperature: 0 }, ['temperature']],
    ['another dtype', { dtype: 'float16' }, ["'bfloat16'"]],
    ['a dropout of 1', { hiddenDropout: 1 }, ['hiddenDropout']],
    ['a length beyond the positions', { maxLength: 129 }, ['2..128']],
    ['a large seed', { seed: 2 ** 32 }, ['seed']],
    ['no skipped steps', { maxSkippedSteps: 0 }, ['maxSkippedSteps']],
    ['negative bytes', { cacheBytes: -1 }, ['cacheBytes']],
    ['a word for a boolean', { gradientCheckpointing: 'yes' }, ['gradientCheckpointing']],
  ])('%s', (_, options, message) => {
    expect(() => resolved(options)).toThrow(refused(...message))
  })
})
