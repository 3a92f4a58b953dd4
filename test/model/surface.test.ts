import fs from 'node:fs'
import path from 'node:path'
import * as sentorch from '../../lib'
import { Dataset, Embeddings, Model, Similarities, type Trainer } from '../../lib'
import { withEnvironment } from '../support/environment'
import { scratch } from '../support/scratch'
import { INTENT, sentences, tinyModel } from '../support/training'
import { makeVariant } from '../support/variant'
import { misbehaviour, misbehaviourOfPromise, wrongArguments } from '../support/wrong'
import { runRecord } from '../support/run-record'

/** Everything that a user can call, by its name; getters and constructors of results are left out. */
function surface(): string[] {
  const found: string[] = []
  const look = (name: string, value: unknown) => {
    if (typeof value !== 'function') return
    const own = (holder: object) =>
      Object.entries(Object.getOwnPropertyDescriptors(holder)).filter(
        ([key, { value }]) => key !== 'constructor' && typeof value === 'function',
      )
    const methods = value.prototype === undefined ? [] : own(value.prototype as object)
    const statics = own(value)
    if (/^[a-z]/.test(name) || name.includes('metrics.')) found.push(name)
    found.push(...methods.map(([key]) => `${name}#${key}`), ...statics.map(([key]) => `${name}.${key}`))
  }
  for (const [name, value] of Object.entries(sentorch)) look(name, value)
  for (const [name, value] of Object.entries(sentorch.metrics)) look(`metrics.${name}`, value)
  return found
}

type Call = (...args: any[]) => unknown
const folder = makeVariant({ base: 'bert' })
const data = sentences(4)
const files = scratch()
const write = (name: string, text: string): string => {
  fs.writeFileSync(path.join(files, name), text)
  return path.join(files, name)
}
const TEXTS = ['The river flows.', 'x']
const TAGS = [['O', 'B-a']]

let model: Model
let trainer: Trainer
let dataset: Dataset
let home: string
let saved: string

beforeAll(async () => {
  home = process.cwd()
  // A wrong name of a folder to write is the name of a folder, at times.
  process.chdir(scratch())
  model = await tinyModel()
  trainer = (await tinyModel()).trainer()
  dataset = await Dataset.from(data)
  saved = path.join(files, 'saved.safetensors')
  await new Embeddings(new Float32Array(4), 2).save(saved)
})
beforeEach(() => withEnvironment({ HF_HUB_OFFLINE: '1', HF_HOME: scratch() }))
afterAll(async () => {
  await model.dispose()
  await trainer.model.dispose()
  process.chdir(home)
})

const encodeOptions = { normalize: true, pooling: 'mean', truncateDim: 4, prompt: '', maxLength: 8, batchTokens: 8, onProgress: () => {} }
const quantizing = {
  precision: 'int8',
  calibration: { data: new Float32Array(16), dimension: 8 },
  tokenEmbeddings: false,
  signal: undefined,
}
const epochOptions = { onStep: () => {}, onProgress: () => {}, saveEvery: { dir: 'c', steps: 9 }, signal: undefined }
const csv = () => write('a.csv', 'text,intent\nx,go\n')

