import { Fields, isObject } from '../../files/fields'
import type { HeadMetrics, MetricForm } from '../../heads/kind'
import { HEAD_TYPES, metricsFormOf } from '../../heads/kinds'
import type { LabelScores } from '../../metrics'
import { SCHEMES, type Scheme } from '../../tags/schemes'
import type { Evaluation } from '../evaluation/outcomes'
import type { DataIdentity } from '../loop/corpus'
import type { EpochRecord, EvaluationRecord, FitCourse, FitState } from '../loop/history'

const EPOCH_KEYS = ['epoch', 'loss', 'losses', 'metrics', 'examples', 'tokens', 'seconds', 'steps', 'skippedSteps', 'learningRates', 'gradientNorm', 'embeddingSimilarity', 'evaluation'] // prettier-ignore
const EVALUATION_KEYS = ['loss', 'losses', 'metrics', 'frameAccuracy', 'score', 'custom', 'examples', 'tokens', 'truncated', 'seconds']
const COURSE_KEYS = ['epochs', 'maxSteps', 'evaluateEvery', 'earlyStopping', 'scoreWeights', 'metrics', 'evaluate', 'restoreBest']
const FIT_KEYS = ['course', 'firstStep', 'history', 'evaluations', 'settled', 'watch', 'best', 'isOver']

/** The current call of `fit` in trainer.json. */
export function parseFit(fields: Fields): FitState {
  fields.only(FIT_KEYS)
  const watch = fields.required('watch').only(['best', 'reference', 'stale'])
  const history = each(fields, 'history', epochRecord)
  const evaluations = each(fields, 'evaluations', evaluationRecord)
  return {
    course: courseOf(fields.required('course').only(COURSE_KEYS)),
    firstStep: count(fields, 'firstStep'),
    history,
    evaluations,
    settled: fields.integer('settled', 0, history.length),
    watch: { best: orNull(watch, 'best', number), reference: orNull(watch, 'reference', number), stale: count(watch, 'stale') },
    best: fields.integer('best', -1, evaluations.length - 1),
    isOver: fields.boolean('isOver'),
  }
}

export function parseData(fields: Fields, key: string): DataIdentity[] {
  return each(fields, key, (set) => {
    set.only(['name', 'examples', 'fingerprint'])
    return { name: set.string('name'), examples: set.integer('examples', 1, MAX_COUNT), fingerprint: set.string('fingerprint') }
  })
}

function courseOf(fields: Fields): FitCourse {
  const stopping = fields.required('earlyStopping').only(['metric', 'mode', 'minDelta', 'patience'])
  return {
    epochs: count(fields, 'epochs'),
    maxSteps: orNull(fields, 'maxSteps', count),
    evaluateEvery: orNull(fields, 'evaluateEvery', count),
    earlyStopping: {
      metric: stopping.string('metric'),
      mode: stopping.string('mode'),
      minDelta: number(stopping, 'minDelta'),
      patience: orNull(stopping, 'patience', count),
    },
    scoreWeights: measures(fields, 'scoreWeights'),
    metrics: strings(fields, 'metrics'),
    evaluate: orNull(fields, 'evaluate', parseData),
    restoreBest: fields.boolean('restoreBest'),
  }
}

function epochRecord(fields: Fields): EpochRecord {
  fields.only(EPOCH_KEYS)
  const metrics = fields.required('metrics')
  const similarity = fields.given('embeddingSimilarity') ? fields.required('embeddingSimilarity').only(['before', 'after']) : undefined
  return {
    epoch: count(fields, 'epoch'),
    loss: measure(fields, 'loss'),
    losses: measures(fields, 'losses'),
    metrics: Object.fromEntries(
      metrics.keys().map((head) => [head, { accuracy: measure(metrics.required(head).only(['accuracy']), 'accuracy') }]),
    ),
    examples: count(fields, 'examples'),
    tokens: count(fields, 'tokens'),
    seconds: number(fields, 'seconds'),
    steps: count(fields, 'steps'),
    skippedSteps: count(fields, 'skippedSteps'),
    learningRates: measures(fields, 'learningRates'),
    gradientNorm: measure(fields, 'gradientNorm'),
    ...(similarity && { embeddingSimilarity: { before: measure(similarity, 'before'), after: measure(similarity, 'after') } }),
    ...(fields.given('evaluation') && { evaluation: evaluationOf(fields.required('evaluation')) }),
  }
}

function evaluationRecord(fields: Fields): EvaluationRecord {
  fields.only(['epoch', 'step', 'value', 'evaluation'])
  return {
    epoch: count(fields, 'epoch'),
    step: count(fields, 'step'),
    value: measure(fields, 'value'),
    evaluation: evaluationOf(fields.required('evaluation')),
  }
}

