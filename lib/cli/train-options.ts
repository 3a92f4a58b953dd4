import { DATA_FORMATS } from './data-formats'
import type { FitOptions } from '../training/options/fit'
import type { TrainerOptions } from '../training/options/train'

/** What a value may be, as a fragment of JSON Schema. */
export type ValueSchema =
  | { type: 'boolean' | 'number' | 'integer' | 'string' | 'object' | 'array'; items?: { type: 'string' | 'number' } }
  | { enum: readonly string[] }
  | { type: readonly ('string' | 'object' | 'array')[] }

/** An option of `sentorch train`: its flag, its key in the configuration file and its entry in the schema are made from this. */
export interface TrainOption {
  value: ValueSchema
  description: string
  /** The placeholder in the help, without brackets. Defaults to the type. */
  shown?: string
  /** Whether the flag may be repeated. Its values are collected in a list. */
  repeats?: boolean
}

/** Options that cannot be written on a command line: functions, signals and data, and files that the command names itself. */
type NotWritable = 'onProgress' | 'onStep' | 'onEpoch' | 'onEvaluate' | 'signal' | 'metrics' | 'evaluate' | 'saveBest' | 'report'

type TrainerKey = keyof TrainerOptions
type FitKey = Exclude<keyof FitOptions, TrainerKey | NotWritable>
export type TrainingKey = TrainerKey | FitKey

const NUMBER = { type: 'number' } as const
const INTEGER = { type: 'integer' } as const
const BOOLEAN = { type: 'boolean' } as const
const STRING = { type: 'string' } as const
const OBJECT = { type: 'object' } as const

/** Options of the trainer and of `fit`, under their names there. The compiler refuses a table that lacks one. */
export const TRAINING_OPTIONS: Readonly<Record<TrainingKey, TrainOption>> = {
  epochs: { value: INTEGER, description: 'passes over the training data' },
  batchSize: { value: INTEGER, description: 'examples per batch' },
  batchTokens: { value: INTEGER, description: 'maximum tokens per batch, instead of --batch-size' },
  learningRate: { value: NUMBER, description: 'learning rate of the encoder at the peak of the schedule' },
  headLearningRate: { value: NUMBER, description: 'learning rate of the heads' },
  maxLength: { value: INTEGER, description: 'maximum tokens per example; longer examples are cut' },
  seed: { value: INTEGER, description: 'seed of shuffling and dropout' },
  freeze: {
    value: { type: ['string', 'object', 'array'] },
    shown: 'part',
    description: 'parameters that are not trained: all, encoder, embeddings, layers=6, head=intent, or JSON',
  },
  unfreeze: {
    value: { type: 'array' },
    shown: 'json',
    description: `when they begin to train: '[{"every":{"epoch":1},"what":"next"}]'`,
  },
  tasks: {
    value: OBJECT,
    shown: 'head.option=value',
    description:
      'weight, labelSmoothing, classWeights or labelSubwords of a head: slots.weight=2, intent.classWeights=balanced; intent=false leaves it out',
  },
  uncertainty: { value: BOOLEAN, description: 'learn the weights of the losses' },
  uncertaintyLearningRate: { value: NUMBER, description: 'learning rate of these weights' },
  keepEmbeddings: { value: NUMBER, description: 'weight of a penalty on the distance of sentence vectors from those before training' },
  distill: {
    value: OBJECT,
    shown: 'option=value',
    description: 'train sentence vectors to match those of another model: teacher=FOLDER,loss=cosine,weight=1',
  },
  optimizer: { value: { enum: ['adamw', 'adam'] }, description: 'optimizer' },
  betas: { value: { type: 'array', items: { type: 'number' } }, shown: 'json', description: 'decay rates of the moments: [0.9,0.999]' },
  eps: { value: NUMBER, description: 'epsilon of the optimizer' },
  weightDecay: { value: NUMBER, description: 'weight decay' },
  layerDecay: { value: NUMBER, description: 'factor between the learning rate of a layer and that of the layer above it' },
  layerBands: { value: INTEGER, description: 'groups of adjacent layers that share a learning rate' },
  groups: {
    value: { type: 'array' },
    shown: 'json',
    description: `learning rates and weight decays by parameter name: '[{"match":"*LayerNorm*","learningRate":1e-4}]'`,
  },
  schedule: { value: { enum: ['linear', 'cosine', 'constant', 'plateau'] }, description: 'shape of the learning rate after the warm-up' },
  plateau: { value: OBJECT, shown: 'option=value', description: 'when the schedule plateau reduces the rate: factor=0.5,patience=2' },
  warmupSteps: { value: INTEGER, description: 'warm-up steps' },
  warmupRatio: { value: NUMBER, description: 'share of all steps for the warm-up' },
  totalSteps: { value: INTEGER, description: 'steps that the schedule spans' },
  maxGradNorm: { value: NUMBER, description: 'maximum norm of the gradients; 0 disables clipping' },
  gradientAccumulation: { value: INTEGER, description: 'batches per step' },
  groupByLength: { value: BOOLEAN, description: 'batches contain examples of similar length' },
  sampling: {
    value: { enum: ['proportional', 'round-robin', 'mixed'] },
    description: 'several data sets: how batches are drawn from them',
  },
  temperature: { value: NUMBER, description: 'several data sets: above 1 favours small ones' },
  stop: { value: { enum: ['shortest', 'longest'] }, description: 'round-robin: the data set that ends the epoch' },
  dtype: { value: { enum: ['float32', 'bfloat16'] }, description: 'type of the products during training' },
  gradientCheckpointing: { value: BOOLEAN, description: 'recompute layers in the backward pass: less memory, more time' },
  hiddenDropout: { value: NUMBER, description: 'dropout of the encoder' },
  attentionDropout: { value: NUMBER, description: 'dropout of attention' },
  maxSkippedSteps: { value: INTEGER, description: 'consecutive non-finite steps after which training stops' },
  cacheBytes: { value: INTEGER, description: 'memory for the states of a completely frozen encoder' },
  maxSteps: { value: INTEGER, description: 'maximum number of steps' },
  evaluateEvery: { value: INTEGER, description: 'also evaluate after this many steps' },
  earlyStopping: {
    value: OBJECT,
    shown: 'option=value',
    description: 'stop without improvement: patience=2,metric=slots.f1,minDelta=0.001',
  },
  restoreBest: { value: BOOLEAN, description: 'end with the weights of the best evaluation, not with the last ones' },
  scoreWeights: { value: OBJECT, shown: 'head=weight', description: 'weight of each head in the score: intent=1,slots=2' },
  saveEvery: { value: OBJECT, shown: 'unit=n', description: 'how often to save a checkpoint: minutes=5 or steps=500' },
}

