/**
 * Option names of transformers, sentence-transformers, scikit-learn and PyTorch, and their names in sentorch, for hints about unknown options.
 * Keys are lower case without `_`, so that `batch_size` and `batchSize` are the same key.
 */

/** An option of sentorch and the calls that accept it. */
type Ours = readonly [option: string, ...calls: string[]]

const ENCODE = ['encode', 'encodeStream'] as const
const TEXTS = [...ENCODE, 'predict'] as const

const WORDS: Readonly<Record<string, readonly Ours[]>> = {
  batchsize: [
    ['batchTokens', ...TEXTS],
    ['batchSize', 'trainer'],
  ],
  normalizeembeddings: [['normalize', ...ENCODE, 'load']],
  outputvalue: [['tokenEmbeddings', 'encode']],
  showprogressbar: [['onProgress', 'load', ...TEXTS, 'trainEpoch', 'fit']],
  disabletqdm: [['onProgress', 'load', ...TEXTS, 'trainEpoch', 'fit']],
  maxseqlength: [['maxLength', ...TEXTS, 'trainer', 'load']],
  truncation: [['maxLength', 'trainer', 'load']],
  truncatedim: [['truncateDim', ...ENCODE]],
  poolingmode: [['pooling', ...ENCODE, 'load']],
  torchdtype: [['dtype', 'load', 'trainer']],
  cachedir: [['cacheFolder', 'load']],
  localfilesonly: [['offline', 'load']],
  useauthtoken: [['token', 'load']],
  numworkers: [['threads', 'load']],
  njobs: [['threads', 'load']],
  task: [['heads', 'predict']],
  tasks: [['heads', 'predict']],
  head: [
    ['heads', 'predict'],
    ['head', 'save'],
  ],
  labels: [['labels', 'addHead']],
  aggregationstrategy: [['aggregation', 'predict']],
  returnallscores: [['topK', 'predict']],
  scorefunction: [['measure', 'search']],
  id2label: [['labels', 'addHead']],
  label2id: [['labels', 'addHead']],
  numlabels: [['labels', 'addHead']],
  classifierdropout: [['inputDropout', 'addHead']],
  hiddensize: [['hidden', 'addHead']],
  hiddenlayersizes: [['hidden', 'addHead']],
  problemtype: [['multiLabel', 'addHead']],
  lr: [['learningRate', 'trainer']],
  optim: [['optimizer', 'trainer']],
  adamepsilon: [['eps', 'trainer']],
  adambeta1: [['betas', 'trainer']],
  adambeta2: [['betas', 'trainer']],
  perdevicetrainbatchsize: [['batchSize', 'trainer']],
  groupbylength: [['groupByLength', 'trainer']],
  gradientaccumulationsteps: [['gradientAccumulation', 'trainer']],
  accumulategradbatches: [['gradientAccumulation', 'trainer']],
  clipgradnorm: [['maxGradNorm', 'trainer']],
  gradientclipval: [['maxGradNorm', 'trainer']],
  lrschedulertype: [['schedule', 'trainer']],
  scheduler: [['schedule', 'trainer']],
  hiddendropoutprob: [['hiddenDropout', 'trainer']],
  attentionprobsdropoutprob: [['attentionDropout', 'trainer']],
  classweight: [['tasks', 'trainer']],
  labelsmoothingfactor: [['tasks', 'trainer']],
  bf16: [['dtype', 'load', 'trainer']],
  fp16: [['dtype', 'load', 'trainer']],
  randomstate: [['seed', 'trainer', 'split']],
  numtrainepochs: [['epochs', 'fit']],
  nepochs: [['epochs', 'fit']],
  numepochs: [['epochs', 'fit']],
  maxepochs: [['epochs', 'fit']],
  earlystoppingpatience: [['earlyStopping', 'fit']],
  patience: [['earlyStopping', 'fit']],
  maxiter: [['maxSteps', 'fit']],
  evaldataset: [['evaluate', 'fit']],
  evalsteps: [['evaluateEvery', 'fit']],
  loadbestmodelatend: [['restoreBest', 'fit']],
  restorebestweights: [['restoreBest', 'fit']],
  metricforbestmodel: [['earlyStopping', 'fit']],
  savesteps: [['saveEvery', 'trainEpoch', 'fit']],
  savestrategy: [['saveEvery', 'trainEpoch', 'fit']],
  outputdir: [['saveEvery', 'trainEpoch', 'fit']],
  computemetrics: [['metrics', 'fit', 'evaluate']],
  testsize: [['test', 'split']],
}