/** Sound arguments of each: every one of them is then made wrong in every way. */
const PROMISES: Record<string, { call: Call; args: () => unknown[][] }> = {
  'Model.load': {
    call: async (...args) => ((await (Model.load as Call)(...args)) as Model).dispose(),
    args: () => [
      [folder, { device: 'cpu', threads: 1, dtype: 'float32', queueBytes: 9, libtorch: undefined }],
      [folder, { revision: 'x', token: 'x', cacheFolder: 'x', offline: true, onProgress: () => {}, signal: undefined }],
    ],
  },
  'Model#encode': {
    call: (...args) => (model.encode as Call)(...args),
    args: () => [
      [TEXTS, encodeOptions],
      [TEXTS, quantizing],
      [TEXTS, { precision: 'int8', ranges: [new Float32Array(8), new Float32Array(8).fill(1)], promptName: 'query' }],
    ],
  },
  'Model#encodeQuery': { call: (...args) => (model.encodeQuery as Call)(...args), args: () => [[TEXTS, {}]] },
  'Model#encodeDocument': { call: (...args) => (model.encodeDocument as Call)(...args), args: () => [[TEXTS, {}]] },
  'Model#encodeStream': {
    call: (...args) => (model.encodeStream as Call)(...args),
    args: () => [[TEXTS, { batchTexts: 1, ...encodeOptions }]],
  },
  'Model#predict': {
    call: (...args) => (model.predict as Call)(...args),
    args: () => [
      [
        TEXTS,
        {
          heads: ['intent', 'slots'],
          embedding: true,
          topK: 1,
          logits: true,
          aggregation: 'first',
          constrained: true,
          words: true,
          tokens: true,
        },
      ],
      [[['a', 'b'], { ids: [2, 3] }], { stride: 1, maxLength: 8, batchTokens: 8, rejectBelow: 0, onProgress: () => {}, signal: undefined }],
      [{ ids: [2, 3] }, {}],
    ],
  },
  'Model#countTokens': { call: (...args) => (model.countTokens as Call)(...args), args: () => [[TEXTS]] },
  'Model#save': {
    call: (...args) => (model.save as Call)(...args),
    args: () => [
      ['saved', { overwrite: true, training: { a: [1] }, signal: undefined }],
      ['saved', { overwrite: true, as: 'sequence-classification', head: 'intent' }],
    ],
  },
  'Model#trainEpoch': {
    call: (...args) => (model.trainEpoch as Call)(...args),
    args: () => [
      [data, epochOptions],
      [{ a: data }, { freeze: 'encoder', tasks: { intent: { weight: 1 } } }],
    ],
  },
  'Model#fit': {
    call: (...args) => (model.fit as Call)(...args),
    args: () => [[data, { epochs: 1, maxSteps: 1, freeze: 'encoder', headLearningRate: 0.1, report: () => {} }]],
  },
  'Model#evaluate': {
    call: (...args) => (model.evaluate as Call)(...args),
    args: () => [[data, { scoreWeights: { intent: 1 }, metrics: { mine: () => 1 }, signal: undefined }]],
  },
  'Model#dispose': { call: () => undefined, args: () => [] },
  'Trainer.resume': {
    call: (...args) => (sentorch.Trainer.resume as Call)(...args),
    args: () => [['nowhere', { load: {}, options: {}, teacher: () => {}, otherData: true }]],
  },
  'Trainer#parameterGroups': { call: () => trainer.parameterGroups(), args: () => [[]] },
  'Trainer#trainEpoch': {
    call: (...args) => (trainer.trainEpoch as Call)(...args),
    args: () => [
      [data, epochOptions],
      [{ a: data, b: dataset }, {}],
    ],
  },
  'Trainer#fit': {
    call: (...args) => (trainer.fit as Call)(...args),
    args: () => [
      [
        data,
        {
          epochs: 1,
          maxSteps: 1,
          evaluate: data,
          evaluateEvery: 1,
          earlyStopping: { patience: 1 },
          scoreWeights: { intent: 1 },
          metrics: { mine: () => 1 },
        },
      ],
      [data, { maxSteps: 1, evaluate: data, saveBest: 'best', onEpoch: () => {}, onEvaluate: () => {} }],
    ],
  },
  'Trainer#evaluate': {
    call: (...args) => (trainer.evaluate as Call)(...args),
    args: () => [[data, { scoreWeights: { intent: 1 }, metrics: { mine: () => 1 }, signal: undefined }]],
  },
  'Trainer#saveCheckpoint': { call: (...args) => (trainer.saveCheckpoint as Call)(...args), args: () => [['checkpoint']] },
  'Trainer#dispose': { call: () => undefined, args: () => [] },
  reportHtml: { call: sentorch.reportHtml as Call, args: () => [[runRecord()]] },
  writeReport: { call: sentorch.writeReport as Call, args: () => [['report.html', runRecord()]] },
  'Model#search': {
    call: (...args) => (model.search as Call)(...args),
    args: () => [[[[1, 2]], new Embeddings(new Float32Array(4), 2), { topK: 1, minScore: 0, signal: undefined }]],
  },
  search: {
    call: sentorch.search as Call,
    args: () => [[new Float32Array(2), [[1, 2]], { topK: 1, minScore: 0, measure: 'dot', signal: undefined }]],
  },
  'Embeddings.load': { call: (...args) => (Embeddings.load as Call)(...args), args: () => [[saved, { precision: 'float32' }]] },
  'Embeddings#save': {
    call: (...args) => (new Embeddings(new Float32Array(4), 2).save as Call).apply(new Embeddings(new Float32Array(4), 2), args),
    args: () => [['saved.npy']],
  },
  'Dataset.from': {
    call: (...args) => (Dataset.from as Call)(...args),
    args: () => [
      [data, { name: 'x', signal: undefined }],
      [{ text: 'x' }],
      [[{ text: 'a', words: ['a'], labels: { x: [{ start: 0, end: 1, label: 'y' }] } }]],
    ],
  },
  'Dataset#describe': {
    call: (...args) => (dataset.describe as Call).apply(dataset, args),
    args: () => [[{ model, maxLength: 8, labels: { intent: ['go'] }, signal: undefined }]],
  },
}

