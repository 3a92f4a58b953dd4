import type { HeadObjective, HeadSource } from '../../binding'
import type { SentorchError } from '../base/errors'
import type { LabelValue } from '../data/example'
import type { Classifiers, DropoutKeys } from '../format/families'
import type { LabelScores } from '../metrics'
import type { Scheme } from '../tags/schemes'
import type { Head, HeadContext, HeadDefinition, HeadType } from './definition'
import type { ClassPrediction, ReadingOptions, TaggedText, TagPrediction } from './predictions'

/** A target that the loss leaves out: PyTorch's `ignore_index`. */
export const NO_LABEL = -100

/** The labels of one example for one head: one, several, or one tag per word. */
export type Gold = string | string[]

/**
 * Everything in which heads of one kind differ from others: what they look at, how labels become targets and logits become predictions, how
 * they are scored, and which class of transformers they correspond to. One object per kind, in a file of its own; `kinds.ts` lists them.
 */
export interface HeadKind<G extends Gold = Gold, M extends HeadMetrics = HeadMetrics> {
  /** What error messages call it: '… heads'. */
  readonly name: string
  /** Whether a head of the type that `kinds.ts` lists it under is of this kind. */
  matches(head: Pick<Head, 'labels' | 'multiLabel'>): boolean

  /** What native code computes it from. */
  readonly native: HeadSource['type']
  /** Whether it gives logits for each token; otherwise for each text. */
  readonly perToken: boolean
  inputs(head: Pick<Head, 'pooling'>, context: HeadContext): Pick<HeadSource, 'pooling' | 'steps' | 'inputs'>
  /** Refuses what a definition may not contain. */
  checkDefinition(head: Head): void
  /** Refuses more labels where the kind has no place for them. */
  checkExtension(head: Head): void

  /** The labels of an example as the head sees them, known to the head or not. ERR_DATA for a value of the wrong shape. */
  gold(head: Head, example: LabelledExample): { gold: G; entitiesLost: number }
  /** Whether `gold` needs the words of the whole text, including those beyond the token limit. */
  needsAllWords(value: LabelValue | undefined): boolean
  /** Integers that the loss expects for one text, or for one token of it. */
  targetSize(head: Head): number
  /** Writes the targets of one example over `NO_LABEL`. `idOf` may give `NO_LABEL` too, for labels that are to be ignored. */
  writeTargets(targets: Int32Array, gold: G, example: TargetExample): void

  readonly loss: HeadObjective['loss']
  /** Class weights for `'balanced'`, one per label; `targets`: those of all examples. */
  balancedWeights(targets: Int32Array, labels: number): Float32Array

  /** Options of `predict` that apply to this kind but not to every other. */
  readonly predictOptions: readonly KindOption[]
  /** Called once per call of `predict`; the result turns the logits of one text into its prediction. */
  predictor(head: Head, options: ReadingOptions): Predictor

  readonly outcome: HeadOutcome['type']
  /** What the head predicts for one labelled example. `addLoss` takes the loss of each item with a label that the head knows. */
  judge(head: Head, example: JudgedExample<G>, addLoss: (loss: number) => void): G
  /** Measures of labels and predictions, in pairs. */
  metrics(head: Head, gold: G[], predicted: G[]): Measured<M>
  /** The number that stands for the head in the score. */
  mainMeasure(head: Head, metrics: M): number
  /** How checkpoints hold `metrics`; each 'measure' in it may also be watched for early stopping. */
  readonly metricsForm: FormOf<Measured<M>>

  /** Undefined: transformers has no such class. */
  readonly checkpoint: CheckpointForm | undefined
}

/** One labelled example, before its labels are compared with those of the head. */
export interface LabelledExample {
  value: LabelValue
  /** Number of words that the example itself gives; undefined: the tokenizer splits its text. */
  givenWords: number | undefined
  /** Pairs start, end of its words in UTF-16 units. */
  words: Int32Array
  /** The error for this example. */
  refuse: (why: string) => SentorchError
}

export interface TargetExample {
  idOf: (label: string) => number
  /** Per token of the row the number of its word; −1: none. */
  wordOfToken: Int32Array
}

