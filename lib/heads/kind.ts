import type { HeadObjective, HeadSource } from '../../binding'
import type { SentorchError } from '../base/errors'
import type { LabelValue } from '../data/example'
import type { Classifiers, DropoutKeys } from '../format/families'
import type { LabelScores } from '../metrics'
import type { Scheme } from '../tags/schemes'
import type { Head, HeadContext, HeadDefinition, HeadType, LabelCount } from './definition'
import type { ClassPrediction, ReadingOptions, TaggedText, TagPrediction } from './predictions'

/** A target that the loss ignores: PyTorch's `ignore_index`. */
export const NO_LABEL = -100

/** The labels of one example for one head: one, several, or one tag per word. */
export type Gold = string | string[]

/**
 * Everything that differs between kinds of heads: what they are computed from, how labels become targets and logits become predictions, how
 * they are evaluated, and which class of transformers they correspond to. Each kind is one object in its own file; `kinds.ts` lists them.
 */
export interface HeadKind<G extends Gold = Gold, M extends HeadMetrics = HeadMetrics> {
  /** What error messages call it: '… heads'. */
  readonly name: string
  /** Whether a head of the type that `kinds.ts` lists it under is of this kind. */
  matches(head: Pick<Head, 'labels' | 'multiLabel'>): boolean

  /** The native form, which determines what the first layer gets. */
  readonly native: HeadSource['type']
  /** Whether there are logits for each token; otherwise for each text. */
  readonly perToken: boolean
  inputs(head: Pick<Head, 'pooling'>, context: HeadContext): Pick<HeadSource, 'pooling' | 'steps' | 'inputs'>
  /** Throws if the definition contains something that this kind does not allow. */
  checkDefinition(head: Head): void
  /** Throws if labels cannot be added to the head. */
  checkExtension(head: Head): void

  /** The labels of an example in the form that this kind uses, whether or not the head has them. ERR_DATA for a value of the wrong shape. */
  gold(head: Head, example: LabelledExample): { gold: G; entitiesLost: number }
  /** Whether `gold` needs the words of the whole text, including those beyond the token limit. */
  needsAllWords(value: LabelValue | undefined): boolean
  /** Number of integers that the loss takes per text, or per token. */
  targetSize(head: Head): number
  /** Writes the targets of one example, which are all `NO_LABEL` before. `idOf` returns `NO_LABEL` for labels that are to be ignored. */
  writeTargets(targets: Int32Array, gold: G, example: TargetExample): void

  readonly loss: HeadObjective['loss']
  /** Class weights for `'balanced'`, one per label; `targets`: those of all examples. */
  balancedWeights(targets: Int32Array, labels: number): Float32Array

  /** The options of `predict` that apply to this kind, besides those that apply to every kind. */
  readonly predictOptions: readonly KindOption[]
  /** Called once per `predict`; the function that it returns turns the logits of one text into a prediction. */
  predictor(head: Head, options: ReadingOptions): Predictor

  readonly outcome: HeadOutcome['type']
  /** The prediction for one labelled example, as labels. Passes the loss of each item whose label the head knows to `addLoss`. */
  judge(head: Head, example: JudgedExample<G>, addLoss: (loss: number) => void): G
  /** What the decisions of this kind are about. */
  readonly decides: 'text' | 'label' | 'word'
  /** The single decisions of a prediction that `judge` made, in the order of labels or words. */
  decisions(head: Head, example: JudgedExample<G>, predicted: G): Decision[]
  /** Compares the predictions with the labels, example by example. */
  metrics(head: Head, gold: G[], predicted: G[]): Measured<M>
  /** The measure that enters the evaluation's `score`. */
  mainMeasure(head: Head, metrics: M): number
  /** The form of `metrics` in checkpoints, the same for all kinds of one type. Each 'measure' can also be watched for early stopping. */
  readonly metricsForm: FormOf<Measured<M>>

  /** Undefined: transformers has no class for this kind. */
  readonly checkpoint: CheckpointForm | undefined
}

/** One labelled example, before its labels are compared with those of the head. */
export interface LabelledExample {
  value: LabelValue
  /** Number of words in the example; undefined if it gives none, and the tokenizer splits the text. */
  givenWords: number | undefined
  /** Start and end of each word, in UTF-16 units. */
  words: Int32Array
  /** The error to throw for this example. */
  refuse: (why: string) => SentorchError
}

export interface TargetExample {
  idOf: (label: string) => number
  /** The indices of the head's labels. */
  ids: ReadonlyMap<string, number>
  /** Word index of each token; −1: none. */
  wordOfToken: Int32Array
  labelSubwords: LabelSubwords
}

/** Which tokens of a word have a target: the first one, or all of them. */
export type LabelSubwords = 'first' | 'all'

export interface JudgedExample<G> {
  gold: G
  /** [labels], or [tokens, labels] for kinds with logits per token. */
  logits: Float32Array
  targets: Int32Array
  wordOfToken: Int32Array
}

/** One decision: which label a text or a word has, or whether one label applies to a text. */
export interface Decision {
  /** The label that is decided on, if each label is decided separately; the answers are then `yes` and `no`. */
  label?: string
  gold: string
  predicted: string
  /** Probability that the head gives its answer, 0..1; NaN for a word that truncation removed. */
  confidence: number
}

export type KindOption = Exclude<keyof ReadingOptions, 'logits'> | 'stride'

/** `logits`: [labels], or [tokens, labels] for kinds with logits per token. */
export type Predictor = (logits: Float32Array, text: TaggedText) => ClassPrediction | TagPrediction

