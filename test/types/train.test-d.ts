/** Compile-only: what training takes and gives follows the definitions of the heads. Nothing here runs. */
import {
  Model,
  Trainer,
  type Dataset,
  type EpochReport,
  type Evaluation,
  type Example,
  type FitOptions,
  type FitResult,
  type TrainerOptions,
} from '../../lib'
import type { ClassMetrics, HeadMetrics, TagMetrics } from '../../lib/heads/kind'
import { exactly } from './exactly'

const withHeads = (model: Model) =>
  model
    .addHead({ name: 'intent', type: 'classification', labels: ['play', 'book'] })
    .addHead({ name: 'topics', type: 'classification', labels: ['news', 'sport'], multiLabel: true })
    .addHead({ name: 'spam', type: 'classification', labels: ['spam'] })
    .addHead({ name: 'slots', type: 'token-classification', labels: ['O', 'B-city', 'I-city'] })

export async function reports(bare: Model, train: Dataset): Promise<void> {
  const model = withHeads(bare)
  await using trainer = model.trainer({ tasks: { intent: { classWeights: { play: 2 } }, spam: false } })
  const report = await trainer.trainEpoch(train, { onStep: ({ losses }) => exactly<number>()(losses.slots) })
  exactly<number>()(report.losses.intent)
  exactly<number | undefined>()(report.losses.distill)
  exactly<{ accuracy: number }>()(report.metrics.slots)
  // @ts-expect-error no such head
  void report.losses.intentt
  // @ts-expect-error no such head
  void report.metrics.intentt

  for (const evaluation of [await trainer.evaluate(train), await model.evaluate(train)]) {
    exactly<ClassMetrics>()(evaluation.metrics.intent)
    exactly<TagMetrics>()(evaluation.metrics.slots)
    exactly<number>()(evaluation.metrics.slots.f1)
    exactly<number>()(evaluation.metrics.intent.accuracy)
    // @ts-expect-error a measure of entities
    void evaluation.metrics.intent.f1
    // @ts-expect-error no such head
    void evaluation.metrics.intentt
    // @ts-expect-error no custom metric was given
    void evaluation.custom.mine
  }
}

export async function fits(bare: Model, train: Dataset): Promise<void> {
  const model = withHeads(bare)
  const result = await model.fit(train, {
    evaluate: train,
    learningRate: 1e-4,
    tasks: { slots: { weight: 2 } },
    freeze: [{ head: 'intent' }, 'embeddings'],
    unfreeze: [{ at: { epoch: 1 }, what: { head: 'intent' } }],
    scoreWeights: { slots: 2 },
    metrics: {
      share: ({ heads }) => {
        exactly<string[]>()(heads.intent.gold)
        exactly<string[][]>()(heads.topics.predicted)
        exactly<string[][]>()(heads.spam.predicted)
        exactly<'token-classification'>()(heads.slots.type)
        return heads.slots.gold.length
      },
    },
    earlyStopping: { metric: 'share', patience: 2 },
    onEpoch: ({ evaluation }) => exactly<number | undefined>()(evaluation?.custom.share),
    onEvaluate: ({ metrics }) => exactly<number>()(metrics.slots.f1),
  })
  exactly<number>()(result.evaluations[0]!.evaluation.custom.share)
  exactly<number>()(result.best!.evaluation.metrics.slots.precision)
  exactly<number>()(result.history[0]!.losses.topics)
  // @ts-expect-error no such custom metric
  void result.best!.evaluation.custom.shares

  for (const metric of ['score', 'loss', 'frameAccuracy', 'intent.macroF1', 'intent.loss', 'slots.f1', 'slots.strict.f1'] as const)
    await model.trainer().fit(train, { evaluate: train, earlyStopping: { metric, patience: 1 } })
  // @ts-expect-error no such measure of a classification head
  await model.fit(train, { evaluate: train, earlyStopping: { metric: 'intent.f1', patience: 1 } })
  // @ts-expect-error no such metric
  await model.fit(train, { evaluate: train, metrics: { share: () => 1 }, earlyStopping: { metric: 'shares', patience: 1 } })
  // @ts-expect-error no such head
  await model.fit(train, { evaluate: train, scoreWeights: { slotz: 1 } })
  // @ts-expect-error no such head
  await model.fit(train, { tasks: { intend: { weight: 2 } } })
  // @ts-expect-error no such label
  await model.fit(train, { tasks: { intent: { classWeights: { plai: 2 } } } })
  // @ts-expect-error no such head
  model.trainer({ freeze: { head: 'intend' } })
  // @ts-expect-error no such head
  model.trainer({ freeze: 'all', unfreeze: [{ at: { step: 1 }, what: { head: 'intend' } }] })
  // @ts-expect-error an unknown option
  await model.fit(train, { learningrate: 1 })
}

export async function labels(
  bare: Model,
  read: AsyncIterable<Example>,
  wide: { text: string; labels: { intent: string } }[],
): Promise<void> {
  const model = withHeads(bare)
  await model.fit([
    { text: 'a', labels: { intent: 'play', topics: ['news'], spam: true, slots: [{ start: 0, end: 1, label: 'city' }] } },
    { text: 'b', labels: { topics: 'sport', spam: ['spam'], slots: [] } },
    { words: ['c'], labels: { slots: ['B-city'] } },
  ])
  await model.fit({ first: [{ text: 'a', labels: { intent: 'play' } }], second: read })
  await model.fit(read)
  await model.fit(wide)
  await model.trainEpoch([{ text: 'a', labels: { intent: 'book' } }])
  // @ts-expect-error no such label
  await model.fit([{ text: 'a', labels: { intent: 'plai' } }])
  // @ts-expect-error no such head
  await model.fit([{ text: 'a', labels: { intend: 'play' } }])
  // @ts-expect-error one label, not several
  await model.fit([{ text: 'a', labels: { intent: ['play'] } }])
  // @ts-expect-error a label, not a decision
  await model.fit([{ text: 'a', labels: { intent: true } }])
  // @ts-expect-error no such entity
  await model.fit([{ text: 'a', labels: { slots: [{ start: 0, end: 1, label: 'town' }] } }])
  // @ts-expect-error no such tag
  await model.fit([{ words: ['a'], labels: { slots: ['B-town'] } }])
  // @ts-expect-error no such label, in the second data set
  await model.trainer().fit({ first: read, second: [{ text: 'a', labels: { intent: 'plai' } }] })
  // @ts-expect-error one label, not several
  await model.trainer().trainEpoch([{ text: 'a', labels: { intent: ['play'] as string[] } }])
}