export interface JudgedExample<G> {
  gold: G
  /** [labels], or [tokens, labels] for kinds with logits per token. */
  logits: Float32Array
  targets: Int32Array
  wordOfToken: Int32Array
}

export type KindOption = Exclude<keyof ReadingOptions, 'logits'> | 'stride'

/** `logits`: [labels], or [tokens, labels] for kinds with logits per token. */
export type Predictor = (logits: Float32Array, text: TaggedText) => ClassPrediction | TagPrediction

/**
 * What one head predicted for the examples that have a label for it. `examples`: their places in the data; `gold` and `predicted` are
 * parallel to it. Labels that the head does not have stay in `gold`, where no prediction equals them.
 */
export type HeadOutcome =
  | { type: 'classification'; examples: number[]; gold: string[]; predicted: string[] }
  | { type: 'multi-label'; examples: number[]; gold: string[][]; predicted: string[][] }
  /** One tag a word; words lost to truncation are predicted `O`. */
  | { type: 'token-classification'; examples: number[]; gold: string[][]; predicted: string[][] }

/** How one head did. All shares are in 0..1; `examples` are those with a label for the head. */
export type HeadMetrics =
  | {
      type: 'classification'
      /** Absent where no example has a label that the head knows. */
      loss?: number
      examples: number
      /** Multi-label: share of examples whose labels are all right. */
      accuracy: number
      microF1: number
      macroF1: number
      labels: LabelScores<string>[]
    }
  | {
      type: 'token-classification'
      /** Absent where no word has a tag that the head knows. */
      loss?: number
      examples: number
      /** Share of words whose tag is right. */
      accuracy: number
      /** Precision, recall and F1 of entities over all words, as conlleval counts them; BILOU by its scheme, which conlleval does not know. */
      precision: number
      recall: number
      f1: number
      /** Only entities that are well formed in the scheme of the head's labels; absent where these have none. */
      strict?: { scheme: Scheme; precision: number; recall: number; f1: number }
      /** Per type of entity. */
      types: LabelScores<string>[]
    }

export type ClassMetrics = Extract<HeadMetrics, { type: 'classification' }>
export type TagMetrics = Extract<HeadMetrics, { type: 'token-classification' }>

/** The part of the metrics that depends on the kind. */
export type Measured<M extends HeadMetrics> = Omit<M, 'type' | 'loss' | 'examples'>

/** The form of metrics, key by key: a number, a tag scheme, a list of scores per label, or an object of these, which may be absent. */
export interface MetricForm {
  readonly [key: string]: 'measure' | 'scheme' | 'label scores' | MetricForm
}

/** The form that the metrics `T` have. */
export type FormOf<T> = {
  readonly [K in keyof T]-?: NonNullable<T[K]> extends number
    ? 'measure'
    : NonNullable<T[K]> extends string
      ? 'scheme'
      : NonNullable<T[K]> extends readonly unknown[]
        ? 'label scores'
        : FormOf<NonNullable<T[K]>>
}

/** transformers' own checkpoints that a head can be saved as. */
export type SaveAs = 'sequence-classification' | 'token-classification'

/** One of transformers' own classes, as plain data; `lib/format/` reads and writes the files. */
export interface CheckpointForm {
  /** What `save` calls it. */
  readonly as: SaveAs
  /** End of the class's name in every family: config.json lists it under `architectures`. */
  readonly className: string
  /** Type and name of a head that is read from such a checkpoint. */
  readonly type: HeadType
  readonly headName: string
  /** Names of its layers from first to last, in a file with the family's prefix. */
  layers(classifiers: Classifiers): readonly string[]
  /** The shape that transformers gives the head. `rate`: of a dropout in config.json. */
  definition(
    classifiers: Classifiers,
    hiddenSize: number,
    multiLabel: boolean,
    rate: (keys: DropoutKeys) => number,
  ): Omit<HeadDefinition, 'name' | 'type' | 'labels'>
  /** In what a head differs from that shape, as clauses of one sentence; [] where it can be saved so. */
  differences(head: Head, classifiers: Classifiers, context: HeadContext): string[]
  /** What config.json says of the head besides its labels. */
  settings(head: Head): { problem_type?: string }
  /** The one dropout that config.json may hold for it. */
  dropout(head: Head, classifiers: Classifiers): { keys: DropoutKeys; rate: number }
}
