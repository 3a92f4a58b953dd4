import { join } from 'node:path'
import { libraryVersion } from '../../base/platform'
import { Fields } from '../../files/fields'
import { safetensorsFile, valueOf, type StagedFolder, type TensorToWrite } from '../../format/write-folder'
import { saveModel } from '../../model/save'
import { fromNative } from '../../native/call'
import { hasKept, keptParameters } from '../loop/best'
import type { Session } from '../loop/session'
import { recipeOf, type TrainingState } from '../loop/state'
import type { TaskWeights } from '../objectives/heads'
import type { Targets } from '../objectives/targets'
import type { TrainerOptions } from '../options/train'
import { withMatchedNames } from '../parameters/patterns'
import { comparable, toPlainJson } from '../plain'
import { numbers } from './fit-state'

/** Version of the layout. It increases when older readers would misread a checkpoint. */
const CHECKPOINT_FORMAT = 1

export const TRAINER_JSON = 'trainer.json'
export const OPTIMIZER_FILE = 'optimizer.safetensors'
export const TARGETS_FILE = 'targets.safetensors'

/** The contents of trainer.json. */
export interface TrainerJson {
  format: number
  sentorch: string
  libtorch: string
  /** The given options in the notation of `plain.ts`: a RegExp is stored as the names that it matched, a teacher as a marker. */
  options: TrainerOptions
  /** The options with every default and without those names, to detect a version that interprets them differently. */
  resolved: object
  /** How the model was loaded. A resumed run gives bit-identical results only with the same values. */
  load: { dtype: 'float32' | 'bfloat16'; device: string; threads: number }
  state: TrainingState
  /** Null: `'balanced'` weights have not been computed yet, because the data is not known. */
  classWeights: TaskWeights | null
  /** Number of updates of each parameter; parameters without updates are omitted. */
  updates: Record<string, number>
}

export interface CheckpointSource {
  session: Session
  targets: Targets
  options: TrainerOptions
  classWeights: TaskWeights | null
}

/**
 * Writes a checkpoint: the model's folder, with trainer.json, optimizer.safetensors and, with regression targets, targets.safetensors.
 * Call it in a turn of the session's queue. The folder appears when it is complete; until then an existing folder stays in place.
 */
export async function writeCheckpoint(source: CheckpointSource, dir: string): Promise<void> {
  const { session, targets } = source
  const { model } = session
  await saveModel(model, dir, { overwrite: true, training: recipeOf(session) }, async (staged) => {
    const updates = await updatesOf(session)
    // From one moment: evaluations, which may end meanwhile, decide whether weights are kept.
    const [json, isKept] = [toPlainJson(trainerJson(source, updates)), hasKept(session.state)]
    await writeOptimizer(session, optimizerTensors(session, updates, isKept), staged)
    if (targets.known.size > 0) await staged.write(TARGETS_FILE, vectorFile(targets))
    await staged.write(TRAINER_JSON, json)
  })
}

function trainerJson({ session, options, classWeights }: CheckpointSource, updates: Record<string, number>): TrainerJson {
  const { info } = session.model
  const names = session.parameters.filter(({ part }) => part !== 'uncertainty').map(({ name }) => name)
  return {
    format: CHECKPOINT_FORMAT,
    sentorch: libraryVersion(),
    libtorch: info.libtorch.version,
    options: withMatchedNames(options, names),
    resolved: comparable(session.given) as object,
    load: { dtype: info.dtype, device: info.device, threads: info.threads },
    state: session.state,
    classWeights,
    updates,
  }
}

async function updatesOf({ model, parameters }: Session): Promise<Record<string, number>> {
  const steps = await fromNative(model.native.optimizerSteps())
  return Object.fromEntries(parameters.flatMap(({ name }, i) => (steps[i]! > 0 ? [[name, steps[i]!]] : [])))
}

/**
 * Names in optimizer.safetensors: `exp_avg.<parameter>`, `exp_avg_sq.<parameter>`, learned loss weights, which no model file contains, and
 * `kept.<parameter>`, the weights of the best evaluation if `isKept`.
 */
export function optimizerTensors(session: Session, updates: Readonly<Record<string, number>>, isKept: boolean): Map<string, TensorToWrite> {
  const { parameters } = session
  const tensors = new Map<string, TensorToWrite>()
  for (const { name, shape, part } of parameters) {
    if (part === 'uncertainty') tensors.set(`value.${name}`, valueOf(name, shape))
    if (!Object.hasOwn(updates, name)) continue
    tensors.set(`exp_avg.${name}`, valueOf(name, shape, 'exp_avg'))
    tensors.set(`exp_avg_sq.${name}`, valueOf(name, shape, 'exp_avg_sq'))
  }
  for (const i of isKept ? keptParameters(session) : []) {
    const { name, shape } = parameters[i]!
    tensors.set(`kept.${name}`, valueOf(name, shape, 'kept'))
  }
  return tensors
}

async function writeOptimizer(session: Session, tensors: Map<string, TensorToWrite>, staged: StagedFolder): Promise<void> {
  const request = safetensorsFile(join(staged.path, OPTIMIZER_FILE), tensors)
  await fromNative(session.model.native.write(request))
}

/** The vectors are in JavaScript's memory, so the file is assembled here and not by native code. */
function vectorFile({ known, dimension }: Targets): Uint8Array {
  const tensors = new Map([...known].map(([key, data]) => [key, valueOf(key, [data.length / dimension, dimension])] as const))
  const { header, parts } = safetensorsFile('', tensors)
  const bytes = parts.map((part) => {
    const data = known.get((part as { parameter: string }).parameter)!
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  })
  return Buffer.concat([header, ...bytes])
}

/** trainer.json, checked as far as possible without the model: `options`, `resolved` and `state` are not checked yet. */
export interface CheckedTrainerJson extends Omit<TrainerJson, 'state' | 'resolved'> {
  resolved: Record<string, unknown>
  state: unknown
}

const KEYS = ['format', 'sentorch', 'libtorch', 'options', 'resolved', 'load', 'state', 'classWeights', 'updates']

/** Checks the untrusted contents of the file. ERR_MODEL_FORMAT for an invalid value, ERR_MODEL_UNSUPPORTED for a newer format or an unknown key. */
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