const CALLS: Record<string, { call: Call; args: () => unknown[][] }> = {
  'Model#similarity': {
    call: (...args) => (model.similarity as Call)(...args),
    args: () => [[[[1, 2]], new Embeddings(new Float32Array(4), 2)]],
  },
  'Model#addHead': {
    call: (definition, ...rest) => {
      ;(model.addHead as Call)(definition, ...rest)
      model.removeHead(model.heads.at(-1)!.name)
    },
    args: () => [
      [
        {
          ...INTENT,
          name: 'new',
          hidden: [2],
          activation: 'relu',
          inputDropout: 0,
          dropout: 0,
          pooling: 'mean',
          multiLabel: false,
          seed: 1,
        },
      ],
    ],
  },
  'Model#removeHead': { call: (...args) => (model.removeHead as Call)(...args), args: () => [['none']] },
  'Model#extendHead': { call: (...args) => (model.extendHead as Call)(...args), args: () => [['slots', ['B-a'], { seed: 1 }]] },
  'Model#trainer': {
    call: (...args) => ((model.trainer as Call)(...args) as Trainer).dispose(),
    args: () => [
      [
        {
          optimizer: 'adamw',
          learningRate: 1,
          betas: [0, 0],
          eps: 1,
          weightDecay: 0,
          layerDecay: 1,
          layerBands: 1,
          groups: [{ match: 'x', weightDecay: 0 }],
        },
      ],
      [{ batchSize: 1, groupByLength: true, gradientAccumulation: 1, maxGradNorm: 1, schedule: 'linear', warmupSteps: 1, epochs: 1 }],
      [
        {
          freeze: ['embeddings'],
          unfreeze: [{ at: { epoch: 1 }, what: 'all' }],
          tasks: { intent: { classWeights: [1, 1] } },
          keepEmbeddings: 1,
        },
      ],
      [
        {
          distill: { teacher: () => {}, loss: 'mse', weight: 1 },
          sampling: 'mixed',
          temperature: 1,
          dtype: 'float32',
          maxLength: 8,
          seed: 1,
          cacheBytes: 0,
        },
      ],
    ],
  },
  'Embeddings#row': {
    call: (...args) => (new Embeddings(new Float32Array(4), 2).row as Call).apply(new Embeddings(new Float32Array(4), 2), args),
    args: () => [[0]],
  },
  'Embeddings#at': {
    call: (...args) => (new Embeddings(new Float32Array(4), 2).at as Call).apply(new Embeddings(new Float32Array(4), 2), args),
    args: () => [[0]],
  },
  'Embeddings#toArray': { call: () => new Embeddings(new Float32Array(4), 2).toArray(), args: () => [[]] },
  'Similarities#at': {
    call: (...args) => (new Similarities(new Float32Array(1), 1, 1).at as Call).apply(new Similarities(new Float32Array(1), 1, 1), args),
    args: () => [[0, 0]],
  },
  'Similarities#toArray': { call: () => new Similarities(new Float32Array(1), 1, 1).toArray(), args: () => [[]] },
  'Dataset#labels': { call: (...args) => (dataset.labels as Call).apply(dataset, args), args: () => [['slots', 'IOB2']] },
  'Dataset#split': {
    call: (...args) => (dataset.split as Call).apply(dataset, args),
    args: () => [[{ test: 1, seed: 1, stratify: 'intent' }], [{ sizes: { a: 1, b: 1 } }]],
  },
  quantize: {
    call: sentorch.quantize as Call,
    args: () => [[new Float32Array(4), 2, 'int8', { min: new Float32Array(2), max: new Float32Array(2) }]],
  },
  similarity: { call: sentorch.similarity as Call, args: () => [[[[1, 2]], [new Float32Array(2)], 'dot']] },
  isSentorchError: { call: sentorch.isSentorchError as Call, args: () => [[1]] },
  convertTags: { call: sentorch.convertTags as Call, args: () => [[['O', 'B-a'], 'IOB2', 'IOBES']] },
  countMalformed: { call: sentorch.countMalformed as Call, args: () => [[['O', 'B-a'], 'IOB2']] },
  entitiesOf: { call: sentorch.entitiesOf as Call, args: () => [[['O', 'B-a'], 'IOB2']] },
  isAllowed: { call: sentorch.isAllowed as Call, args: () => [['O', 'B-a', 'IOB2']] },
  recogniseScheme: { call: sentorch.recogniseScheme as Call, args: () => [[TAGS]] },
  repairedEntities: { call: sentorch.repairedEntities as Call, args: () => [[['O', 'B-a'], 'IOB2']] },
  schemeOfLabels: { call: sentorch.schemeOfLabels as Call, args: () => [[['O', 'B-a']]] },
  tagsOf: { call: sentorch.tagsOf as Call, args: () => [[[{ start: 0, end: 1, type: 'a' }], 2, 'IOB2']] },
  readCsv: {
    call: sentorch.readCsv as Call,
    args: () => [
      [csv(), { text: 'text', labels: { intent: 'intent' }, delimiter: ',', quote: '"', header: true }],
      [[csv()], { labels: { a: { column: 'intent', separator: ' ' } }, words: 'text' }],
    ],
  },
  readConll: {
    call: sentorch.readConll as Call,
    args: () => [[write('a.conll', 'x O\n'), { word: 0, labels: { slots: 1 }, separator: 'space', comment: '#' }]],
  },
  readJointBert: { call: sentorch.readJointBert as Call, args: () => [[files, { heads: { sentence: 'x', tokens: false } }]] },
  readJson: {
    call: sentorch.readJson as Call,
    args: () => [
      [write('a.json', '[{"text":"x","labels":{}}]'), { shape: 'sentorch', heads: {}, offsets: 'utf16', multiLabel: false, split: 'x' }],
    ],
  },
  readJsonl: {
    call: sentorch.readJsonl as Call,
    args: () => [[write('a.jsonl', '{"text":"x","labels":{}}\n'), { labels: { x: 'x' }, text: 'text', words: 'words' }]],
  },
  readParquet: {
    call: sentorch.readParquet as Call,
    args: () => [[write('a.parquet', 'PAR1'), { text: 'x', labels: { x: 'x' }, offsets: 'utf16' }]],
  },
  readRasa: { call: sentorch.readRasa as Call, args: () => [[write('a.yml', 'nlu: []\n'), { heads: {}, offsets: 'utf16' }]] },
  'metrics.calibrationError': { call: sentorch.metrics.calibrationError as Call, args: () => [[[[0.5, 0.5]], [0], { bins: 2 }]] },
  'metrics.fitTemperature': { call: sentorch.metrics.fitTemperature as Call, args: () => [[[[1, 2]], [0]]] },
  'metrics.probabilities': { call: sentorch.metrics.probabilities as Call, args: () => [[[[1, 2]], 1]] },
  'metrics.accuracy': { call: sentorch.metrics.accuracy as Call, args: () => [[['a'], ['b']]] },
  'metrics.classificationReport': {
    call: sentorch.metrics.classificationReport as Call,
    args: () => [[['a'], ['b'], { labels: ['a'], zeroDivision: 0 }]],
  },
  'metrics.confusionMatrix': { call: sentorch.metrics.confusionMatrix as Call, args: () => [[['a'], ['b'], { labels: ['a'] }]] },
  'metrics.multiLabelReport': {
    call: sentorch.metrics.multiLabelReport as Call,
    args: () => [[[['a']], [['b']], { labels: ['a'], zeroDivision: 0 }]],
  },
  'metrics.entityReport': { call: sentorch.metrics.entityReport as Call, args: () => [[TAGS, TAGS, { scheme: 'IOB2', zeroDivision: 0 }]] },
  'metrics.formatReport': {
    call: sentorch.metrics.formatReport as Call,
    args: () => [[sentorch.metrics.entityReport(TAGS, TAGS), { digits: 2 }]],
  },
  'metrics.frameAccuracy': { call: sentorch.metrics.frameAccuracy as Call, args: () => [[[['a', 'b']], [['a', 'b']]]] },
}

test('every function and method that a user can call is in one of the tables', () => {
  expect([...Object.keys(PROMISES), ...Object.keys(CALLS)].sort()).toEqual(surface().sort())
})

test.each(Object.keys(PROMISES))('%s: wrong arguments reject with a SentorchError', async (name) => {
  const { call, args } = PROMISES[name]!
  const found: string[] = []
  for (const valid of args()) {
    for (const [what, wrong] of wrongArguments(valid)) {
      const problem = await misbehaviourOfPromise(() => call(...wrong))
      if (problem !== undefined) found.push(`${what} ${problem}`)
    }
  }
  expect(found).toEqual([])
})

test.each(Object.keys(CALLS))('%s: wrong arguments throw a SentorchError', async (name) => {
  const { call, args } = CALLS[name]!
  const found: string[] = []
  for (const valid of args()) {
    for (const [what, wrong] of wrongArguments(valid)) {
      const problem = await misbehaviour(() => call(...wrong))
      if (problem !== undefined) found.push(`${what} ${problem}`)
    }
  }
  expect(found).toEqual([])
})