/** Options of sentorch that users try in the wrong call. */
const OWN: readonly Ours[] = [
  ...['dtype', 'device', 'threads', 'libtorch', 'queueBytes', 'revision', 'token', 'cacheFolder', 'offline'].map((name): Ours => [
    name,
    'load',
  ]),
  ...['normalize', 'pooling'].map((name): Ours => [name, ...ENCODE, 'load']),
  ...['truncateDim', 'prompt', 'promptName', 'precision'].map((name): Ours => [name, ...ENCODE]),
  ...['prompts', 'defaultPromptName'].map((name): Ours => [name, 'load']),
  ['tokenEmbeddings', 'encode'],
  ['batchTexts', 'encodeStream'],
  ['maxLength', ...TEXTS, 'trainer', 'load'],
  ['batchTokens', ...TEXTS, 'trainer'],
  ...['truncation', 'onTruncated'].map((name): Ours => [name, ...TEXTS]),
  ...['heads', 'topK', 'threshold', 'aggregation', 'stride', 'constrained'].map((name): Ours => [name, 'predict']),
  ...['learningRate', 'batchSize', 'weightDecay', 'warmupRatio', 'warmupSteps', 'maxGradNorm'].map((name): Ours => [name, 'trainer']),
  ...['freeze', 'schedule', 'seed', 'gradientCheckpointing', 'tasks'].map((name): Ours => [name, 'trainer']),
  ...['epochs', 'evaluate', 'earlyStopping', 'saveBest', 'restoreBest', 'maxSteps'].map((name): Ours => [name, 'fit']),
  ...['onStep', 'saveEvery'].map((name): Ours => [name, 'trainEpoch', 'fit']),
  ...['labels', 'hidden', 'multiLabel'].map((name): Ours => [name, 'addHead']),
  ['overwrite', 'save'],
]

/** Options of other libraries that sentorch does not need, and why. */
const NOTES: Readonly<Record<string, string>> = {
  trustremotecode: "Code from a model's repository is never run.",
  converttotensor: 'Vectors are always typed arrays.',
  converttonumpy: 'Vectors are always typed arrays.',
  padding: 'Batches are never padded.',
}

/** What `freeze` calls the parts of a model that other libraries name differently. */
const PARTS: Readonly<Record<string, string>> = {
  backbone: "'encoder'",
  basemodel: "'encoder'",
  transformer: "'encoder'",
  bert: "'encoder'",
  body: "'encoder'",
  embedding: "'embeddings'",
  classifier: '{ head: name }',
  head: '{ head: name }',
}

const plain = (word: string): string => word.replaceAll('_', '').toLowerCase()

/**
 * The option in `allowed` that a user of another library most likely meant by `word`, or undefined if the word is unknown or `call` has no such
 * option. `model.trainEpoch` also takes the options of `trainer`.
 */
export function ourOption(call: string, word: string, allowed: readonly string[]): string | undefined {
  const known = lookUp(word).filter(([option]) => allowed.includes(option))
  const found = known.find(([, ...calls]) => calls.includes(call)) ?? known.find(([, ...calls]) => calls.includes('trainer')) ?? known[0]
  return found?.[0]
}

/** A sentence that says which calls accept an option that was passed to another call, or why sentorch has no such option. */
export function elsewhere(word: string): string | undefined {
  const note = Object.hasOwn(NOTES, plain(word)) ? NOTES[plain(word)] : undefined
  if (note !== undefined) return note
  const [found] = lookUp(word)
  if (found === undefined) return undefined
  const [option, ...calls] = found
  return `'${option}' is an option of ${calls.length > 1 ? `${calls.slice(0, -1).join(', ')} and ${calls.at(-1)}` : calls[0]}.`
}

/** The name that `freeze` uses for a part of the model that another library names differently. */
export function ourPart(word: unknown): string | undefined {
  return typeof word === 'string' && Object.hasOwn(PARTS, plain(word)) ? PARTS[plain(word)] : undefined
}

function lookUp(word: string): readonly Ours[] {
  const name = plain(word)
  return [...(Object.hasOwn(WORDS, name) ? WORDS[name]! : []), ...OWN.filter(([option]) => plain(option) === name)]
}

/** All pairs of a call and an option that the hints mention. */
export function namedOptions(): [call: string, option: string][] {
  return [...Object.values(WORDS).flat(), ...OWN].flatMap(([option, ...calls]) => calls.map((call): [string, string] => [call, option]))
}