function evaluationOf(fields: Fields): Evaluation {
  fields.only(EVALUATION_KEYS)
  const metrics = fields.required('metrics')
  return {
    ...(fields.given('loss') && { loss: measure(fields, 'loss') }),
    losses: measures(fields, 'losses'),
    metrics: Object.fromEntries(metrics.keys().map((head) => [head, headMetrics(metrics.required(head))])),
    ...(fields.given('frameAccuracy') && { frameAccuracy: measure(fields, 'frameAccuracy') }),
    score: measure(fields, 'score'),
    custom: measures(fields, 'custom'),
    examples: count(fields, 'examples'),
    tokens: count(fields, 'tokens'),
    truncated: count(fields, 'truncated'),
    seconds: number(fields, 'seconds'),
  }
}

function headMetrics(fields: Fields): HeadMetrics {
  const type = fields.string('type')
  const form = metricsFormOf(type)
  if (form === undefined) throw fields.bad('type', HEAD_TYPES.map((each) => `'${each}'`).join(' or '))
  fields.only(['type', 'loss', 'examples', ...Object.keys(form)])
  return {
    type,
    ...(fields.given('loss') && { loss: measure(fields, 'loss') }),
    examples: count(fields, 'examples'),
    ...valuesOf(fields, form),
  } as HeadMetrics
}

function valuesOf(fields: Fields, form: MetricForm): object {
  const values: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(form)) {
    if (typeof value === 'object') {
      if (fields.given(key)) values[key] = valuesOf(fields.required(key).only(Object.keys(value)), value)
      continue
    }
    switch (value) {
      case 'measure':
        values[key] = measure(fields, key)
        break
      case 'scheme':
        values[key] = schemeOf(fields, key)
        break
      case 'label scores':
        values[key] = each(fields, key, labelScores)
        break
    }
  }
  return values
}

function schemeOf(fields: Fields, key: string): Scheme {
  const scheme = fields.string(key) as Scheme
  if (!SCHEMES.includes(scheme)) throw fields.bad(key, `one of ${SCHEMES.join(', ')}`)
  return scheme
}

function labelScores(fields: Fields): LabelScores<string> {
  fields.only(['label', 'precision', 'recall', 'f1', 'support'])
  return {
    label: fields.string('label'),
    precision: measure(fields, 'precision'),
    recall: measure(fields, 'recall'),
    f1: measure(fields, 'f1'),
    support: count(fields, 'support'),
  }
}

function each<T>(fields: Fields, key: string, read: (fields: Fields) => T): T[] {
  return objects(fields, key).map((json, i) => read(new Fields(json, `${key}[${i}] of ${fields.where}`)))
}

/** Readers for values of a checkpoint. ERR_MODEL_FORMAT names an invalid value. */

export const MAX_COUNT = Number.MAX_SAFE_INTEGER

export function count(fields: Fields, key: string): number {
  return fields.integer(key, 0, MAX_COUNT)
}

/** A finite number. */
export function number(fields: Fields, key: string): number {
  const value = fields.raw(key)
  if (!isFinite(value)) throw fields.bad(key, 'a finite number')
  return value
}

/** Any number: a metric may be NaN or infinite. */
function measure(fields: Fields, key: string): number {
  const value = fields.raw(key)
  if (typeof value !== 'number') throw fields.bad(key, 'a number')
  return value
}

/** Metrics by name; any name is accepted. */
function measures(fields: Fields, key: string): Record<string, number> {
  const named = fields.required(key)
  return Object.fromEntries(named.keys().map((name) => [name, measure(named, name)]))
}

export function numbers(fields: Fields, key: string, length?: number): number[] {
  const value = fields.raw(key)
  if (!Array.isArray(value) || !value.every(isFinite) || (length !== undefined && value.length !== length)) {
    throw fields.bad(key, length === undefined ? 'a list of numbers' : `a list of ${length} numbers`)
  }
  return value
}

export function integers(fields: Fields, key: string, length?: number): number[] {
  const list = numbers(fields, key, length)
  if (list.some((value) => !Number.isSafeInteger(value) || value < 0)) throw fields.bad(key, 'whole numbers of at least 0')
  return list
}

function strings(fields: Fields, key: string): string[] {
  const value = fields.raw(key)
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) throw fields.bad(key, 'a list of strings')
  return value
}

function objects(fields: Fields, key: string): Record<string, unknown>[] {
  const value = fields.raw(key)
  if (!Array.isArray(value) || !value.every(isObject)) throw fields.bad(key, 'a list of objects')
  return value
}

/** Null where the key is absent or null. */
export function orNull<T>(fields: Fields, key: string, read: (fields: Fields, key: string) => T): T | null {
  return fields.given(key) ? read(fields, key) : null
}

function isFinite(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
