/** Compile-only: what `predict` gives follows the definitions of the heads. Nothing here runs. */
import type { Model } from '../../lib'
import type { PredictOptions } from '../../lib/predict/options'
import type { ClassPrediction, PredictedEntity, PredictedWord, Scored, TagPrediction } from '../../lib/heads/predictions'
import { exactly } from './exactly'

const withHeads = (model: Model) =>
  model
    .addHead({ name: 'intent', type: 'classification', labels: ['play', 'book'] })
    .addHead({ name: 'topics', type: 'classification', labels: ['news', 'sport'], multiLabel: true })
    .addHead({ name: 'spam', type: 'classification', labels: ['spam'] })
    .addHead({ name: 'slots', type: 'token-classification', labels: ['O', 'B-city', 'I-city', 'B-time-of-day'] })

type Intent = 'play' | 'book'
type Entity = PredictedEntity<'city' | 'time-of-day'>

export async function known(bare: Model, texts: string[], options: PredictOptions): Promise<void> {
  const model = withHeads(bare)

  const r = await model.predict(texts, { heads: ['intent'] as const })
  exactly<Intent>()(r[0]!.intent.label)
  exactly<number>()(r[0]!.intent.score)
  exactly<string>()(r[0]!.text)
  // @ts-expect-error this head was not asked
  void r[0]!.slots
  // @ts-expect-error no embedding was asked for
  void r[0]!.embedding
  // @ts-expect-error no scores were asked for
  void r[0]!.intent.scores

  const one = await model.predict('text', { heads: ['intent', 'slots'], embedding: true, topK: 3, words: true, logits: true })
  exactly<Scored<Intent>[]>()(one.intent.scores)
  exactly<Float32Array>()(one.intent.logits)
  exactly<Float32Array>()(one.embedding)
  exactly<Entity[]>()(one.slots.entities)
  exactly<PredictedWord<'O' | 'B-city' | 'I-city' | 'B-time-of-day'>[]>()(one.slots.words)
  exactly<Float32Array>()(one.slots.logits)

  const all = await model.predict([['two', 'words'], 'text', { ids: [1, 2] }, { ids: new Int32Array(2) }])
  exactly<Intent>()(all[0]!.intent.label)
  exactly<'spam' | null>()(all[0]!.spam.label)
  exactly<'news' | 'sport' | null>()(all[0]!.topics.label)
  exactly<('news' | 'sport')[]>()(all[0]!.topics.labels)
  for (const { label } of all[0]!.slots.entities) exactly<'city' | 'time-of-day'>()(label)

  exactly<Intent | null>()((await model.predict({ ids: [1] }, { heads: ['intent'], rejectBelow: 0.5 })).intent.label)

  const dynamic = await model.predict(texts, options as PredictOptions<'intent' | 'slots'>)
  exactly<Intent | null | undefined>()(dynamic[0]!.intent?.label)
  exactly<Float32Array | undefined>()(dynamic[0]!.embedding)
}

export async function unknown(model: Model, texts: string[]): Promise<void> {
  const all = await model.predict(texts)
  const { intent } = all[0]!
  if (intent && 'label' in intent) exactly<string | null>()(intent.label)
  if (intent && 'entities' in intent) exactly<PredictedEntity[]>()(intent.entities)
  const asked = await model.predict('text', { heads: ['intent', 'slots'] })
  exactly<string>()(asked.text)
  if ('label' in asked.intent) exactly<string[] | undefined>()(asked.intent.labels)
  exactly<Float32Array>()((await model.predict(texts, { heads: [], embedding: true }))[0]!.embedding)
}

/** A model that knows its heads goes wherever a model goes. */
export async function narrower(bare: Model, take: (model: Model) => void): Promise<void> {
  const model = withHeads(bare)
  take(model)
  const plain: Model = model
  await plain.encode('text')
  const { intent, slots } = await model.predict('text', { topK: 2, words: true })
  const answers: [ClassPrediction, TagPrediction] = [intent, slots]
  exactly<PredictedWord[] | undefined>()(answers[1].words)
}

export async function refusals(bare: Model, texts: string[]): Promise<void> {
  const model = withHeads(bare)
  // @ts-expect-error a head that this model does not have
  await model.predict(texts, { heads: ['intend'] })
  // @ts-expect-error an unknown option
  await model.predict(texts, { head: 'intent' })
  // @ts-expect-error an unknown option beside known ones
  await model.predict(texts, { heads: ['intent'], topk: 3 })
  // @ts-expect-error an unknown aggregation
  await model.predict(texts, { aggregation: 'last' })
  // @ts-expect-error no text
  await model.predict(1)
  // @ts-expect-error a label that the head does not have
  exactly<'stop'>()((await model.predict('text')).intent.label)
}
