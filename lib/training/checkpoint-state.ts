import { Fields, isObject } from '../format/fields'
import type { DataIdentity } from './corpus'
import type { FitState } from './history'
import type { EpochSums } from './report'
import type { ResolvedSchedule } from './schedule'
import type { TrainingState } from './state'

/** What a state must fit. */
export interface StateContext {
  tasks: number
  targets: number
  /** Rules of unfreezing. */
  rules: number
}

const MAX = Number.MAX_SAFE_INTEGER

/** The state in trainer.json, checked as any stranger's. ERR_MODEL_FORMAT names what does not fit. */
export function parseState(json: unknown, where: string, context: StateContext): TrainingState {
  const fields = new Fields(json, where)
  const count = (key: string) => fields.integer(key, 0, MAX)
  const state: TrainingState = {
    epoch: count('epoch'),
    step: count('step'),
    applied: count('applied'),
    attempted: count('attempted'),
    skippedInARow: count('skippedInARow'),
    schedule: fields.given('schedule') ? parseSchedule(fields.object('schedule')) : null,
    scheduleStart: count('scheduleStart'),
    unfreezing: parseUnfreezing(fields.object('unfreezing'), context.rules),
    sums: fields.given('sums') ? parseSums(fields.object('sums'), context) : null,
    data: fields.given('data') ? parseData(fields, 'data') : null,
    fit: fields.given('fit') ? parseFit(fields.object('fit')) : null,
  }
  if (state.applied > state.attempted) throw fields.bad('applied', 'no more than were attempted')
  if (state.scheduleStart > state.applied) throw fields.bad('scheduleStart', 'no more than were applied')
  if (state.sums === null && state.step > 0) throw fields.bad('sums', 'the sums of the epoch under way')
  if (state.sums !== null && (state.data === null || state.schedule === null)) throw fields.bad('data', 'the data of the epoch under way')
  return state
}

function parseSchedule(fields: Fields): ResolvedSchedule {
  const shape = fields.string('shape')
  if (shape !== 'linear' && shape !== 'cosine' && shape !== 'constant') throw fields.bad('shape', `'linear', 'cosine' or 'constant'`)
  const total = fields.given('total') ? fields.integer('total', 0, MAX) : null
  return { shape, warmup: fields.integer('warmup', 0, MAX), total }
}

function parseUnfreezing(fields: Fields, rules: number): TrainingState['unfreezing'] {
  const fired = integers(fields, 'fired')
  if (fired.some((rule) => rule >= rules)) throw fields.bad('fired', `places of ${rules} rules`)
  return { fired, best: fields.given('best') ? number(fields, 'best') : null, stale: integers(fields, 'stale', rules) }
}

function parseSums(fields: Fields, { tasks, targets }: StateContext): EpochSums {
  const value = (key: string) => number(fields, key)
  return {
    loss: value('loss'),
    losses: numbers(fields, 'losses', tasks + targets),
    items: numbers(fields, 'items', tasks + targets),
    correct: numbers(fields, 'correct', tasks),
    examples: value('examples'),
    seen: value('seen'),
    tokens: value('tokens'),
    seconds: value('seconds'),
    steps: value('steps'),
    skipped: value('skipped'),
    gradientNorm: value('gradientNorm'),
    multiplier: value('multiplier'),
    similarity: fields.given('similarity') ? value('similarity') : null,
  }
}

/** What was reported is given back as it is; what decides the course is checked. */
function parseFit(fields: Fields): FitState {
  const watch = fields.object('watch')
  const history = objects(fields, 'history') as unknown as FitState['history']
  const evaluations = objects(fields, 'evaluations') as unknown as FitState['evaluations']
  return {
    course: courseOf(fields),
    firstStep: fields.integer('firstStep', 0, MAX),
    history,
    evaluations,
    settled: fields.integer('settled', 0, history.length),
    watch: {
      best: watch.given('best') ? number(watch, 'best') : null,
      reference: watch.given('reference') ? number(watch, 'reference') : null,
      stale: watch.integer('stale', 0, MAX),
    },
    best: fields.integer('best', -1, evaluations.length - 1),
    isOver: fields.boolean('isOver'),
  }
}

/** It is compared as a whole with that of the fit that goes on. */
function courseOf(fields: Fields): FitState['course'] {
  if (!isObject(fields.raw('course'))) throw fields.bad('course', 'an object')
  return fields.raw('course') as FitState['course']
}

function parseData(fields: Fields, key: string): DataIdentity[] {
  return objects(fields, key).map((json, i) => {
    const set = new Fields(json, `${key}[${i}] of ${fields.where}`)
    return { name: set.string('name'), examples: set.integer('examples', 1, MAX), fingerprint: set.string('fingerprint') }
  })
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function number(fields: Fields, key: string): number {
  const value = fields.raw(key)
  if (!isNumber(value)) throw fields.bad(key, 'a finite number')
  return value
}

function numbers(fields: Fields, key: string, length?: number): number[] {
  const value = fields.raw(key)
  if (!Array.isArray(value) || !value.every(isNumber) || (length !== undefined && value.length !== length)) {
    throw fields.bad(key, length === undefined ? 'a list of numbers' : `a list of ${length} numbers`)
  }
  return value
}

function integers(fields: Fields, key: string, length?: number): number[] {
  const list = numbers(fields, key, length)
  if (list.some((value) => !Number.isSafeInteger(value) || value < 0)) throw fields.bad(key, 'whole numbers of at least 0')
  return list
}

function objects(fields: Fields, key: string): Record<string, unknown>[] {
  const value = fields.raw(key)
  if (!Array.isArray(value) || !value.every(isObject)) throw fields.bad(key, 'a list of objects')
  return value
}