export async function integers(bare: Model, wide: { text: string; labels: { grade: number } }[]): Promise<void> {
  const model = bare
    .addHead({ name: 'grade', type: 'classification', labels: 3 })
    .addHead({ name: 'tags', type: 'token-classification', labels: 2 })
    .addHead({ name: 'many', type: 'classification', labels: 1500 })
  await model.fit([
    { text: 'a', labels: { grade: 2, many: 1400 } },
    { text: 'a', labels: { grade: '0' } },
    { text: 'a', words: ['a', 'b'], labels: { tags: [0, 1] } },
  ])
  await model.fit(wide)
  await model.fit(['a text without labels', { text: 'a', labels: { grade: 1 } }])
  const { grade, many } = await model.predict('a')
  exactly<'0' | '1' | '2'>()(grade.label)
  exactly<0 | 1 | 2>()(grade.index)
  exactly<`${number}`>()(many.label)
  exactly<0 | 1 | 2 | null>()((await model.predict('a', { rejectBelow: 0.5 })).grade.index)
  // @ts-expect-error no such class
  await model.fit([{ text: 'a', labels: { grade: 3 } }])
  // @ts-expect-error no such class
  await model.fit([{ text: 'a', words: ['a', 'b'], labels: { tags: [0, 2] } }])
  // @ts-expect-error classes by number only where they have numbers
  await bare.addHead({ name: 'intent', type: 'classification', labels: ['a', 'b'] }).fit([{ text: 'a', labels: { intent: 1 } }])
}

const HEADS = [
  { name: 'intent', type: 'classification', labels: ['play', 'book'] },
  { name: 'slots', type: 'token-classification', labels: ['O', 'B-city', 'I-city'] },
] as const

const BY_NAME = { intent: HEADS[0], grade: { type: 'classification', labels: 3 } } as const

export async function declared(train: Dataset): Promise<void> {
  for (const model of [await Model.load('folder', { heads: HEADS }), await Model.load<typeof HEADS>('folder')]) {
    exactly<'play' | 'book'>()((await model.predict('a')).intent.label)
    exactly<number>()((await model.evaluate(train)).metrics.slots.f1)
    // @ts-expect-error not declared
    void (await model.predict('a')).topics
  }
  const named = await Model.load('folder', { heads: BY_NAME, dtype: 'bfloat16' })
  exactly<0 | 1 | 2>()((await named.predict('a')).grade.index)
  exactly<number>()((await named.evaluate(train)).metrics.intent.macroF1)
  const inline = await Model.load('folder', { heads: [{ name: 'a', type: 'classification', labels: ['x', 'y'] }] })
  exactly<'x' | 'y'>()((await inline.predict('a')).a.label)
  const resumed = await Trainer.resume('folder', { load: { heads: HEADS, threads: 1 } })
  exactly<number>()((await resumed.trainEpoch(train)).losses.slots)
  const plain: Model = named
  exactly<Model>()(await Model.load('folder'))
  exactly<Model>()(await Model.load('folder', { threads: 2 }))
  // @ts-expect-error no such type of head
  await Model.load('folder', { heads: [{ name: 'a', type: 'regression', labels: ['x', 'y'] }] })
  void plain
}

/** Without known heads everything is as general as the run time is. */
export async function unknown(model: Model, train: Dataset, options: FitOptions, trainerOptions: TrainerOptions): Promise<void> {
  const trainer: Trainer = model.trainer(trainerOptions)
  const result: FitResult = await trainer.fit(train, options)
  const report: EpochReport = await trainer.trainEpoch([{ text: 'a', labels: { any: 'thing', other: [] } }])
  const evaluation: Evaluation = await model.evaluate(train, options)
  exactly<HeadMetrics | undefined>()(evaluation.metrics.intent)
  exactly<number | undefined>()(report.losses.any)
  exactly<number | undefined>()(result.best?.evaluation.custom.any)
  const custom = await model.evaluate(train, { metrics: { mine: ({ heads }) => heads.any?.gold.length ?? 0 } })
  exactly<number>()(custom.custom.mine)
  await model.fit(train, { evaluate: train, tasks: { any: false }, earlyStopping: { metric: 'any.f1', patience: 1 } })
  exactly<Trainer>()(new Trainer(model, { tasks: { any: { classWeights: { x: 1 } } } }))
  exactly<Trainer>()(await Trainer.resume('folder'))
}

/** What knows its heads goes wherever the general form goes. */
export async function narrower(bare: Model, train: Dataset): Promise<void> {
  const model = withHeads(bare)
  const plain: Model = model
  const trainer: Trainer = model.trainer()
  const result: FitResult = await model.fit(train, { evaluate: train })
  const report: EpochReport = await model.trainEpoch(train)
  const evaluation: Evaluation = await model.evaluate(train)
  const outer = async (any: Trainer): Promise<number> => (await any.trainEpoch(train)).loss
  await outer(model.trainer())
  void [plain, trainer, result, report, evaluation]
}