/**
 * What one head predicted for the examples that have a label for it. `examples`: their indices in the data; `gold` and `predicted` have the
 * same order. Labels that the head does not have stay in `gold`, where no prediction equals them.
 */
export type HeadOutcome =
  | { type: 'classification'; examples: number[]; gold: string[]; predicted: string[] }
  | { type: 'multi-label'; examples: number[]; gold: string[][]; predicted: string[][] }
  /** One tag per word; words lost to truncation count as predicted `O`. */
  | { type: 'token-classification'; examples: number[]; gold: string[][]; predicted: string[][] }

/** How well one head predicts. All shares are in 0..1; `examples` counts those with a label for the head. */
export type HeadMetrics =
  | {
      type: 'classification'
      /** Absent if no example has a label that the head knows. */
      loss?: number
      examples: number
      /** Multi-label: share of examples whose labels are all correct. */
      accuracy: number
      microF1: number
      macroF1: number
      /** Multi-label: precision and recall of all labels together, whose F1 is `microF1`. */
      micro?: { precision: number; recall: number; f1: number }
      /** Multi-label: mean over examples of the scores of one example's labels. */
      samples?: { precision: number; recall: number; f1: number }
      labels: LabelScores<string>[]
    }
  | {
      type: 'token-classification'
      /** Absent if no word has a tag that the head knows. */
      loss?: number
      examples: number
      /** Share of words whose tag is correct. */
      accuracy: number
      /** Precision, recall and F1 of entities over all words, as conlleval counts them; BILOU, which conlleval does not support, by its own scheme. */
      precision: number
      recall: number
      f1: number
      /** Counts only entities that are well formed in the scheme of the head's labels; absent if the labels follow none. */
      strict?: { scheme: Scheme; precision: number; recall: number; f1: number }
      /** Per entity type. */
      types: LabelScores<string>[]
    }

/** The metrics of a head, by its definition. */
export type MetricsOf<D extends HeadDefinition> = MetricsByType<D['type']>

type MetricsByType<T extends HeadType> = T extends HeadType ? Extract<HeadMetrics, { type: T }> : never

/** What a head predicted, by its definition. */
export type OutcomeOf<D extends HeadDefinition> = Extract<HeadOutcome, { type: OutcomeName<D['type'], D> }>

type OutcomeName<T extends HeadType, D extends HeadDefinition> = T extends 'classification' ? ClassOutcome<D> : T

type ClassOutcome<D extends HeadDefinition> = D['multiLabel'] extends true
  ? 'multi-label'
  : number extends LabelCount<D>
    ? 'classification' | 'multi-label'
    : LabelCount<D> extends 1
      ? 'multi-label'
      : 'classification'

/** The names of the numbers in the metrics of each type, as `measuresOf` lists them: `accuracy`, `strict.f1` … */
export type MeasureNames = { [T in HeadType]: MeasureIn<Omit<MetricsByType<T>, 'type' | 'examples'>> }

type MeasureIn<M> = {
  [K in keyof M & string]-?: NonNullable<M[K]> extends number
    ? K
    : NonNullable<M[K]> extends string | readonly unknown[]
      ? never
      : `${K}.${MeasureIn<NonNullable<M[K]>>}`
}[keyof M & string]

export type ClassMetrics = Extract<HeadMetrics, { type: 'classification' }>
export type TagMetrics = Extract<HeadMetrics, { type: 'token-classification' }>

/** The part of the metrics that depends on the kind. */
export type Measured<M extends HeadMetrics> = Omit<M, 'type' | 'loss' | 'examples'>

/** The form of metrics, key by key: a number, a tag scheme, a list of scores per label, or an optional object of these. */
export interface MetricForm {
  readonly [key: string]: 'measure' | 'scheme' | 'label scores' | MetricForm
}

/** The form of the metrics `T`. */
export type FormOf<T> = {
  readonly [K in keyof T]-?: NonNullable<T[K]> extends number
    ? 'measure'
    : NonNullable<T[K]> extends string
      ? 'scheme'
      : NonNullable<T[K]> extends readonly unknown[]
        ? 'label scores'
        : FormOf<NonNullable<T[K]>>
}

/** Formats of transformers that a head can be saved in. */
export type SaveAs = 'sequence-classification' | 'token-classification'

/** A class of transformers, described as plain data; `lib/format/` reads and writes the files. */
export interface CheckpointForm {
  /** Its name in the options of `save`. */
  readonly as: SaveAs
  /** The end of the class name, the same in every family; config.json lists the whole name under `architectures`. */
  readonly className: string
  /** Type and name that a head gets when it is read from such a checkpoint. */
  readonly type: HeadType
  readonly headName: string
  /** Tensor names of the layers, from first to last, in a file whose encoder has the family's prefix. */
  layers(classifiers: Classifiers): readonly string[]
  /** The shape of the head in transformers. `rate`: reads a dropout rate from config.json. */
  definition(
    classifiers: Classifiers,
    hiddenSize: number,
    multiLabel: boolean,
    rate: (keys: DropoutKeys) => number,
  ): Omit<HeadDefinition, 'name' | 'type' | 'labels'>
  /** How a head differs from that shape, as clauses of one sentence; empty if it can be saved in this format. */
  differences(head: Head, classifiers: Classifiers, context: HeadContext): string[]
  /** Entries of config.json for the head, besides its labels. */
  settings(head: Head): { problem_type?: string }
  /** The dropout rate that config.json can hold for it. */
  dropout(head: Head, classifiers: Classifiers): { keys: DropoutKeys; rate: number }
}
