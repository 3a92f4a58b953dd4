import { Fields } from '../../files/fields'
import type { TrainerOptions } from '../options/train'
import { CHECKPOINT_FORMAT, type TrainerJson } from './checkpoint'
import { numbers } from './state-fields'
import type { TaskWeights } from '../objectives/heads'

/** trainer.json as far as it can be checked without the model; `options`, `resolved` and `state` are not. */
export interface CheckedTrainerJson extends Omit<TrainerJson, 'state' | 'resolved'> {
  resolved: Record<string, unknown>
  state: unknown
}

const KEYS = ['format', 'sentorch', 'libtorch', 'options', 'resolved', 'load', 'state', 'classWeights', 'updates']

/** Reads and checks the file without trusting its author. ERR_MODEL_FORMAT for an invalid value, ERR_MODEL_UNSUPPORTED for a newer format and unknown keys. */
export function parseTrainerJson(json: unknown, where: string): CheckedTrainerJson {
  const fields = new Fields(json, where)
  const format = fields.integer('format', 1, Number.MAX_SAFE_INTEGER)
  if (format > CHECKPOINT_FORMAT)
    throw fields.unsupported('format', `this version of sentorch reads formats up to ${CHECKPOINT_FORMAT}; update sentorch`)
  fields.only(KEYS)
  for (const key of ['options', 'resolved', 'state']) fields.required(key)
  const load = fields.required('load').only(['dtype', 'device', 'threads'])
  const dtype = load.string('dtype')
  if (dtype !== 'float32' && dtype !== 'bfloat16') throw load.bad('dtype', `'float32' or 'bfloat16'`)
  const device = load.string('device')
  if (!/^(cpu|cuda:\d{1,3})$/.test(device)) throw load.bad('device', `'cpu' or 'cuda:N'`)
  const updates = fields.required('updates')
  return {
    format,
    sentorch: fields.string('sentorch'),
    libtorch: fields.string('libtorch'),
    options: fields.raw('options') as TrainerOptions,
    resolved: fields.raw('resolved') as Record<string, unknown>,
    load: { dtype, device, threads: load.integer('threads', 1, 1024) },
    state: fields.raw('state'),
    classWeights: parseWeights(fields),
    updates: Object.fromEntries(updates.keys().map((name) => [name, updates.integer(name, 1, 2 ** 31 - 1)])),
  }
}

function parseWeights(fields: Fields): TaskWeights | null {
  if (!fields.given('classWeights')) return null
  const value = fields.raw('classWeights')
  if (!Array.isArray(value)) throw fields.bad('classWeights', 'a list for each task')
  const tasks = new Fields(Object.fromEntries(value.entries()), `classWeights of ${fields.where}`)
  return tasks.keys().map((task) => {
    if (!tasks.given(task)) return null
    const weights = numbers(tasks, task)
    if (weights.some((weight) => weight < 0)) throw tasks.bad(task, 'numbers of at least 0')
    return weights
  })
}