/** Options of the command itself. */
export const COMMAND_OPTIONS = {
  model: { value: STRING, shown: 'folder|id', description: 'model to start from: a folder, or an id on the hub' },
  train: {
    value: { type: 'array', items: STRING },
    shown: 'file',
    repeats: true,
    description: 'training data; repeat for several data sets',
  },
  eval: { value: { type: 'array', items: STRING }, shown: 'file', repeats: true, description: 'data that is evaluated after each epoch' },
  evalShare: { value: NUMBER, shown: 'share', description: 'instead of --eval: share of the training data to hold out for evaluation' },
  format: { value: { enum: DATA_FORMATS }, description: 'format of the data (default: from the name of the file)' },
  output: { value: STRING, shown: 'folder', description: 'folder of the trained model' },
  reader: {
    value: OBJECT,
    shown: 'option=value',
    description: 'options of the reader: text=sentence,labels.intent=class (columns), heads.tokens=entities, split=train',
  },
  head: { value: OBJECT, shown: 'name.option=value', description: 'shape of a new head: intent.hidden=[128],intent.dropout=0.2' },
  device: { value: STRING, shown: 'device', description: 'auto (default), cpu, cuda or cuda:N' },
  threads: { value: INTEGER, description: 'threads per operation (default: number of processors)' },
  report: { value: BOOLEAN, description: 'write report.html at the end of the run (default)' },
  logEvery: { value: INTEGER, description: 'steps per line of metrics.jsonl (default: 10)' },
  tensorboard: { value: STRING, shown: 'folder', description: 'also write TensorBoard event files to this folder' },
} as const satisfies Record<string, TrainOption>

export type CommandKey = keyof typeof COMMAND_OPTIONS

/** Everything that a configuration file can contain, by key. */
export const TRAIN_OPTIONS: Readonly<Record<string, TrainOption>> = { ...COMMAND_OPTIONS, ...TRAINING_OPTIONS }
